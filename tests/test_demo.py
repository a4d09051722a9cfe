"""The demo of scripts/run: it reports what was heard, and says so when nothing was."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.box import folder
from tests.daemon import ROOT
from tests.demo import failure, over
from tests.soundcard.quality import Gap, Heard
from tests.timing import seconds

pytestmark = pytest.mark.unmeasured


@contextmanager
def demo(picture: Path, stderr: int = subprocess.STDOUT, **env: str) -> Iterator["subprocess.Popen[str]"]:
    """The demo as scripts/run starts it. env: what to add to its environment."""
    command = [sys.executable, "-m", "tests.run_demo", "--picture", str(picture)]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def intercoms(demo: int) -> list[int]:
    """The processes of the demo that are an intercom each."""
    children = Path(f"/proc/{demo}/task/{demo}/children").read_text().split()
    return [int(pid) for pid in children if b"\0run\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Meanwhile they stand still."""
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.alone
def test_the_demo_ends_with_a_report_and_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "demo.png"
    with demo(picture) as process:
        said, _ = process.communicate(timeout=seconds(120))
    assert process.returncode == 0, said
    assert said.splitlines()[-1] == "OK: the call went through"
    assert said.count("PESQ") == 4
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_was_said_while_the_machine_stood_still_is_said_once_more(tmp_path: Path) -> None:
    with demo(tmp_path / "demo.png") as process:
        assert process.stdout
        assert any(line.startswith("in-call: ") for line in process.stdout)
        with frozen(intercoms(process.pid)):
            time.sleep(2.5)
        said, _ = process.communicate(timeout=seconds(120))
    assert "; but a sound card ran dry, as this machine had something else to do: once more\n" in said
    assert (process.returncode, said.splitlines()[-1], said.count("PESQ")) == (0, "OK: the call went through", 4), said


def test_what_nobody_reads_any_more_ends_without_a_word(tmp_path: Path) -> None:
    with demo(tmp_path / "demo.png", stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        assert any(line.startswith("hub: process ") for line in process.stdout)
        process.stdout.close()
        assert (process.stderr.read(), process.wait(seconds(60))) == ("", 1)


def test_with_the_hub_killed_meanwhile_the_demo_says_failed(tmp_path: Path) -> None:
    with demo(tmp_path / "demo.png") as process:
        assert process.stdout
        hub = next(line for line in process.stdout if line.startswith("hub: process "))
        os.kill(int(hub.split()[2]), signal.SIGKILL)
        said, _ = process.communicate(timeout=seconds(120))
    assert process.returncode == 1, said
    assert said.splitlines()[-1].startswith("FAILED: the hub ended before the call did; ")
    assert "heard nothing" in said.splitlines()[-1] or "not heard by the second" in said.splitlines()[-1]
    assert " nan " not in said


@pytest.mark.parametrize(
    ("hub_lives", "states", "says"),
    [
        (True, ["in-call", "in-call"], ""),
        (False, ["in-call", "offline"], "the hub ended"),
        (True, ["in-call", "offline"], "the second intercom is offline"),
    ],
)
def test_a_call_that_is_over_when_all_has_been_said_is_none(hub_lives: bool, states: list[str], says: str) -> None:
    assert over(hub_lives, states).startswith(says) and bool(over(hub_lives, states)) == bool(says)


def sentence(pesq: float = 3.9, offset_ms: float = 60.0, gap_ms: float = 0.0) -> Heard:
    return Heard("Hello.", offset_ms, pesq, 0.99, (Gap(500.0, gap_ms),) if gap_ms else ())


@pytest.mark.parametrize(
    ("heard", "says"),
    [
        ([sentence(), sentence(pesq=2.9, gap_ms=30.0), sentence()], ""),
        ([sentence(gap_ms=60.0), sentence(gap_ms=60.0), sentence()], "120 ms of what"),
        ([sentence(), sentence(offset_ms=151.0), sentence()], "151 ms late"),
        ([sentence(pesq=2.9), sentence(pesq=2.9), sentence()], "median PESQ 2.90"),
        ([sentence(1.0, float("nan"))] * 3, "heard nothing"),
    ],
)
def test_a_moment_that_the_machine_was_away_is_told_of_and_no_failure(heard: list[Heard], says: str) -> None:
    assert says in failure(heard) and bool(says) == bool(failure(heard))


def test_a_picture_that_cannot_be_written_is_said_before_the_call(tmp_path: Path) -> None:
    with demo(tmp_path / "nowhere" / "demo.png") as process:
        said, _ = process.communicate(timeout=seconds(60))
    assert process.returncode == 2
    assert said.splitlines()[-1].startswith("scripts/run: error: --picture ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whatever_ends_it_meanwhile_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with folder() as own, demo(tmp_path / "demo.png", TMPDIR=str(own), SOUNDCARD_FOLDER=str(own)) as process:
        assert process.stdout
        assert any(line.startswith("hub: process ") for line in process.stdout)
        kinds = {path.name.rpartition("-")[0] for path in own.iterdir()}
        assert kinds >= {"intercomd-test", "soundcard"}, "folders of processes, and the memory of sound cards"
        process.send_signal(number)
        said, _ = process.communicate(timeout=seconds(20))
        assert (process.returncode, "Traceback" in said) == (128 + number, False), said
        assert not list(own.iterdir())
