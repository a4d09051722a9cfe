"""How much louder or softer each talker has to be, so that a whisper is about as loud as a shout. PURE.

How loud somebody speaks is the mean power of the last 3 s of his speech, and speech is what is 10 dB and more above the
noise of his own room, and above -50 dBov. It is brought to within a decibel of -26 dBov, the usual level of speech in
telephony tests, by 12 dB at most. The gain moves while he speaks and stands still else, so no pause fills with noise:
up by 3 dB a second, down by 10, as what is suddenly loud hurts; in 20 ms that is 0.2 dB, which nobody hears as a step.
Who is within that decibel anyway is left as he is, to the bit.
"""

import math

from device.audio.capture_clock import RATE_HZ

TARGET_DBOV, MOST_DB = -26.0, 12.0
UP_DB_PER_S, DOWN_DB_PER_S = 3.0, 10.0
# Closer to the target than this nobody hears the difference.
NEAR_DB = 1.0
SPEECH_OVER_NOISE_DB = 10.0
# The noise of a room is the least that was heard of it in this second and the one before: speech has pauses, if short
# ones, and a machine that is switched on is known for one after 2 s. Nothing is speech that is not above -50 dBov.
_SECOND = RATE_HZ
LOWEST_NOISE_DBOV = -50.0 - SPEECH_OVER_NOISE_DB
_MEMORY = 3 * _SECOND
# Who comes again tomorrow is known still, if the hub has not given him another uid: who came first is forgotten first.
REMEMBERED = 256


class Loudness:
    """One talker's. gain: what his next samples are to be multiplied with; exactly 1.0 where nothing is to be done.

    most_db: how far it may go, 0 for nowhere.
    """

    def __init__(self, most_db: float = MOST_DB) -> None:
        self._most_db = most_db
        self.gain = 1.0
        self._gain_db = self._wanted_db = 0.0
        self._noise = _Noise()
        self._power, self._spoken = 0.0, 0  # mean power, 1.0 being full scale, and of how many samples
        self._speaks = False

    def hear(self, level_dbov: int, samples: int) -> None:
        """Take the level of his next packet, so many samples long, before it sounds."""
        if not self._most_db:
            return
        self._speaks = level_dbov >= self._noise.least_dbov(level_dbov, samples) + SPEECH_OVER_NOISE_DB
        if self._speaks:
            self._spoken = min(self._spoken + samples, _MEMORY)
            self._power += (10 ** (level_dbov / 10) - self._power) * samples / self._spoken
            missing_db = TARGET_DBOV - 10 * math.log10(self._power)
            far_db = min(max(0.0, abs(missing_db) - NEAR_DB), self._most_db)
            self._wanted_db = math.copysign(far_db, missing_db)

    def step(self, samples: int) -> float:
        """The gain of his next samples, so many."""
        if self._speaks and self._gain_db != self._wanted_db:
            seconds = samples / _SECOND
            lowest, highest = self._gain_db - DOWN_DB_PER_S * seconds, self._gain_db + UP_DB_PER_S * seconds
            self._gain_db = min(max(self._wanted_db, lowest), highest)
            self.gain = 10 ** (self._gain_db / 20)
        return self.gain


class _Noise:
    """That of one room. What comes first is taken for it: who begins with a word soon makes a pause."""

    def __init__(self) -> None:
        self._before_dbov = self._now_dbov = 0.0
        self._heard = 0

    def least_dbov(self, level_dbov: int, samples: int) -> float:
        """With the next packet."""
        self._now_dbov = min(self._now_dbov, level_dbov)
        least = max(LOWEST_NOISE_DBOV, min(self._before_dbov, self._now_dbov))
        self._heard += samples
        if self._heard >= _SECOND:
            self._before_dbov, self._now_dbov, self._heard = self._now_dbov, 0.0, 0
        return least


class Loudnesses:
    """Everybody's, also of those who have not been heard for long. equal: whether anything is done at all."""

    def __init__(self, equal: bool) -> None:
        self._most_db = MOST_DB if equal else 0.0
        self._known: dict[int, Loudness] = {}  # who came last is last

    def of(self, uid: int) -> Loudness:
        """That of one who begins to talk, as it was left when he was heard last."""
        known = self._known.pop(uid, None) or Loudness(self._most_db)
        self._known[uid] = known
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return known
