"""What the hub says on both connections of a seat is told once. PURE.

It says the same on each, in the same order, and whichever says something first is believed. So whatever the one that is
given up did not deliver any more is known by then from the other. There is no number in what is said (spec 1.4): a copy
is a text that the other connection has brought already and this one not yet.
"""

# One that lags further behind than this has been given up.
COPY_WITHIN_S = 10.0
# A hub may notify faster than it makes sense; what is remembered of that is the hash alone, and of each text so often.
MOST_REMEMBERED, MOST_ALIKE = 1_000, 100


class Copies:
    """One for each seat."""

    def __init__(self) -> None:
        self._ahead: dict[int, tuple[int, list[float]]] = {}  # by hash: who said it when, and the other not yet

    def is_new(self, conn: int, text: str | bytes, now: float) -> bool:
        """Whether this text on this connection is no copy."""
        said = hash(text)
        teller, times = self._ahead.pop(said, (conn, []))
        times = [at for at in times if at >= now - COPY_WITHIN_S]
        is_copy = bool(times) and teller != conn
        later = times[1:] if is_copy else [*times[1 - MOST_ALIKE :], now]
        if later:
            self._ahead[said] = teller if is_copy else conn, later
        if len(self._ahead) > MOST_REMEMBERED:
            del self._ahead[next(iter(self._ahead))]
        return not is_copy

    def forget_before(self, then: float) -> None:
        """There will be no copy of what came before."""
        left = {said: (teller, [at for at in times if at >= then]) for said, (teller, times) in self._ahead.items()}
        self._ahead = {said: (teller, times) for said, (teller, times) in left.items() if times}
