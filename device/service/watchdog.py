"""Whether everything that must never stand still is going, so that the watchdog may be fed."""

from collections.abc import Mapping


class Watchdog:
    """Looks at beats: counters that go up with every turn of the loop, of capture, of playback.

    limits: by name, for how many seconds each counter may stay as it is.
    """

    def __init__(self, limits: Mapping[str, float]) -> None:
        self._limits = limits
        self._seen: dict[str, tuple[int, float]] = {}
        self.stuck: tuple[str, ...] = ()

    def feed(self, now: float, beats: Mapping[str, int]) -> bool:
        """Whether each counter has moved within its limit; `stuck` names those that have not.

        now: monotonic seconds. beats: the counters by name; all that have a limit.
        """
        for name in self._limits:
            if name not in self._seen or beats[name] != self._seen[name][0]:
                self._seen[name] = beats[name], now
        self.stuck = tuple(name for name, limit in self._limits.items() if now - self._seen[name][1] > limit)
        return not self.stuck
