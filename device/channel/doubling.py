"""When a second connection carries the same packets as the first. PURE.

TCP hands over what follows a lost segment only when that has been sent again: a round trip and more of silence, and a
doubling of it where the repetition is lost as well. Two connections seldom stand still at the same moment, and of each
packet the copy that comes first is the one that is heard. README (Faults) has what that makes of 5 % and 15 % loss,
beside a single connection of the same minutes.

So two are wanted once segments get lost again and again, and until that has been over for a while. A path that is
merely full loses segments, too, and twice the packets make it worse: there the round trip is long, as everything stands
in a queue, and one connection has to do.
"""

from typing import NamedTuple

LOOK_S = 1.0
# A loss now and then is concealed; the second within this time is a habit.
AGAIN_S = 10.0
# So long after the last of two there is still a second connection: dialling costs more than keeping.
KEEP_S = 30.0
# A round trip of so many times the shortest one, and so much on top, has stood in a queue; try again after a minute.
CROWDED_TIMES, CROWDED_S = 2.0, 0.15
CROWDED_FOR_S = 60.0
# So does a hub that will not have two: it says so, or closes one of them as soon as there are two.
REFUSED_FOR_S = 60.0
# Unless all ends so soon after it, which is the death of the hub: both are reset within round trips, or repetitions.
WITH_IT_S = 1.0
_NEVER = float("inf")


class Path(NamedTuple):
    """What the kernel knows of one connection (tcp(7), TCP_INFO).

    losses: segments that were sent again, and those that came out of order as one before them was missing; since it was
    opened. rtt_s: smoothed; shortest_rtt_s: of the last minutes. varies_s: how far round trips lie from the smoothed
    one.
    """

    losses: int
    rtt_s: float
    shortest_rtt_s: float
    varies_s: float = 0.0

    @property
    def queue_s(self) -> float:
        """How long what is sent stands in a queue on the way."""
        return self.rtt_s - self.shortest_rtt_s

    @property
    def standing_queue_s(self) -> float:
        """As `queue_s`, but for what comes and goes: where segments are lost some take long, and nothing stands."""
        return self.queue_s - 2 * self.varies_s

    @property
    def crowded(self) -> bool:
        """Whether what is sent on it has to queue."""
        return self.rtt_s > CROWDED_TIMES * self.shortest_rtt_s + CROWDED_S


class Doubling:
    """One for each session."""

    def __init__(self) -> None:
        self._lost_at = self._wanted_until = self._crowded_until = self._look_at = -_NEVER
        self._refused_at = self._died_at = -_NEVER
        self._in_words = False

    def due_at(self) -> float:
        """When to look at the path again."""
        return self._look_at

    def looked(self, now: float) -> None:
        """All connections have been looked at."""
        self._look_at = now + LOOK_S

    def told(self, lost_more: bool, crowded: bool, now: float) -> None:
        """How one connection is: whether it has lost something since the last look, and whether its path is full."""
        if crowded:
            self._wanted_until, self._crowded_until = -_NEVER, now + CROWDED_FOR_S
        elif lost_more:
            if now - self._lost_at < AGAIN_S:
                self._wanted_until = now + KEEP_S
            self._lost_at = now

    def refused(self, now: float, in_words: bool = True) -> None:
        """The hub will not have two; that it says so is no guess."""
        self._refused_at, self._in_words = now, in_words

    def ended(self, now: float) -> None:
        """The last connection is gone, too. A hub that refuses two in this way does it again: that counts."""
        if now - self._refused_at < WITH_IT_S and not self._in_words:
            if now - self._died_at > 2 * REFUSED_FOR_S:
                self._refused_at = -_NEVER
            self._died_at = now

    def wanted(self, now: float) -> bool:
        """Whether a second connection would help."""
        not_before = max(self._crowded_until, self._refused_at + REFUSED_FOR_S)
        return not_before <= now < self._wanted_until
