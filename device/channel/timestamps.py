"""Whether the timestamps of our frames go with the clock, as listeners judge them. PURE.

A listener takes a packet for as old as it comes later than the fastest of its talker by its timestamp, and plays
nothing that is older than half a second (audio/jitter.py). So who counts too slowly, or counts again from an earlier
number, is heard by nobody, and who sends as fast as he can in pieces. Neither is known to a listener's owner, who could
do nothing about it; it shows here first.
"""

RATE_HZ = 48_000

# What listeners do not play any more; what they take for another stream; what they grant a slow clock.
MAX_AGE_S, ANOTHER_STREAM_S, FORGIVEN = 0.5, 60.0, 500e-6
# For less than this a program was late, and is not any more.
OLD_FOR_S = 1.0
# In two seconds of speech, one after the other: one alone is a step in time, which is heard.
AHEAD_S = 0.25
# What comes less than this after the frame that was judged last, by both clocks, is taken to be as that one was.
_EVERY_S = 0.1

_ADVICE = "count 48000 a second from the first frame on, pauses included, and send each frame when its time has come"
BEHIND = f"the timestamps of what is sent are more than 0.5 s behind the clock, so nobody plays it: {_ADVICE}"
AHEAD = f"the timestamps of what is sent run ahead of the clock, so it is heard in pieces at best: {_ADVICE}"


class Timestamps:
    """Of one talker."""

    def __init__(self) -> None:
        self._told = False
        self._last: int | None = None
        self._sent_s = self._noted_at = self._fastest_s = 0.0
        self._old_since: float | None = None
        self._window_s = self._window_fastest_s = 0.0
        self._was_ahead = False

    def restart(self) -> None:
        """The next frame begins another stream."""
        self._last = None

    def note(self, timestamp: int, now: float) -> str:
        """One frame, in samples cut to 32 bit. Returns a line for whoever makes them, once, when there is a reason."""
        last, is_first = self._last, self._last is None
        if last is not None and now - self._noted_at < _EVERY_S and timestamp - last & 0xFFFFFFFF < _EVERY_S * RATE_HZ:
            return ""
        step = 0 if last is None else (timestamp - last + (1 << 31)) % (1 << 32) - (1 << 31)
        self._last = timestamp
        self._sent_s += step / RATE_HZ
        transit_s = now - self._sent_s
        if is_first or abs(transit_s - self._fastest_s) > ANOTHER_STREAM_S:
            self._noted_at, self._fastest_s, self._old_since = now, transit_s, None
        if now - self._noted_at >= OLD_FOR_S:  # nothing was sent meanwhile
            self._old_since = None
        self._fastest_s = min(transit_s, self._fastest_s + (now - self._noted_at) * FORGIVEN)
        self._noted_at = now
        line = self._is_behind(transit_s, now) or self._is_ahead(step < 0 or is_first)
        if self._told or not line:
            return ""
        self._told = True
        return line

    def _is_behind(self, transit_s: float, now: float) -> str:
        if transit_s - self._fastest_s <= MAX_AGE_S:
            self._old_since = None
            return ""
        self._old_since = now if self._old_since is None else self._old_since
        return BEHIND if now - self._old_since >= OLD_FOR_S else ""

    def _is_ahead(self, anew: bool) -> str:
        """Whether in the last second of speech, and that before, frames came ever earlier. anew: count from here."""
        is_ahead = False
        if not anew:
            if self._sent_s - self._window_s < 1.0:
                return ""
            is_ahead = self._window_fastest_s - self._fastest_s > AHEAD_S
        twice, self._was_ahead = is_ahead and self._was_ahead, is_ahead
        self._window_s, self._window_fastest_s = self._sent_s, self._fastest_s
        return AHEAD if twice else ""
