"""A network and what becomes of it while somebody speaks, and what the speech must be like then. PURE."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Link(Protocol):
    """The speaker's way to everybody else, as tests.badnet.Host has it."""

    def set(self, way: str = "both", **weather: Any) -> None:
        """Change it."""


@dataclass(frozen=True)
class Change:
    """at_s: since the first word."""

    at_s: float
    make: Callable[[Link], None]


@dataclass(frozen=True)
class Limits:
    """Of the medians over all seeds, but for the gap, which is a p95. pesq_below_clean: of the same seeds."""

    pesq: float = 0.0
    stoi: float = 0.0
    pesq_below_clean: float = 5.0
    longest_gap_ms: float = math.inf
    delay_ms: float = 500.0
    delay_over_clean_ms: float = math.inf

    def __str__(self) -> str:
        return ", ".join(
            f"{name} {'>=' if name in ('pesq', 'stoi') else '<='} {value:g}"
            for name, value in vars(self).items()
            if name == "delay_ms" or value != getattr(Limits, name)
        )


@dataclass(frozen=True)
class Path:
    """weather: from before the first word on."""

    name: str
    limits: Limits
    weather: Mapping[str, Any]
    changes: tuple[Change, ...] = ()

    @property
    def loses(self) -> bool:
        """Whether packets are lost, so that what bare TCP makes of it is worth knowing."""
        return bool(self.weather.get("loss"))

    def begin(self, link: Link) -> None:
        """That is how it is."""
        link.set("both", **self.weather)


ROUND_TRIP = {"delay_ms": 20.0}
JITTER_MS = 40.0
# Of a normal distribution; and what such a path takes itself, as nothing overtakes there: 2 * JITTER_MS as a mean, and
# the wait for the packet before.
_P95, PATH_MS = 1.645, 100.0

PATHS = (
    Path("clean", Limits(pesq=3.8, stoi=0.98), {}),
    Path(
        "jitter 40 ms", Limits(pesq_below_clean=0.2, delay_over_clean_ms=round(_P95 * JITTER_MS) + 40 + PATH_MS),
        {"jitter_ms": JITTER_MS, "delay_ms": 2 * JITTER_MS},
    ),
    Path(
        "5 % loss, 40 ms round trip", Limits(pesq_below_clean=0.5, longest_gap_ms=400, delay_ms=220),
        {**ROUND_TRIP, "loss": 0.05},
    ),
    Path("15 % loss, 40 ms round trip", Limits(pesq=2.0), {**ROUND_TRIP, "loss": 0.15}),
    Path(
        "1,000 kbit/s, 32 for 10 s, and back", Limits(longest_gap_ms=300), {**ROUND_TRIP, "rate_kbit": 1_000},
        (
            Change(5.0, lambda link: link.set("up", rate_kbit=32)),
            Change(15.0, lambda link: link.set("up", rate_kbit=1_000)),
        ),
    ),
)  # fmt: skip
