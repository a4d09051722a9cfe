"""What a process holds, and how much of it is too much.

Memory is RssAnon of /proc/PID/status: the pages that the process has filled itself. RSS also counts pages of files
(libraries, the virtual card's tape), which come and go as the kernel likes; PSS depends on who else runs.
"""

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

GROWTH = 0.05
# A process has been everywhere once by then, and its allocator has what it wants.
WARM_S, SHORT_RUN_S = 300.0, 600.0
# Whoever is younger has not been through enough to be compared with itself.
LEAST_AGE_S = 45.0


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

    def settles(self, at_s: float, short: bool) -> bool:
        """Whether its end is compared with what it holds now, and with nothing else."""
        return not short and at_s - self.began_s >= WARM_S and not self._grown

    def baseline(self, short: bool) -> Usage:
        """What its end is compared with: the first after its fifth minute, or the least of all in a shorter life."""
        return self._grown[0] if self._grown and not short else lowest(self.usages[:-1] or self.usages)

    @property
    def _grown(self) -> list[Usage]:
        return [usage for usage in self.usages if usage.at_s - self.began_s >= WARM_S]

    def faults(self, short: bool) -> list[str]:
        """What it has too much of at its end, one line each."""
        before, now = self.baseline(short), self.usages[-1]
        if now.at_s - before.at_s < LEAST_AGE_S:
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


def lowest(usages: Sequence[Usage]) -> Usage:
    """The least of each that there was at any of these moments, as of the first of them. There has to be one."""
    first = usages[0]
    return replace(
        first,
        memory_kb=min(usage.memory_kb for usage in usages),
        threads=min(usage.threads for usage in usages),
        descriptors=min(usage.own_descriptors for usage in usages) + first.connections,
        children=min(usage.children for usage in usages),
    )


def left_over(lives: Sequence[Life], short: bool) -> list[str]:
    """All lives together."""
    return [line for life in lives if life.usages for line in life.faults(short)]
