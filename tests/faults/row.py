"""One fault of the table: how it begins and ends, what is measured, and what it may cost."""

import importlib
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.timing import until

from . import dated
from .scene import CALM_S, Scene, at

Way = tuple[str, str]
"""A mouth and an ear, by the names of their devices."""
Figures = dict[str, Any]

SHORT_RUNS, LONG_RUNS, SHORT_S = 20, 5, 5.0
# All must be back within this time of the end of a fault, or the run has failed. From then on is listened: long enough
# for what comes back and goes again.
COMES_BACK_S, AFTER_S = 10.0, 4.0


@dataclass(frozen=True)
class Limit:
    """The figure may be so large: in the worst of all runs, or `by` "p95" or "median" of them."""

    figure: str
    most: float
    by: str = "worst"

    def of(self, values: Sequence[float]) -> float:
        """The one that counts."""
        ordered = sorted(values)
        if self.by == "median":
            return statistics.median(ordered)
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if self.by == "p95" else ordered[-1]

    def __str__(self) -> str:
        return f"{'' if self.by == 'worst' else self.by + ' of '}{self.figure} <= {self.most:g}"


BACK_IN_HALF_A_SECOND = Limit("sound_back_s", 0.5)
NOTHING_OLD = Limit("old_speech_s", 0.0)
NOBODY_LEAVES = Limit("leaves_and_joins", 0)
NO_STREAM_ENDS = Limit("streams_ended_or_added", 0)
NOBODY_NOTICES = (NOBODY_LEAVES, NO_STREAM_ENDS)
KEPT = Limit("not_kept", 0)


@dataclass(frozen=True)
class Row:
    """A fault.

    begin, end: what happens to the scene. Its end is when `end` returns: a hub that starts again has to listen by then.
    fault_s: between them. before: what is so all along. beside: measures something else in the same network meanwhile,
    and returns further figures.

    ways: those measured; both, if not given. bystanders: others, whose sound may have no gap. muted_too: in every
    second run "far" is muted, must stay so, and must not be heard.
    """

    name: str
    fault_s: float
    begin: Callable[[Scene], None]
    end: Callable[[Scene], None]
    limits: tuple[Limit, ...] = (BACK_IN_HALF_A_SECOND, NOTHING_OLD, KEPT, *NOBODY_NOTICES)
    runs: int = 0
    ways: tuple[Way, ...] = (("near", "far"), ("far", "near"))
    bystanders: tuple[Way, ...] = ()
    muted_too: bool = True
    scene: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[Scene], None] = lambda scene: None
    beside: Callable[[Scene, float], Figures] | None = None

    def how_often(self) -> int:
        return self.runs or (SHORT_RUNS if self.fault_s <= SHORT_S else LONG_RUNS)

    def run(self, seed: int, after_s: float = AFTER_S, then: Callable[[], object] = lambda: None) -> Figures:
        """Once, with real processes: the figures of this run.

        after_s: how long is listened when all are back. then: called before what was heard is judged, which is hard
        work. Raises AssertionError where the call does not come about, or somebody does not come back at all.
        """
        muted = self.muted_too and seed % 2 == 1
        with Scene(seed=seed, **self.scene) as scene:
            if muted:
                scene["far"].daemon.ask("mute")
            self.before(scene)
            spoken_s = scene.speak(CALM_S + self.fault_s + after_s + COMES_BACK_S)
            at(spoken_s + CALM_S)
            before = {name: party.place() for name, party in scene.parties.items()}
            memory_mb = scene.memory_mb()
            began_s = time.monotonic()
            self.begin(scene)
            beside = self.beside(scene, self.fault_s) if self.beside else {}
            at(began_s + self.fault_s)
            self.end(scene)
            ended_s = time.monotonic()
            until(scene.complete, COMES_BACK_S)
            listened_s = time.monotonic() + after_s
            at(listened_s)
            figures: Figures = {
                "not_kept": sum(party.place() != before[name] for name, party in scene.parties.items()),
                "places": {name: [before[name], party.place()] for name, party in scene.parties.items()},
                "reconnects": {name: party.reconnects() for name, party in scene.parties.items()},
                "memory_growth_mb": round(sum(mb - memory_mb.get(pid, mb) for pid, mb in scene.memory_mb().items()), 1),
                "noticed": scene.observer.noticed(began_s),
                "forwarder_late_ms": round(scene.net.late_ms(), 2),
                **beside,
            }
            hearing = _Listening(scene, spoken_s, began_s, ended_s, listened_s)
            then()
            figures["leaves_and_joins"] = sum(news.startswith("user-") for news in figures["noticed"])
            figures["streams_ended_or_added"] = len(figures["noticed"]) - figures["leaves_and_joins"]
            ways = [way for way in self.ways if not (muted and way[0] == "far")]
            figures["ways"] = {f"{mouth} to {ear}": hearing.figures((mouth, ear)) for mouth, ear in ways}
            for name in ("sound_back_s", "old_speech_s", "longest_gap_ms", "unplayable_percent", "latency_change_ms"):
                figures[name] = max(each[name] for each in figures["ways"].values())
            if self.bystanders:
                figures["others_gap_ms"] = max(hearing.figures(way)["whole_gap_ms"] for way in self.bystanders)
            if muted and not dated.silent(scene.heard("near", listened_s)):
                figures["not_kept"] += 1
                figures["muted_was_heard"] = True
            if figures["not_kept"] or any(figures.get(limit.figure, 0) > limit.most for limit in self.limits):
                figures["logs"] = scene.logs(30)
            return figures


@dataclass(frozen=True)
class _Listening:
    """Figures of one way; moments are time.monotonic()."""

    scene: Scene
    spoken_s: float
    began_s: float
    ended_s: float
    until_s: float

    def figures(self, way: Way) -> dict[str, float]:
        hearing = self.scene.hearing(*way, self.until_s)
        began_s, ended_s, until_s = (at_s - self.spoken_s for at_s in (self.began_s, self.ended_s, self.until_s))
        return {
            "sound_back_s": round(hearing.back_s(ended_s), 3),
            "old_speech_s": hearing.old_s(),
            "longest_gap_ms": hearing.longest_gap_ms(began_s, ended_s),
            "whole_gap_ms": hearing.longest_gap_ms(began_s, until_s),
            "unplayable_percent": round(hearing.unplayable_percent(began_s, ended_s), 2),
            "unplayable_after_percent": round(hearing.unplayable_percent(ended_s + 1, until_s - 1), 2),
            "normal_latency_ms": round(hearing.normal_ms, 1),
            "latency_change_ms": round(hearing.latency_at_ms(until_s - 2, until_s - 1) - hearing.normal_ms, 1),
        }


def rows() -> dict[str, Row]:
    """All rows of all files rows_*.py beside this one, by name."""
    found: dict[str, Row] = {}
    for path in sorted(Path(__file__).parent.glob("rows_*.py")):
        for row in importlib.import_module(f"{__package__}.{path.stem}").ROWS:
            assert row.name not in found, f"two rows are called {row.name}"
            found[row.name] = row
    return found
