"""The peer's files, processes of a script in its place, and that it may be missing; calls are for scripts/bench."""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path as File

import pytest

from tests.bench import bench_speech
from tests.daemon import ROOT
from tests.soundcard.quality import Heard
from tests.soundcard.speech import speech
from tests.speech import baresip
from tests.speech.heard import Run
from tests.timing import seconds, until

ADDRESS = "10.66.1.1"
# Says what a test must know, ends by itself never, and by SIGTERM only where it is told to.
SCRIPT = """\
#!/bin/sh
[ "$1" = -h ] && { echo "Usage: none"; echo "baresip v1.0.0 Copyright (C) 2010 - 2020"; exit; }
[ "$3" = deaf ] && trap "" TERM
[ "$3" = broken ] && { echo "no sound card"; exit 1; }
echo "user $(id -u), process $$, files $(ls $2 | tr '\\n' ' '), $ALSA_CONFIG_PATH, $(pwd)."
while :; do sleep 0.05; done
"""


@pytest.fixture
def script() -> Iterator[File]:
    """In place of the peer, where every user can read it."""
    folder = File(tempfile.mkdtemp(prefix="peer-"))
    for path in (folder, folder / "bin", folder / "lib", folder / "lib/baresip", folder / "lib/baresip/modules"):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    for name in ("opus.so", "alsa.so", "account.so", "menu.so"):
        (folder / "lib/baresip/modules" / name).touch()
    (folder / "bin/baresip").write_text(SCRIPT)
    (folder / "bin/baresip").chmod(0o755)
    yield folder / "bin/baresip"
    shutil.rmtree(folder)


def cases(monkeypatch: pytest.MonkeyPatch, peer: File | None) -> list[dict[str, object]]:
    """Those of the bench for two seeds of the clean path, with runs that measure nothing."""
    monkeypatch.setattr(bench_speech, "run", lambda path, seed: outcome(3.9))
    monkeypatch.setattr(baresip, "run", lambda peer, path, seed: outcome(1.0 + seed))
    monkeypatch.setattr(baresip, "program", lambda: peer)
    return list(bench_speech.cases(argparse.Namespace(seeds=2, only=["clean"], report=None, ours=False)))


def outcome(pesq: float) -> Run:
    said = speech(1)
    return Run(said, said.samples, [Heard("", 65.0, pesq, 0.99, ())], [])


def process_and_folder(said: str) -> tuple[File, File]:
    """Of the script that said this."""
    found = re.search(r"process (\d+),.*, (\S+)\.\n", said)
    assert found, said
    return File(f"/proc/{found[1]}"), File(found[2])


def parsed(text: str) -> dict[str, list[str]]:
    """The values of each key."""
    keys: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, value = line.split(" ", 1)
        keys.setdefault(key, []).append(value)
    return keys


def test_its_call_is_opus_over_the_virtual_card_and_nothing_else() -> None:
    config = parsed(baresip.files(ADDRESS, File("/usr/lib/baresip/modules"))["config"])
    assert config["module_path"] == ["/usr/lib/baresip/modules"]
    assert config["module"] == ["opus.so", "alsa.so"] and config["module_tmp"] == ["account.so"]
    assert config["audio_source"] == config["audio_player"] == ["alsa,default"]
    assert config["sip_listen"] == [f"{ADDRESS}:5060"] and config["net_interface"] == ["net0"]


def test_its_buffers_and_its_codec_are_as_shipped() -> None:
    config = parsed(baresip.files(ADDRESS, File("/"))["config"])
    assert config["audio_buffer"] == ["20-160"] and config["jitter_buffer_delay"] == ["5-10"]
    assert config["opus_bitrate"] == ["28000"]
    assert {key for key in config if key.startswith("opus")} == {"opus_bitrate", "opus_stereo", "opus_sprop_stereo"}


def test_it_answers_by_itself_and_registers_nowhere() -> None:
    uri, *parameters = baresip.files(ADDRESS, File("/"))["accounts"].strip().split(";")
    assert uri == f"<sip:intercom@{ADDRESS}>"
    assert sorted(parameters) == ["answermode=auto", "ptime=20", "regint=0"]


def test_it_is_found_with_its_modules_or_not_at_all(script: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(script.parent))
    assert baresip.program() == script
    (script.parent.parent / "lib/baresip/modules/opus.so").unlink()
    assert baresip.program() is None
    script.unlink()
    assert baresip.program() is None


def test_its_name_has_its_version(script: File) -> None:
    assert baresip.name(script) == "baresip 1.0"
    script.write_text("#!/bin/sh\n")
    assert baresip.name(script) == "baresip"


def test_a_missing_peer_has_no_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert [case["case"] for case in cases(monkeypatch, None)] == ["clean"]
    assert capsys.readouterr().err == "baresip is not installed: nothing to compare with\n"


def test_a_peer_s_line_follows_ours_and_fails_no_bench(
    script: File, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = cases(monkeypatch, script)
    assert (ours["case"], ours["pesq_wb"]) == ("clean", 3.9)
    assert ours["limit"] == "pesq >= 3.8, stoi >= 0.98, delay_ms <= 500"
    assert theirs == {**ours, "case": "baresip 1.0, clean", "pesq_wb": 2.5, "limit": "none: a peer", "ok": True}
    assert capsys.readouterr().err == ""


def test_a_process_has_its_files_and_its_card_and_is_not_root(script: File) -> None:
    with baresip.Baresip(script, ADDRESS, env={"ALSA_CONFIG_PATH": "/card"}) as one:
        one.wait_for("files accounts config log , /card, ")
        user = 65_534 if os.geteuid() == 0 else os.geteuid()
        one.wait_for(f"user {user}, ")


@pytest.mark.parametrize("argument", ["", "deaf"])
def test_it_ends_with_the_run_and_leaves_nothing(script: File, argument: str) -> None:
    with baresip.Baresip(script, ADDRESS, argument, env={}) as one:
        one.wait_for(".\n")
        process, folder = process_and_folder(one.said())
        assert process.exists() and folder.exists()
    assert not process.exists() and not folder.exists()


def test_what_it_said_is_told_where_there_is_no_call(script: File) -> None:
    with (
        pytest.raises(AssertionError, match=r"never said 'ready', it ended:\nno sound card"),
        baresip.Baresip(script, ADDRESS, "broken", env={}) as one,
    ):
        one.wait_for("ready")


def test_it_ends_when_the_bench_is_killed(script: File) -> None:
    begin = f"""
import sys
from pathlib import Path
from tests.speech.baresip import Baresip
one = Baresip(Path({str(script)!r}), {ADDRESS!r}, "deaf", env={{}})
one.wait_for(".\\n")
print(one.said(), flush=True)
sys.stdin.read()
"""
    arguments = [sys.executable, "-c", begin]
    with subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout is not None
        process, folder = process_and_folder(bench.stdout.readline())
        bench.send_signal(signal.SIGKILL)
        bench.wait(seconds(5))
    until(lambda: not process.exists())
    shutil.rmtree(folder)
