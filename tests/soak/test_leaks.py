"""What counts as left over."""

import subprocess
import sys
from dataclasses import replace

import pytest

from . import leaks
from .leaks import Life, Usage

HELD_BYTES = 16 * 2**20
QUIET = Usage(at_s=0, memory_kb=20_000, threads=3, descriptors=14, children=0)


def life(*usages: Usage, began_s: float = 0) -> Life:
    return Life("near", 1, began_s, list(usages))


def at(minute: float, **changes: int) -> Usage:
    return replace(QUIET, at_s=60 * minute, **changes)


@pytest.mark.parametrize(
    ("end", "wrong"),
    [
        (at(30), None),
        (at(30, memory_kb=21_000, threads=2, descriptors=12), None),
        (at(30, memory_kb=21_001), "near: memory grew from 20000 to 21001 kB, expected 5 % at most"),
        (at(30, threads=4), "near: threads left over: 3 before, 4 now"),
        (at(30, descriptors=15), "near: descriptors left over: 14 before, 15 now"),
        (at(30, children=1), "near: children left over: 0 before, 1 now"),
    ],
)
def test_the_end_is_compared_with_minute_five(end: Usage, wrong: str | None) -> None:
    """What was before it is not looked at: there a process may still grow into its work, or out of its start."""
    lives = [life(at(1, memory_kb=10_000), at(4, memory_kb=90_000, threads=9), at(5.1), at(6, memory_kb=10_000), end)]
    assert leaks.left_over(lives, short=False) == ([wrong] if wrong else [])


def test_a_short_run_is_compared_with_its_first_measurement() -> None:
    assert leaks.left_over([life(at(1), at(3, memory_kb=22_000))], short=True)
    assert leaks.left_over([life(at(0.2), at(0.7, memory_kb=22_000))], short=True) == [], "too young"


def test_a_process_that_came_later_has_a_fifth_minute_of_its_own() -> None:
    late = life(at(10, memory_kb=15_000), at(13, memory_kb=18_000), at(15.5), at(30), began_s=600)
    assert leaks.left_over([late], short=False) == []
    assert late.figures(short=False)["memory_kb"] == [20_000, 20_000]


def test_one_that_was_killed_before_anybody_measured_it_holds_nothing() -> None:
    assert leaks.left_over([life()], short=False) == []


def test_participants_that_a_hub_has_are_no_leak_and_connections_without_one_are() -> None:
    hub = at(5.1, descriptors=11, connections=4)
    assert leaks.left_over([life(at(1), hub, at(30, descriptors=7))], short=False) == []
    assert leaks.left_over([life(at(1), hub, at(30, descriptors=8))], short=False)


def test_a_shorter_life_is_compared_with_the_least_that_it_ever_held() -> None:
    """What it held by chance, when it was measured first, is no measure of what it may hold."""
    swollen = at(1, memory_kb=24_000, descriptors=15, threads=4)
    wrong = leaks.left_over([life(swollen, at(2), at(3, memory_kb=22_000, descriptors=15, threads=4))], short=True)
    assert wrong == [
        "near: memory grew from 20000 to 22000 kB, expected 5 % at most",
        "near: threads left over: 3 before, 4 now",
        "near: descriptors left over: 14 before, 15 now",
    ]


def test_the_least_of_some_looks_is_the_least_of_each() -> None:
    looks = [
        at(1, memory_kb=21_000, descriptors=16, connections=2),
        at(2, memory_kb=20_500, descriptors=15, threads=4, connections=1),
        at(3, memory_kb=22_000, descriptors=18, children=1, connections=3),
    ]
    least = leaks.lowest(looks)
    assert (least.memory_kb, least.threads, least.own_descriptors, least.children) == (20_500, 3, 14, 0)
    assert least.at_s == 60


def test_the_first_after_minute_five_is_the_one_that_has_to_settle() -> None:
    one = life(at(1), at(4.9))
    assert not one.settles(4.9 * 60, short=False)
    assert one.settles(5.1 * 60, short=False)
    assert not one.settles(5.1 * 60, short=True), "it is compared with the least of all"
    one.usages.append(at(5.1))
    assert not one.settles(6 * 60, short=False)


def test_a_process_is_measured_as_it_is() -> None:
    """One that takes more of everything when it is told to."""
    script = (
        "import os, subprocess, sys, threading\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        f"held = bytearray(os.urandom({HELD_BYTES})); pipe = os.pipe()\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print('more', flush=True); sys.stdin.readline(); child.kill()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline() == b"ready\n"
        before = Usage.of(process.pid, 1.0)
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"more\n"
        after = Usage.of(process.pid, 2.0)
        process.stdin.close()
    assert after.memory_kb >= before.memory_kb + HELD_BYTES // 1_024
    assert (before.threads, before.children) == (1, 0)
    assert (after.threads, after.descriptors, after.children) == (2, before.descriptors + 2, 1)
