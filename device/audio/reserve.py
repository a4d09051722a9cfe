"""How much sound a speaker's card still holds when the next tick is written: latency against xruns. PURE.

As little as was wanted, where the card allows that. A card that plays in coarse periods needs one of them and a little
more, because its position tells nothing in between; one that has xruns again and again needs more than we know.

While nothing sounds less will do: nobody hears an xrun then, and what is written longer beforehand is not later for it.
"""

from device.audio.capture_clock import RATE_HZ

_SLACK_FRAMES = RATE_HZ // 500  # 2 ms for the thread to wake
_AGAIN_NS = 10_000_000_000  # a second xrun within 10 s is no accident
# Without an xrun for so long it is as little again; where that was too little, the next try waits for twice as long.
_CALM_NS = 10_000_000_000
_RESTING_FRAMES = RATE_HZ * 6 // 1_000
# What was to sound so long ago is not played any more (talkers.py forgets as much).
_OLD_NS = 100_000_000


class Reserve:
    """frames: the reserve, 48 kHz. It grows with xruns, goes back without, and starts anew with each card.

    resting_frames: the same while nothing sounds; less only on a card that has never needed more than was wanted.
    """

    def __init__(self, wanted_frames: int) -> None:
        self.frames = self.resting_frames = self._wanted_frames = wanted_frames
        self._period_frames = self._most_frames = 0
        self._least_frames = wanted_frames
        self._xrun_ns = -_AGAIN_NS
        self._calm_ns, self._tried_less = _CALM_NS, False
        self._due_ns, self._dry = 0, False

    def fit(self, tick_frames: int, period_frames: int, buffer_frames: int) -> None:
        """A card was opened that granted this period and buffer."""
        self._period_frames, self._most_frames = period_frames, buffer_frames - tick_frames
        self.frames = min(max(self._wanted_frames, period_frames + _SLACK_FRAMES), self._most_frames)
        self._least_frames, self._calm_ns, self._tried_less = self.frames, _CALM_NS, False
        wanted = self.frames == self._wanted_frames
        self.resting_frames = min(_RESTING_FRAMES, self.frames) if wanted else self.frames

    def asks(self, now_ns: int, queued_frames: int, since_frames: int) -> int:
        """The card asks for more, with so much left. Returns how much was played since it asked last: since_frames; or,
        where it ran dry meanwhile, what should have been: by the moments at which its reserve alone was left."""
        due_ns = now_ns - (self.frames - queued_frames) * 1_000_000_000 // RATE_HZ
        if self._dry:
            since_frames = (due_ns - self._due_ns) * RATE_HZ // 1_000_000_000
        self._due_ns, self._dry = due_ns, False
        return since_frames

    def xrun(self, now_ns: int, resting: bool = False) -> bool:
        """The card ran dry; resting: while nothing sounded. Returns whether what it asked for last is old by now."""
        self._dry, self.resting_frames = True, self.frames
        if not resting:
            self._grow(now_ns)
        return now_ns - self._due_ns >= _OLD_NS

    def _grow(self, now_ns: int) -> None:
        if now_ns - self._xrun_ns < _AGAIN_NS:
            self.frames = self.resting_frames = min(self.frames + self._period_frames, self._most_frames)
            if self._tried_less:
                self._calm_ns, self._tried_less = 2 * self._calm_ns, False
        self._xrun_ns = now_ns

    def tick(self, now_ns: int) -> int:
        """Time has passed, perhaps without an xrun. Returns how many frames were given up."""
        if self.frames <= self._least_frames or now_ns - self._xrun_ns <= self._calm_ns:
            return 0
        given_up = self.frames - self._least_frames
        self.frames = self.resting_frames = self._least_frames
        self._tried_less = True
        return given_up
