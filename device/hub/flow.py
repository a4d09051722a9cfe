"""When a listener whose path is full is given more. PURE.

What stands in a queue on the way to him is heard late, and from half a second on not at all: a path that is given more
than it carries would bring him nothing that is fresh. So as soon as its round trip shows such a queue, it gets the
freshest 200 ms of the backlog each time that everything before has been acknowledged, and no more; and all of it again
once that has gone quickly for a while.
"""

# Half of the age at which speech is refused, less the way itself; at so many looks in a row, as one segment that was
# lost and came late makes a round trip look long once.
FULL_S, FULL_LOOKS = 0.2, 2
# Beyond the round trip: that was quick.
QUICK_S, QUICK_FOR_S = 0.1, 1.0
# Longer than what was poured takes on a path that carries anything.
DEAD_AFTER_S = 1.0
# How soon an acknowledgement is seen, of a path that is full.
LOOK_S = 0.02


class Flow:
    """One listener's. held: whether he gets only what is poured."""

    __slots__ = ("_full_looks", "_poured_at", "_quick_since", "held")

    def __init__(self) -> None:
        self.held = False
        self._full_looks, self._poured_at = 0, 0.0
        self._quick_since: float | None = None

    def goes_on(self, now: float) -> bool:
        """Whether he gets only what is poured, and gets it: a path that is dead is not full."""
        return self.held and now - self._poured_at < DEAD_AFTER_S

    def looked(self, queue_s: float, now: float) -> bool:
        """How much longer than on an empty path it takes now; several times a second. Returns whether he is held."""
        self._full_looks = self._full_looks + 1 if queue_s > FULL_S else 0
        if self._full_looks >= FULL_LOOKS:
            self.held, self._full_looks, self._poured_at, self._quick_since = True, 0, now, None
        return self.held

    def drained(self, round_trip_s: float, now: float) -> bool:
        """All that was poured has been acknowledged; round_trip_s: of the empty path. Returns whether he is held."""
        if now - self._poured_at > round_trip_s + QUICK_S:
            self._quick_since = None
        elif self._quick_since is None:
            self._quick_since = now
        elif now - self._quick_since >= QUICK_FOR_S:
            self.held = False
        return self.held

    def poured(self, now: float) -> None:
        """He has got what was fresh."""
        self._poured_at = now
