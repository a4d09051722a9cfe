"""What the hub says on both connections of a seat is told once. PURE.

It says the same on each, in the same order, and whichever says something first is believed. So whatever the one that is
given up did not deliver any more is known by then from the other. There is no number in what is said (spec 1.4): a copy
is a text that the other connection has brought already and this one not yet.
"""

from collections import deque

# One that lags further behind than this has been given up.
COPY_WITHIN_S = 10.0
# A hub may notify faster than it makes sense; what is remembered of that is the hash alone.
MOST_REMEMBERED = 1_000


class Copies:
    """One for each seat."""

    def __init__(self) -> None:
        self._told: deque[tuple[float, int, int]] = deque(maxlen=MOST_REMEMBERED)  # when, connection, hash of the text

    def is_new(self, conn: int, text: str | bytes, now: float) -> bool:
        """Whether this text on this connection is no copy."""
        self.forget_before(now - COPY_WITHIN_S)
        said = hash(text)
        for entry in self._told:
            _, teller, told = entry
            if told == said and teller != conn:
                self._told.remove(entry)
                return False
        self._told.append((now, conn, said))
        return True

    def forget_before(self, then: float) -> None:
        """There will be no copy of what came before."""
        while self._told and self._told[0][0] < then:
            self._told.popleft()
