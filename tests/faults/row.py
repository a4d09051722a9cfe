"""One fault of the table: how it begins and ends, what is measured, and what it may cost."""

import importlib
import math
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import dated
from .scene import Scene, at

Way = tuple[str, str]
"""A mouth and an ear, by the names of their devices."""
Figures = dict[str, Any]

SHORT_RUNS, LONG_RUNS, SHORT_S = 20, 5, 5.0
# All must be back within this time of the end of a fault, or the run has failed. From then on is listened: long enough
# for what comes back and goes again.
COMES_BACK_S, AFTER_S = 10.0, 4.0
# Before a fault. A seat that is younger than 5 s when it is lost makes a device wary of that hub
# (device/channel/dialling.py, STABLE_S): so the seats, too, are old enough, not only the jitter buffers at rest.
STEADY_S = 6.0


@dataclass(frozen=True)
class Limit:
    """The figure may be so large: in the worst of all runs, or `by` "p95" or "median" of them.

    beyond: or so much larger than this other figure is, by the same rule, in the same runs.
    """

    figure: str
    most: float
    by: str = "worst"
    beyond: str = ""

    def counted(self, runs: Sequence[Figures]) -> float:
        """What of these runs is held against `most`; NaN, which is not within it, where both figures are infinite."""
        value = self.of([run[self.figure] for run in runs])
        return value - self.of([run[self.beyond] for run in runs]) if self.beyond else value

    def of(self, values: Sequence[float]) -> float:
        """The one that counts. NaN, where nothing was heard that could be measured, is worse than all others."""
        ordered = sorted(map(_or_never, values))
        if self.by == "median":
            return statistics.median(ordered)
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if self.by == "p95" else ordered[-1]

    def __str__(self) -> str:
        by = "" if self.by == "worst" else self.by + " of "
        return f"{by}{self.figure} <= {f'{by}{self.beyond} + ' if self.beyond else ''}{self.most:g}"


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
    fault_s: between them; where `begin` takes longer, the fault does. before: what is so all along. beside: measures
    something else in the same network meanwhile, and returns further figures.

    calm_s: before the fault. settles_s: how much longer than otherwise is listened after it.
    ways: those measured; both, if not given. bystanders: others, whose sound may have no gap. floor: whether they are
    measured for as long without any fault, too, before it. muted_too: in every second run "far" is muted, must stay so,
    and must not be heard.
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
    calm_s: float = STEADY_S
    settles_s: float = 0.0
    floor: bool = False

    def how_often(self) -> int:
        return self.runs or (SHORT_RUNS if self.fault_s <= SHORT_S else LONG_RUNS)

    def lasts_s(self, after_s: float = AFTER_S) -> float:
        """From the first sound to the last, where everybody is back as soon as the fault is over."""
        return self.calm_s + self._floor_s(after_s) + self.fault_s + after_s + self.settles_s

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
            spoken_s = scene.speak(self.lasts_s(after_s) + COMES_BACK_S)
            at(spoken_s + self.calm_s + self._floor_s(after_s))
            before = {name: party.place() for name, party in scene.parties.items()}
            memory_mb = scene.memory_mb()
            began_s, idle_s = time.monotonic(), _idle_s()
            self.begin(scene)
            beside = self.beside(scene, self.fault_s) if self.beside else {}
            at(began_s + self.fault_s)
            self.end(scene)
            ended_s = time.monotonic()
            scene.until_back(COMES_BACK_S)
            listened_s = time.monotonic() + after_s + self.settles_s
            at(listened_s)
            idle_share = (_idle_s() - idle_s) / ((time.monotonic() - began_s) * (os.cpu_count() or 1))
            figures: Figures = {
                "not_kept": sum(party.place() != before[name] for name, party in scene.parties.items()),
                "places": {name: [before[name], party.place()] for name, party in scene.parties.items()},
                "reconnects": {name: party.reconnects() for name, party in scene.parties.items()},
                "memory_growth_mb": growth_mb(memory_mb, scene.memory_mb()),
                "noticed": scene.observer.noticed(began_s),
                "forwarder_late_ms": round(scene.net.late_ms(), 2),
                "machine_busy_percent": round(100 * (1 - idle_share)),
                **beside,
            }
            then()
            hearing = _Listening(scene, self.calm_s, spoken_s, began_s, ended_s, listened_s)
            figures |= self._heard(hearing, muted, self._floor_s(after_s))
            figures["leaves_and_joins"] = sum(news.startswith("user-") for news in figures["noticed"])
            figures["streams_ended_or_added"] = len(figures["noticed"]) - figures["leaves_and_joins"]
            if muted and not dated.silent(scene.heard("near", listened_s)):
                figures["not_kept"] += 1
                figures["muted_was_heard"] = True
            if figures["not_kept"] or not all(limit.counted([figures]) <= limit.most for limit in self.limits):
                figures["logs"] = scene.logs(30)
            return figures

    def _floor_s(self, after_s: float) -> float:
        return self.fault_s + after_s + self.settles_s if self.floor else 0.0

    def _heard(self, hearing: "_Listening", muted: bool, floor_s: float) -> Figures:
        """Of each way, and the worst of all of them."""
        ways = [way for way in self.ways if not (muted and way[0] == "far")]
        figures: Figures = {"ways": {f"{mouth} to {ear}": hearing.figures((mouth, ear)) for mouth, ear in ways}}
        for name in ("sound_back_s", "old_speech_s", "longest_gap_ms", "unplayable_percent", "latency_change_ms"):
            figures[name] = worst(each[name] for each in figures["ways"].values())
        if self.bystanders:
            others = {f"{mouth} to {ear}": hearing.figures((mouth, ear), floor_s) for mouth, ear in self.bystanders}
            figures["bystanders"] = others
            figures["others_gap_ms"] = worst(each["whole_gap_ms"] for each in others.values())
            if floor_s:
                figures["floor_others_gap_ms"] = worst(each["floor_gap_ms"] for each in others.values())
        return figures


@dataclass(frozen=True)
class _Listening:
    """Figures of one way; moments are time.monotonic()."""

    scene: Scene
    calm_s: float
    spoken_s: float
    began_s: float
    ended_s: float
    until_s: float

    def figures(self, way: Way, floor_s: float = 0.0) -> dict[str, float]:
        """floor_s: so long before the fault nothing was wrong, and is measured, too."""
        hearing = self.scene.hearing(*way, self.until_s, self.calm_s)
        began_s, ended_s, until_s = (at_s - self.spoken_s for at_s in (self.began_s, self.ended_s, self.until_s))
        floor = {
            "floor_gap_ms": hearing.longest_gap_ms(began_s - floor_s, began_s),
            "floor_gap_at_s": hearing.gap_at_s(began_s - floor_s, began_s),
        }
        return {
            "sound_back_s": round(hearing.back_s(ended_s), 3),
            "old_speech_s": hearing.old_s(),
            "longest_gap_ms": hearing.longest_gap_ms(began_s, ended_s),
            "whole_gap_ms": hearing.longest_gap_ms(began_s, until_s),
            "whole_gap_at_s": hearing.gap_at_s(began_s, until_s),
            "unplayable_percent": round(hearing.unplayable_percent(began_s, ended_s), 2),
            "unplayable_after_percent": round(hearing.unplayable_percent(ended_s + 1, until_s - 1), 2),
            "normal_latency_ms": round(hearing.normal_ms, 1),
            "latency_change_ms": round(hearing.latency_at_ms(until_s - 2, until_s - 1) - hearing.normal_ms, 1),
            **(floor if floor_s else {}),
        }


def worst(values: Iterable[float]) -> float:
    """The largest. What could not be measured (NaN) is infinite: `max` alone finds it in some places only."""
    return max(map(_or_never, values))


def growth_mb(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """Of all who are there before and after, whichever process that is then: by role."""
    return round(sum(after[role] - mb for role, mb in before.items() if role in after), 1)


def _or_never(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _idle_s() -> float:
    """For how long the cores of this machine have had nothing to do, all together, since it started."""
    return float(Path("/proc/uptime").read_text().split()[1])


def rows() -> dict[str, Row]:
    """All rows of all files rows_*.py beside this one, by name."""
    found: dict[str, Row] = {}
    for path in sorted(Path(__file__).parent.glob("rows_*.py")):
        for row in importlib.import_module(f"{__package__}.{path.stem}").ROWS:
            assert row.name not in found, f"two rows are called {row.name}"
            found[row.name] = row
    return found
