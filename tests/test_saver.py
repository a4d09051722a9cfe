"""A file that is replaced as a whole, by a thread of its own."""

import os
import threading
from pathlib import Path

import pytest

from device.saver import Saver
from tests.timing import seconds, until


def test_the_newest_is_there_whole_for_its_owner_alone_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file.json"
    saver = Saver(path, "everything")
    for data in (b"first", b"second"):
        saver.keep(data)
    saver.join(seconds(5))
    assert path.read_bytes() == b"second" and path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["file.json"]


def test_what_was_left_by_a_power_cut_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_bytes(b"half")
    Saver(tmp_path / "file.json", "everything").save(b"whole")
    assert (tmp_path / "file.json").read_bytes() == b"whole" and not (tmp_path / "file.new").exists()


def test_a_disk_that_refuses_is_one_warning_until_it_works(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    folder = tmp_path / "folder"
    folder.write_text("not a folder")
    saver = Saver(folder / "file.json", "the rules")
    for _ in range(3):
        saver.save(b"x")
    folder.unlink()
    saver.save(b"x")
    (folder / "file.json").unlink()
    folder.rmdir()
    folder.write_text("not a folder")
    saver.save(b"x")
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG", "WARNING"]
    assert caplog.text.count("a restart forgets the rules") == 4


def test_what_a_full_disk_refused_is_tried_again_without_another_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("device.saver.AGAIN_S", 0.01)
    folder = tmp_path / "folder"
    folder.write_text("not a folder")
    saver = Saver(folder / "file.json", "everything")
    saver.keep(b"once")
    until(lambda: "cannot be written" in caplog.text)
    folder.unlink()
    until((folder / "file.json").exists)
    assert (folder / "file.json").read_bytes() == b"once"


def test_a_disk_that_refuses_does_not_hold_up_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.write_text("not a folder")
    saver = Saver(folder / "file.json", "everything")
    saver.keep(b"once")
    saver.join(seconds(600))
    assert not [thread for thread in threading.enumerate() if thread.name == "saver"]


def test_without_memory_for_a_thread_it_is_said_and_the_next_change_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    saver = Saver(tmp_path / "file.json", "everything")

    def fails(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as no_memory:
        no_memory.setattr(threading.Thread, "start", fails)
        saver.keep(b"first")
    saver.join(0.0)
    assert "can't start new thread" in caplog.text and not (tmp_path / "file.json").exists()
    saver.keep(b"second")
    saver.join(seconds(5))
    assert (tmp_path / "file.json").read_bytes() == b"second"


def test_a_slow_disk_holds_nobody_up_and_gets_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write waits at a pipe until somebody reads it; meanwhile three more changes come."""
    gate, real, writes = tmp_path / "gate", os.fsync, list[int]()
    os.mkfifo(gate)

    def slow(number: int) -> None:
        if not writes:
            gate.write_text("open")
        writes.append(number)
        real(number)

    monkeypatch.setattr(os, "fsync", slow)
    saver = Saver(tmp_path / "state" / "file.json", "everything")
    for number in range(4):
        saver.keep(b"%d" % number)
        until((tmp_path / "state" / "file.new").exists)
    assert not (tmp_path / "state" / "file.json").exists()
    assert gate.read_text() == "open"
    until(lambda: len(writes) == 4)  # file and folder, twice
    saver.join(seconds(5))
    assert (tmp_path / "state" / "file.json").read_bytes() == b"3"
