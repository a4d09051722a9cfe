"""What a bad network does to messages: pure, seeded, one direction of one path. tests/badnet does it to real packets.

A `Path` takes messages with the time they were sent and gives them back with the time they arrive. Nothing here waits:
whoever drives the simulation asks for `next_at()` and moves its own clock there. The same seed gives the same hour.

As datagrams (`ordered=False`) a message may be lost, delayed, reordered and doubled. As a stream (`ordered=True`, what
a WebSocket sees of TCP) nothing is lost and nothing overtakes: a loss shows as a retransmission that holds up what
follows.
"""

import heapq
import random
from dataclasses import dataclass, field
from typing import Any

# Linux: a lost segment with few others behind it waits for the retransmission timer, whose minimum is 200 ms.
RETRANSMISSION_S = 0.2
# Of the first message of a connection, whose round trip nobody knows yet (RFC 6298 section 2.1).
FIRST_RETRANSMISSION_S = 1.0


@dataclass(frozen=True, slots=True)
class Weather:
    """What the path does to a message. Times in ms, shares from 0 to 1.

    burst: mean length of a loss in messages (Gilbert: the bad state loses all). rate_kbit: 0 for no limit; what would
    wait longer than queue_ms for its turn is lost. hole: all is lost. A stall is (from_s, to_s): what is sent or due
    within it arrives when it is over, as a stream, or never, as datagrams. Of holes, too, which lose it: a stream sends
    it again, and that ever more rarely, so that it stands still for up to as long again when the hole is over.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    burst: float = 1.0
    reorder: float = 0.0
    duplicate: float = 0.0
    rate_kbit: float = 0.0
    queue_ms: float = 400.0
    hole: bool = False
    stalls: tuple[tuple[float, float], ...] = ()
    holes: tuple[tuple[float, float], ...] = ()


@dataclass
class Path:
    """One direction. `counts` tells what happened: sent, lost, doubled. `weather` may be replaced at any time."""

    weather: Weather
    seed: int
    ordered: bool = False
    counts: dict[str, int] = field(default_factory=lambda: {"sent": 0, "lost": 0, "doubled": 0})

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._on_the_way: list[tuple[float, int, Any]] = []
        self._number = 0
        self._losing = False
        self._last_at = 0.0
        self._free_at = 0.0  # when the rate has room again
        self._back_at: dict[tuple[float, float], float] = {}  # by hole: when what it lost first arrives

    def send(self, message: Any, now: float, size_bytes: int = 0) -> float | None:
        """Put one message on its way at `now` (seconds). Returns when it arrives, None where it is lost."""
        self.counts["sent"] += 1
        through_at = self._through_at(now, size_bytes)
        if through_at is None or self.weather.hole:
            self.counts["lost"] += 1
            return None
        at = through_at + self._delay_s()
        if self._lost():
            self.counts["lost"] += 1
            if not self.ordered:
                return None
            at += RETRANSMISSION_S + self.weather.delay_ms / 1e3
        hole = _within(self.weather.holes, now, at)
        if hole is not None and self.ordered:
            at = max(at, self._after(hole, now))
        elif not self.ordered and (hole is not None or _within(self.weather.stalls, now, at) is not None):
            self.counts["lost"] += 1
            return None
        arrives = self._schedule(self._after_stalls(now, at), message)
        if not self.ordered and self._random.random() < self.weather.duplicate:
            self.counts["doubled"] += 1
            self._schedule(self._after_stalls(now, at + self._delay_s()), message)
        return arrives

    def next_at(self) -> float | None:
        """When the next message arrives, None where none is on its way."""
        return self._on_the_way[0][0] if self._on_the_way else None

    def arrived(self, now: float) -> list[tuple[float, Any]]:
        """Everything that has arrived by `now`, as (time of arrival, message), in order of arrival."""
        out = []
        while self._on_the_way and self._on_the_way[0][0] <= now:
            at, _, message = heapq.heappop(self._on_the_way)
            out.append((at, message))
        return out

    def cut(self) -> None:
        """The connection is gone: nothing of what is on its way arrives."""
        self._on_the_way.clear()

    def _through_at(self, now: float, size_bytes: int) -> float | None:
        """When the last bit has passed the narrowest place; None where the queue before it is full."""
        weather = self.weather
        if not weather.rate_kbit:
            return now
        begins_at = max(now, self._free_at)
        if begins_at - now > weather.queue_ms / 1e3:
            return None
        self._free_at = begins_at + size_bytes * 8 / (weather.rate_kbit * 1e3)
        return self._free_at

    def _schedule(self, at: float, message: Any) -> float:
        keeps_place = self.ordered or self._random.random() >= self.weather.reorder
        if keeps_place:
            at = self._last_at = max(at, self._last_at)
        self._number += 1
        heapq.heappush(self._on_the_way, (at, self._number, message))
        return at

    def _delay_s(self) -> float:
        return max(0.0, self._random.gauss(self.weather.delay_ms, self.weather.jitter_ms)) / 1e3

    def _lost(self) -> bool:
        loss, leave = self.weather.loss, 1 / self.weather.burst
        if not loss:
            return False
        if self.weather.burst <= 1:
            return self._random.random() < loss
        enter = loss * leave / (1 - loss)
        self._losing = self._random.random() >= leave if self._losing else self._random.random() < enter
        return self._losing

    def _after(self, hole: tuple[float, float], sent: float) -> float:
        """When what the hole has lost first arrives at last; nothing overtakes that."""
        if hole not in self._back_at:
            pause_s = RETRANSMISSION_S + 2 * self.weather.delay_ms / 1e3 if self._number else FIRST_RETRANSMISSION_S
            while sent < hole[1]:
                sent, pause_s = sent + pause_s, 2 * pause_s
            self._back_at[hole] = sent + self._delay_s()
        return self._back_at[hole]

    def _after_stalls(self, sent: float, at: float) -> float:
        stall = _within(self.weather.stalls, sent, at)
        return at if stall is None else max(at, stall[1])


def _within(times: tuple[tuple[float, float], ...], sent: float, at: float) -> tuple[float, float] | None:
    """The last of these in which it is sent or due, None where that is none."""
    matching = [(begin, end) for begin, end in times if begin <= at < end or begin <= sent < end]
    return max(matching, key=lambda each: each[1], default=None)
