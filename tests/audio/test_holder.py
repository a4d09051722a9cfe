"""Who holds a card, from files as the kernel writes them below /proc."""

from pathlib import Path

import pytest

from device.audio import holder


def holds(proc: Path, stream: str, pid: int, name: str) -> None:
    """What sound/core/pcm.c writes while a substream is open, and the name of its owner."""
    folder = proc / "asound" / stream
    folder.mkdir(parents=True)
    (folder / "status").write_text(
        f"state: RUNNING\nowner_pid   : {pid}\ntrigger_time: 4561.093\ndelay       : 0\navail       : 3840\n"
    )
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "comm").write_text(f"{name}\n")


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Raspberry Pi whose USB card is the fourth: recorded, and played to."""
    monkeypatch.setattr(holder, "PROC", tmp_path)
    holds(tmp_path, "card3/pcm0c/sub0", 812, "arecord")
    holds(tmp_path, "card3/pcm0p/sub0", 900, "mpv")
    (tmp_path / "asound" / "Device").symlink_to("card3")
    (tmp_path / "asound" / "card3" / "pcm1p" / "sub0").mkdir(parents=True)
    (tmp_path / "asound" / "card3" / "pcm1p" / "sub0" / "status").write_text("closed\n")
    return tmp_path


NAMES = ["hw:CARD=Device", "plughw:CARD=Device,DEV=0", "hw:3", "plughw:3,0", "dsnoop:Device"]
OTHERS = ["default", "hw:CARD=Device,DEV=1", "hw:CARD=Gone", "hw:4", "", "plug:{SLAVE='hw:3'}"]


@pytest.mark.parametrize("device", NAMES)
def test_it_is_found_by_the_name_and_by_the_number_of_the_card(proc: Path, device: str) -> None:
    assert holder.find(device, capture=True) == "arecord (812)"
    assert holder.find(device, capture=False) == "mpv (900)"


@pytest.mark.parametrize("device", OTHERS)
def test_where_it_cannot_be_known_nobody_is_named(proc: Path, device: str) -> None:
    assert holder.find(device, capture=False) == ""


def test_one_that_is_hidden_is_not_named(proc: Path) -> None:
    """As other users' processes are from a service with ProtectProc=invisible."""
    (proc / "812" / "comm").unlink()
    assert holder.find("hw:CARD=Device", capture=True) == ""


def test_a_name_that_is_cut_within_a_character_or_is_no_text_harms_nobody(proc: Path) -> None:
    """The kernel keeps 15 bytes of it, and whoever runs the program may write anything there (prctl(2))."""
    for name, shown in (("lautsprechers-ä".encode()[:15], "lautsprechers-\ufffd"), (b"a\nb\x1b[2J", "a?b?[2J")):
        (proc / "812" / "comm").write_bytes(name + b"\n")
        assert holder.find("hw:CARD=Device", capture=True) == f"{shown} (812)"
