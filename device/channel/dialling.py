"""When to try which hub: the schedule of attempts while a seat is wanted. PURE.

Nobody answers (timeout, unreachable, refused, no name): an attempt starts every 250 ms, for ever, because the path may
be back at any moment and the attempts of before do not notice: TCP repeats its first packet after 1, 3, 7 s. Up to 8
are pending. When a ninth is due, the oldest that TCP has not connected goes, but one: the very oldest has 5 s, so that
a path with a round trip of seconds connects as well.

An attempt that TCP has connected gets 5 s for each next step (handshake, then the answer to `join`): a hub that stands
still answers all of them when it wakes. With such a one pending the next starts after 700 ms: that is soon enough if
the path has changed, and a hub that is slow because everybody dials at once is not made slower.

Only an answer that says no slows a hub's turn down: accepted and dropped, 429, 502: 0.25 s doubling to 5 s; a refusal
that a person must lift: 60 s. All times vary by 20 %: devices that lost their hub together do not return as one.

Several hubs: the one in turn is tried until an attempt fails there, then the next. After a loss it is first the turn of
the hub that was lost, where the others are too.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from random import Random

PACE_S = 0.25
REACHED_PACE_S = 0.7
VARY = 0.2
MAX_PENDING = 8
STEP_S = 5.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 5.0
HUMAN_WAIT_S = 60.0
# A seat taken back within this time counts as an answer that slows the dialling down, later as a loss.
STABLE_S = 5.0
_NEVER = float("inf")


class Step(IntEnum):
    """How far an attempt has come."""

    DIALLED = 1  # name and TCP
    REACHED = 2  # TLS and the WebSocket handshake
    OPENED = 3  # join or rejoin


@dataclass(slots=True)
class Attempt:
    """One connection on its way to a seat. since: of this step. request: its `join`, or `rejoin` if it resumes."""

    conn: int
    hub: int
    began: float
    since: float
    step: Step = Step.DIALLED
    request: int = 0
    resumes: bool = False


@dataclass(slots=True)
class _Turn:
    """What one hub has earned: not before this time; the wait after its last no (0: it has not said no), and when.

    closed: it waits for a person.
    """

    not_before: float = -_NEVER
    wait_s: float = 0.0
    said_no_at: float = -_NEVER
    closed: bool = False


@dataclass
class Dialling:
    """The schedule. `attempts` are the pending ones, oldest first, by conn."""

    hubs: int
    random: Random
    attempts: dict[int, Attempt] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._turns = [_Turn() for _ in range(self.hubs)]
        self._hub = 0
        self._wanted = False
        self._started_at = -_NEVER
        self._vary = 1.0

    def start(self, hub: int) -> None:
        """A seat is wanted, from this hub first; the first attempt is due at once."""
        if not self._wanted:
            self._wanted, self._hub, self._started_at = True, hub, -_NEVER

    def stop(self) -> list[int]:
        """No seat is wanted any more; returns the attempts that were pending, forgotten from now on."""
        self._wanted = False
        pending = list(self.attempts)
        self.attempts.clear()
        return pending

    def forgive(self, hub: int | None = None) -> None:
        """What this hub said before counts no more. None: a person asks, so try all of them again, and now."""
        for index in range(self.hubs) if hub is None else [hub]:
            self._turns[index] = _Turn()
        if hub is None:
            self._started_at = -_NEVER

    def due_at(self) -> float:
        """When the next attempt is due."""
        if not self._wanted:
            return _NEVER
        reached = any(attempt.step > Step.DIALLED for attempt in self.attempts.values())
        paced = self._started_at + (REACHED_PACE_S if reached else PACE_S) * self._vary
        return max(paced, min(turn.not_before for turn in self._turns))

    def begin(self, conn: int, now: float) -> Attempt:
        """The next attempt, which is due, starts; there must be room for it."""
        turns = ((self._hub + step) % self.hubs for step in range(self.hubs))
        hub = next(index for index in turns if self._turns[index].not_before <= now)
        self._started_at, self._vary = now, self._varied(1.0)
        self.attempts[conn] = Attempt(conn, hub, now, now)
        return self.attempts[conn]

    def expires_at(self) -> float:
        """When the next pending attempt has had its time."""
        return min((attempt.since for attempt in self.attempts.values()), default=_NEVER) + STEP_S

    def expired(self, now: float) -> list[Attempt]:
        """Attempts that have stood still for 5 s."""
        return [attempt for attempt in self.attempts.values() if attempt.since + STEP_S <= now]

    def surplus(self) -> Attempt | None:
        """The attempt to give up so that the next finds room, None where there is room."""
        if len(self.attempts) < MAX_PENDING:
            return None
        dialled = [attempt for attempt in self.attempts.values() if attempt.step is Step.DIALLED]
        if len(dialled) > 1:
            return dialled[1]
        return dialled[0] if dialled else next(iter(self.attempts.values()))

    def proceeded(self, attempt: Attempt, step: Step, now: float) -> None:
        """The attempt has come further."""
        attempt.step, attempt.since = step, now

    def seated(self, attempt: Attempt) -> None:
        """The attempt has the seat, and is pending no more."""
        del self.attempts[attempt.conn]

    def missed(self, attempt: Attempt) -> None:
        """Nobody answered. What the hub said before that is out of date."""
        self._end(attempt)
        self._turns[attempt.hub].wait_s = 0.0

    def slowed(self, attempt: Attempt, now: float) -> None:
        """The hub answered, and not with a seat: it is left alone for 0.25 s, doubling to 5 s."""
        self._end(attempt)
        self.slow_down(attempt.hub, attempt.began, now)

    def refused(self, attempt: Attempt, now: float) -> None:
        """The hub wants something that only a person can change."""
        self._end(attempt)
        self.wait_for_a_human(attempt.hub, now)

    def slow_down(self, hub: int, began: float, now: float) -> None:
        """As `slowed`, for an attempt that began then: one that began before the last no says nothing new."""
        turn = self._turns[hub]
        if began < turn.said_no_at:
            return
        turn.said_no_at = now
        turn.wait_s = min(max(FIRST_WAIT_S, 2 * turn.wait_s), LONGEST_WAIT_S)
        turn.not_before = max(turn.not_before, now + self._varied(turn.wait_s))

    def lost(self, hub: int, began: float, seated_at: float, unwelcome: bool, now: float) -> None:
        """The seat is to be found again. One that lasted, without a complaint from the hub, was a good answer."""
        if unwelcome or now - seated_at < STABLE_S:
            self.slow_down(hub, began, now)
        else:
            self.forgive(hub)
        self.start(hub)

    def wait_for_a_human(self, hub: int, now: float) -> None:
        """As `refused`, for a hub that gave a seat and took it back."""
        turn = self._turns[hub]
        turn.not_before, turn.closed = now + self._varied(HUMAN_WAIT_S), True

    def all_closed(self) -> bool:
        """Whether every hub waits for a person."""
        return all(turn.closed for turn in self._turns)

    def _end(self, attempt: Attempt) -> None:
        del self.attempts[attempt.conn]
        if attempt.hub == self._hub:
            self._hub = (self._hub + 1) % self.hubs

    def _varied(self, seconds: float) -> float:
        return seconds * self.random.uniform(1 - VARY, 1 + VARY)
