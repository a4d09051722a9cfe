"""All talkers -> one block per tick: who they are, how loud each is, and the mix.

The playback thread owns this: it pushes what came from the network and pulls what sounds next. Packets are decoded
when the tick needs them and no earlier; what a packet holds beyond the tick waits as samples for the next one.
`snapshot` alone is for others: an immutable picture, made anew every 200 ms of played time.
"""

import math
from collections.abc import Callable, Mapping

from device.audio import pcm
from device.audio.arrivals import MS
from device.audio.dimming import Dimming
from device.audio.limiter import Limiter
from device.audio.loudness import Loudnesses
from device.audio.talker import SNAPSHOT_EVERY, Decoder, Talker, TalkerStatus

# A decoder and a second of packets each, some 150 kB; more voices than that nobody can follow anyway.
MAX_TALKERS = 32
# Between two words nobody takes a talker's place, in a pause the next who begins.
SILENT_AFTER = 1_000 * MS
# Silent for so long, a talker leaves nothing behind; should it speak again, its clock is learnt anew.
FORGET_AFTER = 60_000 * MS

# Pulls later than expected by this and more: the card stood still.
_STOOD_STILL = 100 * MS
# How much of a pull's lateness is taken for a change of the playback clock rather than for the scheduler's mood.
_CLOCK_SHARE = 1 / 64


class Talkers:
    """Everybody who is heard; `tick_samples`: what one pull gives.

    priority: the uid of whoever makes all others quieter while he speaks, 0 for nobody. equal: whether a whisper is
    made as loud as a shout.
    asleep: after a pull, whether nothing of anybody sounds or waits to.
    """

    def __init__(
        self, make_decoder: Callable[[], Decoder], tick_samples: int, priority: int = 0, equal: bool = False
    ) -> None:
        self._make_decoder = make_decoder
        self._tick = tick_samples
        self.asleep = True
        self._silence = bytes(tick_samples * pcm.SAMPLE_BYTES)
        self._talkers: dict[int, Talker] = {}
        self._gains: Mapping[int, float] = {}
        self._priority, self._dimming = priority, Dimming(tick_samples)
        self._clock = -math.inf
        self._until_snapshot = 0
        self._snapshot: tuple[TalkerStatus, ...] = ()
        self._limiter, self._loudnesses = Limiter(), Loudnesses(equal)

    def push(
        self,
        uid: int,
        sequence: int,
        timestamp: int,
        payload: bytes,
        arrived_ns: int,
        stream: int = 0,
        again: bool = False,
    ) -> None:
        """Take a packet (sequence, timestamp: as on the wire; arrived_ns: monotonic; again: it came with a later one).

        stream: another number than before is another process with this uid, with another clock: nothing of the first
        one is kept.
        """
        arrived, talker = _samples(arrived_ns), self._talkers.get(uid)
        if talker is None or talker.stream != stream:
            if talker is None and not self._room_for_one_more(arrived):
                return
            loudness = self._loudnesses.of(uid)
            talker = self._talkers[uid] = Talker(uid, stream, self._make_decoder(), loudness, self._tick, arrived)
        talker.push(sequence, timestamp, payload, arrived, again)

    def pull(self, now_ns: int, since: int = 0) -> bytes:
        """The next tick_samples samples for the speaker, always; now_ns: monotonic time of this call.

        since: how many samples the speaker has, or should have, sounded since the last pull; 0 for what that answered.
        """
        at = self._now(_samples(now_ns), since or self._tick)
        sounding, self.asleep, dim = [], True, self._dim()
        for talker in self._talkers.values():
            block = talker.pull(at)
            self.asleep = self.asleep and talker.asleep
            if block is not None:
                gain = self._gains.get(talker.uid, 1.0) * (1.0 if talker.uid == self._priority else dim)
                sounding.append((block, gain * talker.loudness.step(self._tick)))
        self._until_snapshot -= self._tick
        if self._until_snapshot <= 0:
            self._until_snapshot += SNAPSHOT_EVERY
            self._take_stock(at)
        if sounding:
            return self._limiter.mix(sounding)
        self._limiter.rest(self._tick)
        return self._silence

    def set_gains(self, gains: Mapping[int, float]) -> None:
        """How loud single talkers are from now on, by uid; the others as they come. May be called from any thread."""
        self._gains = gains

    def snapshot(self) -> tuple[TalkerStatus, ...]:
        """Everybody who was heard in the last minute. May be called from any thread."""
        return self._snapshot

    def _dim(self) -> float:
        """The gain of all others but who has priority, by what he said in the tick before."""
        if not self._priority:
            return 1.0
        talker = self._talkers.get(self._priority)
        return self._dimming.step(talker is not None and talker.speaks)

    def _now(self, now: int, since: int) -> int:
        """The playback clock at this pull: threads wake late, never early, so what comes early is right at once."""
        expected = self._clock + since
        late = now - expected
        self._clock = expected + late * _CLOCK_SHARE if 0 <= late < _STOOD_STILL else now
        for talker in self._talkers.values() if late >= _STOOD_STILL or since > self._tick else ():
            talker.fell_behind(late >= _STOOD_STILL or since - self._tick >= _STOOD_STILL)
        return int(self._clock)

    def _room_for_one_more(self, now: int) -> bool:
        """Who is heard keeps his place; who has been silent for a while gives it up."""
        if len(self._talkers) < MAX_TALKERS:
            return True
        longest_silent = min(self._talkers.values(), key=lambda talker: talker.heard)
        if now - longest_silent.heard < SILENT_AFTER:
            return False
        self._forget(longest_silent.uid)
        return True

    def _forget(self, uid: int) -> None:
        del self._talkers[uid]

    def _take_stock(self, at: int) -> None:
        for talker in list(self._talkers.values()):
            if at - talker.heard > FORGET_AFTER:
                self._forget(talker.uid)
        self._snapshot = tuple(talker.status() for talker in self._talkers.values())


def _samples(ns: int) -> int:
    """Monotonic time as a count of samples."""
    return ns * MS // 1_000_000
