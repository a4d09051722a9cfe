"""How loud all others are while somebody speaks who has priority: 14 dB quieter, and back, without a click. PURE."""

from device.audio.arrivals import MS

DIM_GAIN = 10 ** (-14 / 20)
# So soon they are quiet: a block at a time is 5 dB each, which nobody hears as a click.
DOWN_MS, UP_MS = 60, 500
# Between his words they stay quiet.
HOLD_MS = 700


class Dimming:
    """One for each speaker. tick: samples of one pull."""

    def __init__(self, tick: int) -> None:
        self._down, self._up = (DIM_GAIN ** (tick / (ms * MS)) for ms in (DOWN_MS, UP_MS))
        self._tick, self._quiet_for = tick, HOLD_MS * MS
        self.gain = 1.0

    def step(self, speaks: bool) -> float:
        """The gain of all others in this tick; speaks: whether he does."""
        self._quiet_for = 0 if speaks else self._quiet_for + self._tick
        if self._quiet_for < HOLD_MS * MS:
            self.gain = max(DIM_GAIN, self.gain * self._down)
        else:
            self.gain = min(1.0, self.gain / self._up)
        return self.gain
