"""A soak of some seconds, with real processes and few faults: what it prints, and how it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests import unprivileged
from tests.daemon import ROOT
from tests.timing import seconds, until

from .plan import Fault
from .soak import PRESS_S, silences


def soak(*arguments: str, drop: Sequence[str] = (), env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Started; in a process group of its own, as on a terminal."""
    return subprocess.Popen(
        [*drop, sys.executable, "-m", "tests.soak", *arguments],
        cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def left_of(group: int) -> dict[int, str]:
    """The commands of processes that are in this group still, by their pid."""
    left = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, _, rest = stat.read_text().partition(" ")
            command = stat.with_name("cmdline").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = rest.rpartition(")")[2].split()
        if int(fields[2]) == group and fields[0] != "Z":
            left[int(pid)] = command.replace("\0", " ")
    return left


@pytest.mark.root
@pytest.mark.unmeasured
def test_a_short_soak_says_what_came_back_and_how_soon() -> None:
    with soak("--minutes", "0.2", "--seed", "2", "--only", "xruns", "--only", "muted for a moment") as process:
        out, err = process.communicate(timeout=seconds(90))
    assert process.returncode == 0, out + err
    report = json.loads(out)
    assert (report["ok"], report["seed"]) == (True, 2)
    seed, *episodes = err.splitlines()
    assert seed == "--seed 2"
    assert report["episodes"] == len(episodes) >= 1
    assert sum(report["faults"].values()) >= report["episodes"]
    assert set(report["faults"]) <= {"xruns", "muted for a moment"}
    assert all(0 <= back_s < 10 for back_s in report["worst_back_s"].values())
    assert {one["process"] for one in report["processes"]} == {"hub 0", "hub 1", "near", "far", "other"}
    assert all(one["memory_kb"][1] > 5_000 and one["threads"][1] >= 1 for one in report["processes"])
    assert report["outage_s"] > 0
    said, allowed = report["log_lines_in_outages"]["near"]
    assert 0 < said <= allowed
    until(lambda: not left_of(process.pid))  # a process that has just ended is there for a moment, without a name


@pytest.mark.root
def test_ctrl_c_ends_it_and_all_that_it_has_started() -> None:
    with soak("--minutes", "5", "--seed", "3", "--only", "device stopped") as process:
        until(lambda: sum(" -m device " in command for command in left_of(process.pid).values()) == 5)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=seconds(30))
    assert process.returncode == 130
    report = json.loads(out)
    assert (report["ok"], report["seed"], report["wrong"]) == (False, 3, ["KeyboardInterrupt: "])
    assert err.splitlines()[0] == "--seed 3"
    assert err.splitlines()[-1] == "interrupted; --seed 3"
    until(lambda: not left_of(process.pid))  # a process that has just ended is there for a moment, without a name


@pytest.mark.root
def test_what_nobody_has_thought_of_ends_it_with_the_seed_the_faults_so_far_and_the_logs_too() -> None:
    """Here the process that judges what was heard is killed."""
    with soak("--minutes", "5", "--seed", "4", "--only", "xruns") as process:
        assert process.stderr
        told = [process.stderr.readline() for _ in range(2)]
        assert told[0] == "--seed 4\n" and "xruns" in told[1]
        (judge,) = (pid for pid, command in left_of(process.pid).items() if "spawn_main" in command)
        os.kill(judge, signal.SIGKILL)
        out, err = process.communicate(timeout=seconds(90))
    report = json.loads(out)
    assert (process.returncode, report["ok"], report["seed"]) == (1, False, 4)
    assert report["wrong"][0].startswith("BrokenProcessPool: ")
    assert len(report["history"]) == report["episodes"] >= 2
    assert {name for name, lines in report["logs"].items() if lines} == {"hub 0", "hub 1", "near", "far", "other"}
    assert "Traceback" in err, "where it was"
    until(lambda: not left_of(process.pid))


@pytest.mark.root
def test_where_no_call_can_be_made_it_says_the_seed_and_why(tmp_path: Path) -> None:
    """Here no command is found that makes networks."""
    with soak("--seed", "5", env={**os.environ, "PATH": str(tmp_path)}) as process:
        out, err = process.communicate(timeout=seconds(30))
    report = json.loads(out)
    assert (process.returncode, report["ok"], report["seed"]) == (1, False, 5)
    assert "No such file or directory" in report["wrong"][0]
    assert err.splitlines()[0] == "--seed 5"


def test_without_root_it_says_so_in_one_line() -> None:
    with soak("--minutes", "0.1", drop=unprivileged.drop()) as process:
        out, err = process.communicate(timeout=seconds(30))
    assert (process.returncode, out) == (1, "")
    assert err == "scripts/soak needs root and /dev/net/tun, to make networks that it can break\n"


def test_two_who_leave_at_once_are_each_silent_from_their_own_leave_to_their_own_return() -> None:
    far, near = Fault("left and rejoined", "far", 0.0, 4.2), Fault("muted for a moment", "near", 0.1, 2.1)
    hole = Fault("black hole", "other", 0.0, 3.0)
    presses = [(far, 0.0, 0.1), (hole, 0.0, 0.0), (near, 0.1, 0.2), (near, 2.2, 2.3), (hole, 3.0, 3.0), (far, 4.2, 4.3)]
    assert silences(presses) == {"far": [(0.1 + PRESS_S, 4.2 - PRESS_S)], "near": [(0.2 + PRESS_S, 2.2 - PRESS_S)]}
