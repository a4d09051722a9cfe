"""Rows and their limits, without any process: which figure counts, and what is printed of many runs."""

import argparse
import json
import math
import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench import bench_faults
from tests.timing import seconds

from . import rows_cards
from .row import KEPT, LONG_RUNS, NOTHING_OLD, SHORT_RUNS, Figures, Limit, Row, growth_mb, rows, worst
from .rows_cards import order_xruns
from .scene import Party, Scene

NAN = float("nan")
BACK = Limit("sound_back_s", 0.5)


def nothing(scene: Scene) -> None:
    """What never happens here."""


def row(name: str = "a fault", fault_s: float = 2.0, limits: tuple[Limit, ...] = (BACK, NOTHING_OLD, KEPT)) -> Row:
    return Row(name, fault_s, nothing, nothing, limits)


def figures(back_s: float = 0.2, old_s: float = 0.0, not_kept: int = 0) -> Figures:
    return {"sound_back_s": back_s, "old_speech_s": old_s, "not_kept": not_kept}


def party(daemon: Any, mic: Any = None, spk: Any = None) -> Party:
    return Party("somebody", daemon, mic, spk, seed=1)


def process_of(pid: int, mb: float) -> Any:
    """All that is asked of one here."""
    return SimpleNamespace(pid=pid, rss_mb=lambda: mb)


class XrunCard:
    """Has an xrun that is ordered when it has been looked at so often; two that are ordered before that are one."""

    def __init__(self, looks: int) -> None:
        self.ordered = self.had = 0
        self._looks, self._left = looks, -1

    def xrun(self) -> None:
        self.ordered, self._left = self.ordered + 1, self._looks

    def stats(self) -> dict[str, int]:
        self.had += self._left == 0
        self._left -= 1
        return {"xruns": self.had}


def test_the_worst_run_counts_unless_the_limit_says_otherwise() -> None:
    values = [float(value) for value in range(1, 21)]
    assert [Limit("x", 1, by).of(values) for by in ("worst", "p95", "median")] == [20.0, 19.0, 10.5]
    assert str(Limit("gap_ms", 400, by="p95")) == "p95 of gap_ms <= 400"


def test_what_could_not_be_measured_is_outside_every_limit() -> None:
    for values in ([NAN, 1.0, 2.0], [1.0, 2.0, NAN], [1.0, NAN, 2.0]):
        assert worst(values) == math.inf
        assert [Limit("x", 5, by).of(values) for by in ("worst", "p95")] == [math.inf, math.inf]
        assert Limit("x", 5, "median").of(values) == 2.0
    assert worst([-3.0, 1.5]) == 1.5
    drift = Limit("latency_change_ms", 5.0)
    case = bench_faults.case(row(limits=(drift,)), [{"latency_change_ms": change} for change in (0.4, NAN, 0.2)])
    assert case["ok"] is False


def test_a_limit_may_be_what_is_so_without_any_fault() -> None:
    """The worst of one and the worst of the other: when it happens by itself is a matter of chance."""
    limit = Limit("others_gap_ms", 5.0, beyond="floor_others_gap_ms")
    assert str(limit) == "others_gap_ms <= floor_others_gap_ms + 5"
    runs = [{"others_gap_ms": gap, "floor_others_gap_ms": floor} for gap, floor in ((25.0, 0.0), (0.0, 20.0))]
    case = bench_faults.case(row(limits=(limit,)), runs)
    assert (case["ok"], case["others_gap_ms"], case["floor_others_gap_ms"]) == (True, 25.0, 20.0)
    assert bench_faults.case(row(limits=(limit,)), [*runs, {**runs[0], "others_gap_ms": 26.0}])["ok"] is False
    assert bench_faults.case(row(limits=(limit,)), [{"others_gap_ms": NAN, "floor_others_gap_ms": NAN}])["ok"] is False


def test_memory_grows_by_role_whichever_process_has_it() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:  # it ends with its input
        scene = Scene()
        scene.hubs, scene.parties["near"] = [process_of(process.pid, 20.0)], party(process_of(process.pid, 30.0))
        before = scene.memory_mb()
        scene.hubs = [process_of(os.getpid(), 29.0)]
        assert growth_mb(before, scene.memory_mb()) == 9.0
    assert growth_mb(before, scene.memory_mb()) == 9.0, "who is gone has not shrunk"


def test_a_thousand_xruns_are_a_thousand_of_each_way_and_end_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_cards, "XRUN_EVERY_S", 0.0)
    scene, mic, spk = Scene(), XrunCard(looks=0), XrunCard(looks=1)
    scene.parties["far"] = party(None, mic, spk)
    order_xruns(scene)
    assert (mic.ordered, mic.had, spk.ordered, spk.had) == (1_000, 1_000, 1_000, 1_000)


@pytest.mark.parametrize(
    ("outlier", "ok"),
    [
        (figures(), True),
        (figures(back_s=0.5), True),
        (figures(back_s=0.501), False),
        (figures(back_s=float("inf")), False),
        (figures(old_s=0.02), False),
        (figures(not_kept=1), False),
        ({"failed": "the call does not come about"}, False),
    ],
)
def test_one_run_outside_a_limit_is_enough(outlier: Figures, ok: bool) -> None:
    case = bench_faults.case(row(), [figures(), outlier, figures()])
    assert (case["case"], case["runs"], case["ok"]) == ("a fault", 3, ok)
    assert case["failed"] == ("failed" in outlier)
    json.dumps(case, allow_nan=False)
    assert case["limit"] == "sound_back_s <= 0.5, old_speech_s <= 0, not_kept <= 0"


def test_runs_that_all_failed_are_no_success() -> None:
    assert bench_faults.case(row(), [{"failed": "x"}])["ok"] is False


def test_short_faults_run_more_often() -> None:
    assert [row(fault_s=fault_s).how_often() for fault_s in (2.0, 5.0, 15.0)] == [SHORT_RUNS, SHORT_RUNS, LONG_RUNS]


def test_the_table_has_its_rows() -> None:
    table = rows()
    assert {f"black hole {seconds} s" for seconds in (2, 5, 15, 60)} <= set(table)
    assert {"hub killed and restarted", "hub restarted as planned", "5 % loss", "listener stopped 60 s"} <= set(table)
    assert table["15 % loss"].how_often() == 20


# The bench: which runs are made, and what an interruption leaves


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Two rows whose runs only write down that they were made."""
    made: list[tuple[str, int]] = []

    def once(name: str, seed: int) -> Figures:
        made.append((name, seed))
        return figures(back_s=seed / 10)

    monkeypatch.setattr(bench_faults, "_once", once)
    monkeypatch.setattr(bench_faults, "rows", lambda: {"one": row("one"), "two": row("two", fault_s=15.0)})
    return made


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., list[dict[str, object]]]:
    """The bench with these options, and with a state file that it shares with the next one."""

    def bench(*options: str) -> list[dict[str, object]]:
        parser = argparse.ArgumentParser()
        bench_faults.options(parser)
        return list(bench_faults.cases(parser.parse_args([*options, "--resume", str(tmp_path / "state")])))

    (tmp_path / "state").touch()
    return bench


def test_every_row_runs_as_often_as_it_says(
    made: list[tuple[str, int]], bench: Callable[..., list[dict[str, object]]]
) -> None:
    first, second = bench()
    assert (first["case"], first["runs"], second["case"], second["runs"]) == ("one", 20, "two", 5)
    assert first["sound_back_s"] == 1.9
    assert sorted(made) == [("one", seed) for seed in range(20)] + [("two", seed) for seed in range(5)]


def test_an_interrupted_bench_goes_on_where_it_was(
    made: list[tuple[str, int]], bench: Callable[..., list[dict[str, object]]], tmp_path: Path
) -> None:
    bench("--only", "one", "--runs", "3")
    with (tmp_path / "state").open("a") as state:
        state.write('{"row": "one", "se')  # it was killed while it wrote
    made.clear()
    [case] = bench("--only", "one", "--runs", "5")
    assert sorted(made) == [("one", 3), ("one", 4)]
    assert (case["runs"], case["sound_back_s"]) == (5, 0.4)
    made.clear()
    bench("--only", "one", "--runs", "5")
    assert made == []


def test_a_run_on_a_machine_that_stood_still_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_faults, "SLOTS", [tmp_path / "one"])  # not those of a bench that runs just now
    late_ms = iter((7.0, 0.2, 9.0, 9.1, 9.2, 9.3))
    monkeypatch.setattr(bench_faults, "once", lambda name, seed: {"forwarder_late_ms": next(late_ms)})
    assert bench_faults._once("one", 1) == {"forwarder_late_ms": 0.2}
    assert bench_faults._once("one", 1) == {"forwarder_late_ms": 9.2}
    busy_percent = iter((95, 60))
    monkeypatch.setattr(bench_faults, "once", lambda name, seed: {"machine_busy_percent": next(busy_percent)})
    assert bench_faults._once("one", 1) == {"machine_busy_percent": 60}


def test_two_benches_at_once_share_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_faults, "SLOTS", [tmp_path / "one", tmp_path / "another"])
    running, most, pair = set[int](), list[int](), threading.Barrier(2, timeout=seconds(10))

    def attempt(name: str, seed: int) -> Figures:
        running.add(seed)
        pair.wait()
        most.append(len(running))
        running.discard(seed)
        return {}

    monkeypatch.setattr(bench_faults, "once", attempt)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: bench_faults._once("one", seed), range(4)))
    assert max(most) == 2


def test_a_case_is_json(made: list[tuple[str, int]], bench: Callable[..., list[dict[str, object]]]) -> None:
    assert json.loads(json.dumps(bench("--only", "two")))[0]["ok"] is True
