"""When to try which hub: the schedule of attempts while a seat is wanted. PURE.

Nobody answers (timeout, unreachable, refused, no name): an attempt starts every 200 ms, for ever, because the path may
be back at any moment and the attempts of before do not notice: TCP repeats its first packet after 1, 3, 7 s. Up to 8
are pending. When a ninth is due, the oldest that TCP has not connected goes, but one: the very oldest has 5 s, so that
a path with a round trip of seconds connects as well.

An attempt that TCP has connected gets 5 s for each next step (handshake, then the answer to `join`): a hub that stands
still answers all of them when it wakes. With such a one pending the next starts after 700 ms: that is soon enough if
the path has changed, and a hub that is slow because everybody dials at once is not made slower.

One of them asks for the seat and the others wait: a hub that wakes opens them all at once, and would give the seat to
each in turn, or to each another. Where the answer takes twice as long as the handshake did, and half a second at least,
the newest that waits asks instead.

Only an answer that says no slows a hub's turn down: accepted and dropped, 429, 502: 0.25 s doubling to 5 s; a refusal
that a person must lift: 60 s. All times vary by 20 %: devices that lost their hub together do not return as one.

Nobody watches for the network to come up: the next attempt is due within 240 ms anyway, whatever made the last ones
fail, and it asks for the name anew where that hung (`resolver`; measured with a name server that was silent for 1 to 16
s: the name is known 0.14 s after it answers again, where a single lookup took 1.6 to 4 s). The waits after a no are not
for the network to end: the hub asked for them. A person ends them all (`forgive`).

Several hubs: the one in turn is tried until an attempt fails there, or five have been begun, then the next: where a
hub's machine loses its power, nothing answers, and two seconds are all that may be lost by it. Whose own path stands
still for as long may find himself at the next hub, as that answers first, and comes back with the next look. After a
loss it is first the turn of the hub that was lost, where the others are too, or as soon as that may be asked. A look at
another hub, while the seat is fine (`moving`), is one attempt and starts no others; at a hub that wants to be left
alone it is none, as one that waited for its time would keep all the others waiting. So is the way of a second
connection (`doubling`), until a seat is wanted: it is one of the others from then on.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from random import Random

from device.channel.verdicts import Verdict

PACE_S = 0.2
REACHED_PACE_S = 0.7
VARY = 0.2
MAX_PENDING = 8
MAX_IN_TURN = 5
ANSWER_S = 0.5
STEP_S = 5.0
SECOND_PACE_S = 1.0
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


def varied(seconds: float, random: Random) -> float:
    """About as long: what happened to all at one moment is not answered by all at another."""
    return seconds * random.uniform(1 - VARY, 1 + VARY)


@dataclass(slots=True)
class Attempt:
    """One connection on its way to a seat.

    since: of this step. handshake_s: how long TLS and WebSocket took. request: number of its `join`, or `rejoin` if it
    resumes; 0 while it has not asked. told_known: it says whom we know. look: it is about a better place than the seat
    has, which is fine where it is. second: about a second connection to the place it has. stale: a person has asked
    since.
    """

    conn: int
    hub: int
    since: float
    step: Step = Step.DIALLED
    handshake_s: float = 0.0
    request: int = 0
    resumes: bool = False
    told_known: bool = False
    look: bool = False
    second: bool = False
    stale: bool = False


@dataclass(slots=True)
class _Turn:
    """What one hub has earned: not before this time; the wait after its last no, 0 for none; whether for a person."""

    not_before: float = -_NEVER
    wait_s: float = 0.0
    closed: bool = False


@dataclass
class Dialling:
    """The schedule. `attempts` are the pending ones, oldest first, by conn."""

    hubs: int
    random: Random
    attempts: dict[int, Attempt] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._turns = [_Turn() for _ in range(self.hubs)]
        self._hub, self._in_turn = 0, 0
        self._owed: int | None = None  # the hub that was wanted first, as long as it wants to be left alone
        self._wanted = False
        self._second: int | None = None
        self._second_not_before = -_NEVER
        self._started_at = -_NEVER
        self._vary = 1.0

    def start(self, hub: int) -> None:
        """A seat is wanted, from this hub first; the first attempt is due at once."""
        if not self._wanted:
            self._wanted, self._hub, self._in_turn, self._started_at = True, hub, 0, -_NEVER
            self._owed, self._second = hub, None
            for attempt in self.attempts.values():
                attempt.second = False

    def look(self, conn: int, hub: int, now: float) -> Attempt | None:
        """One attempt at this hub starts, whatever comes of it; none where the hub wants to be left alone.

        Only while idle.
        """
        if self._turns[hub].not_before > now:
            return None
        self.attempts[conn] = Attempt(conn, hub, now, look=True)
        return self.attempts[conn]

    def double(self, hub: int, now: float) -> None:
        """One attempt at a second connection to this hub, now; not beside another attempt, nor soon after one."""
        allowed_at = max(self._turns[hub].not_before, self._second_not_before)
        if self.idle and not self.attempts and allowed_at <= now:
            self._second, self._second_not_before = hub, now + SECOND_PACE_S

    @property
    def idle(self) -> bool:
        """Whether nothing is tried, nor about to be, but for a second connection."""
        return not self._wanted and all(attempt.second for attempt in self.attempts.values())

    @property
    def wanted(self) -> bool:
        """Whether a seat is wanted, wherever it is."""
        return self._wanted

    def stop(self) -> list[int]:
        """No seat is wanted any more; returns the attempts that were pending, forgotten from now on."""
        self._wanted, self._second = False, None
        pending = list(self.attempts)
        self.attempts.clear()
        return pending

    def forgive(self, hub: int | None = None) -> None:
        """What this hub said before counts no more. None: a person asks, so try all of them again, and now.

        What is pending then may still come to a seat; a no to it is out of date, too.
        """
        for index in range(self.hubs) if hub is None else [hub]:
            self._turns[index] = _Turn()
        if hub is None:
            self._started_at = -_NEVER
            for attempt in self.attempts.values():
                attempt.stale = True

    def due_at(self) -> float:
        """When the next attempt is due."""
        if self._second is not None:
            return -_NEVER
        if not self._wanted:
            return _NEVER
        reached = any(attempt.step > Step.DIALLED for attempt in self.attempts.values())
        paced = self._started_at + (REACHED_PACE_S if reached else PACE_S) * self._vary
        return max(paced, min(turn.not_before for turn in self._turns))

    def begin(self, conn: int, now: float) -> Attempt:
        """The next attempt, which is due, starts; there must be room for it."""
        if self._second is not None:
            hub, self._second = self._second, None
            self.attempts[conn] = Attempt(conn, hub, now, second=True)
            return self.attempts[conn]
        if self._owed is not None and self._turns[self._owed].not_before <= now:
            self._hub, self._in_turn, self._owed = self._owed, 0, None
        turns = ((self._hub + step) % self.hubs for step in range(self.hubs))
        ready = [hub for hub in turns if self._turns[hub].not_before <= now] or [0]
        hub = ready[1 % len(ready)] if ready[0] == self._hub and self._in_turn >= MAX_IN_TURN else ready[0]
        self._in_turn = self._in_turn % MAX_IN_TURN + 1 if hub == self._hub else 1
        self._hub = hub
        self._started_at, self._vary = now, varied(1.0, self.random)
        self.attempts[conn] = Attempt(conn, hub, now)
        return self.attempts[conn]

    def deadline(self) -> float:
        """When something is due: an attempt to start, one to ask, one that has had its time."""
        expires_at = min((attempt.since for attempt in self.attempts.values()), default=_NEVER) + STEP_S
        return min(self.due_at(), self.asks_at(), expires_at)

    def expired(self, now: float) -> list[Attempt]:
        """Attempts that have stood still for 5 s."""
        return [attempt for attempt in self.attempts.values() if attempt.since + STEP_S <= now]

    def surplus(self) -> Attempt | None:
        """The attempt to give up so that the next finds room, None where there is room."""
        if len(self.attempts) < MAX_PENDING:
            return None
        dialled = [attempt for attempt in self.attempts.values() if attempt.step is Step.DIALLED]
        idle = [
            attempt for attempt in self.attempts.values() if attempt.step is not Step.DIALLED and not attempt.request
        ]
        return (dialled[1:] + idle)[0]

    def proceeded(self, attempt: Attempt, step: Step, now: float) -> None:
        """The attempt has come further."""
        if step > attempt.step:
            attempt.handshake_s = now - attempt.since
        attempt.step, attempt.since = step, now

    def asks_at(self) -> float:
        """When the next open connection asks for the seat."""
        asking = self.asking()
        if self._newest_waiting() is None:
            return _NEVER
        return -_NEVER if asking is None else asking.since + max(ANSWER_S, 2 * asking.handshake_s)

    def asking(self) -> Attempt | None:
        """The one that has asked."""
        return next((attempt for attempt in self.attempts.values() if attempt.request), None)

    def next_to_ask(self, now: float) -> Attempt | None:
        """The one whose turn it is to ask, None while it is nobody's."""
        return self._newest_waiting() if self.asks_at() <= now else None

    def seated(self, attempt: Attempt) -> None:
        """The attempt has the seat, and is pending no more."""
        del self.attempts[attempt.conn]

    def ended(self, attempt: Attempt, verdict: Verdict, now: float) -> list[int]:
        """The attempt is over. Returns what is to be closed: after a no, also the others that would hear the same.

        What becomes of a second connection says nothing about the next seat.
        """
        self.attempts.pop(attempt.conn)
        hub, over = attempt.hub, [attempt.conn]
        if attempt.second:
            return over
        if hub == self._hub and not attempt.look:
            self._hub, self._in_turn = (self._hub + 1) % self.hubs, 0
        if verdict is Verdict.MISSED or attempt.stale:  # what the hub said before that is out of date
            self._turns[hub].wait_s = 0.0
            return over
        over += [other.conn for other in self.attempts.values() if other.hub == hub]
        self.attempts = {conn: other for conn, other in self.attempts.items() if other.hub != hub}
        if verdict is Verdict.REFUSED:
            self.wait_for_a_human(hub, now)
        else:
            self._slow_down(hub, now)
        return over

    def lost(self, hub: int, seated_at: float, unwelcome: bool, now: float) -> None:
        """The seat is to be found again. One that lasted, without a complaint from the hub, was a good answer."""
        if unwelcome or now - seated_at < STABLE_S:
            self._slow_down(hub, now)
        else:
            self.forgive(hub)
        self.start(hub)
        self._owed = hub  # also where it is looked for already, as it was in doubt

    def wait_for_a_human(self, hub: int, now: float) -> None:
        """The hub wants something that only a person can change."""
        turn = self._turns[hub]
        turn.not_before, turn.closed = now + varied(HUMAN_WAIT_S, self.random), True

    def all_closed(self) -> bool:
        """Whether every hub waits for a person."""
        return all(turn.closed for turn in self._turns)

    def _slow_down(self, hub: int, now: float) -> None:
        turn = self._turns[hub]
        turn.wait_s = min(max(FIRST_WAIT_S, 2 * turn.wait_s), LONGEST_WAIT_S)
        turn.not_before = max(turn.not_before, now + varied(turn.wait_s, self.random))

    def _newest_waiting(self) -> Attempt | None:
        opened = (attempt for attempt in reversed(self.attempts.values()) if attempt.step is Step.OPENED)
        return next((attempt for attempt in opened if not attempt.request), None)
