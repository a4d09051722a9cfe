"""What a process holds, what its log says, and how much of it is too much.

Memory is RssAnon of /proc/PID/status: the pages that the process has filled itself. RSS also counts pages of files
(libraries, the virtual card's tape), which come and go as the kernel likes; PSS depends on who else runs.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

GROWTH = 0.05
# A process has been everywhere once by then, and its allocator has what it wants.
WARM_S, SHORT_RUN_S = 300.0, 600.0
# Whoever is younger has not been through enough to be compared with itself.
LEAST_AGE_S = 45.0
# The log at the shipped level: what begins is a WARNING, its repeats are DEBUG, its end is INFO. A fault can be a loss
# of the link, of a hub (of several the wrong one may be found first) and of both ways of a card, each with
# its end; a start and an end of a process take three lines. Nothing is written because time passes, but an outage may
# change its name: another hub that cannot be reached, another error.
LINES_PER_FAULT, LINES_PER_HOUR = 16, 120


@dataclass(frozen=True)
class Usage:
    """One moment of one process. connections: of participants; they come and go."""

    at_s: float
    memory_kb: int
    threads: int
    descriptors: int
    children: int
    connections: int = 0

    @classmethod
    def of(cls, pid: int, at_s: float, connections: int = 0) -> "Usage":
        """Raises FileNotFoundError when the process is gone."""
        process = Path(f"/proc/{pid}")
        status = (process / "status").read_text()
        children = [child for task in (process / "task").iterdir() for child in _children(task)]
        return cls(
            at_s,
            int(_value(status, "RssAnon")),
            int(_value(status, "Threads")),
            len(list((process / "fd").iterdir())),
            len(children),
            connections,
        )

    @property
    def own_descriptors(self) -> int:
        return self.descriptors - self.connections


def _value(status: str, name: str) -> str:
    found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
    assert found, f"this kernel tells no {name}"
    return found[1]


def _children(task: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):  # the thread has just ended
        return (task / "children").read_text().split()
    return []


@dataclass
class Life:
    """One process, from its start on."""

    name: str
    pid: int
    began_s: float
    usages: list[Usage] = field(default_factory=list)

    def baseline(self, short: bool) -> Usage:
        """What its end is compared with: the first after its fifth minute, or of all in a short run."""
        grown = [usage for usage in self.usages if usage.at_s - self.began_s >= WARM_S]
        return self.usages[0] if short or not grown else grown[0]

    def faults(self, short: bool) -> list[str]:
        """What it has too much of at its end, one line each."""
        before, now = self.baseline(short), self.usages[-1]
        if now is before or now.at_s - before.at_s < LEAST_AGE_S:
            return []
        wrong = []
        if now.memory_kb > before.memory_kb * (1 + GROWTH):
            wrong.append(
                f"{self.name}: memory grew from {before.memory_kb} to {now.memory_kb} kB, expected 5 % at most"
            )
        for what in ("threads", "own_descriptors", "children"):
            if getattr(now, what) > getattr(before, what):
                had, has = getattr(before, what), getattr(now, what)
                wrong.append(f"{self.name}: {what.replace('own_', '')} left over: {had} before, {has} now")
        return wrong

    def figures(self, short: bool) -> dict[str, object]:
        """For the report."""
        before, now = self.baseline(short), self.usages[-1]
        return {
            "age_s": round(now.at_s - self.began_s),
            "memory_kb": [before.memory_kb, now.memory_kb],
            "growth_percent": round(100 * (now.memory_kb / before.memory_kb - 1), 1),
            "threads": [before.threads, now.threads],
            "descriptors": [before.own_descriptors, now.own_descriptors],
            "children": [before.children, now.children],
        }


def too_many_lines(lines: Mapping[str, int], faults: int, outage_s: float) -> list[str]:
    """Of logs by name: those with more lines than so many faults, that took so long, give a reason for."""
    most = lines_allowed(faults, outage_s)
    return [f"{name}: {count} lines of log, expected {most} at most" for name, count in lines.items() if count > most]


def lines_allowed(faults: int, outage_s: float) -> int:
    """Of one process."""
    return round(LINES_PER_FAULT * faults + LINES_PER_HOUR * outage_s / 3_600)


def per_hour(lines: Mapping[str, int], outage_s: float) -> dict[str, int]:
    """Lines per hour of outage, by name."""
    return {name: round(count / max(outage_s, 1e-9) * 3_600) for name, count in lines.items()}


def left_over(lives: Sequence[Life], short: bool) -> list[str]:
    """All lives together."""
    return [line for life in lives if life.usages for line in life.faults(short)]
