"""All talkers -> one block per tick: each one's buffer, decoder and clock, and the mix.

The playback thread owns this: it pushes what came from the network and pulls what sounds next. Packets are decoded
when the tick needs them and no earlier; what a packet holds beyond the tick waits as samples for the next one.
`snapshot` alone is for others: an immutable picture, made anew every 200 ms of played time.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from device.audio import pcm
from device.audio.arrivals import MS
from device.audio.dimming import Dimming
from device.audio.drift import Drift
from device.audio.jitter import CONCEAL_STEP, JitterBuffer, Lost, Play, Silence
from device.audio.limiter import Limiter
from device.audio.loudness import Loudness, Loudnesses

# A decoder and a second of packets each, some 150 kB; more voices than that nobody can follow anyway.
MAX_TALKERS = 32
# Between two words nobody takes a talker's place, in a pause the next who begins.
SILENT_AFTER = 1_000 * MS
# Silent for so long, a talker leaves nothing behind; should it speak again, its clock is learnt anew.
FORGET_AFTER = 60_000 * MS

_SNAPSHOT_EVERY = 200 * MS
_KEPT = math.exp(-_SNAPSHOT_EVERY / (10_000 * MS))
# Below this a passage is a pause or the room's noise, and slips may come ten times as often.
_QUIET_DBOV = -45
# Pulls later than expected by this and more: the card stood still.
_STOOD_STILL = 100 * MS
# How much of a pull's lateness is taken for a change of the playback clock rather than for the scheduler's mood.
_CLOCK_SHARE = 1 / 64


class Decoder(Protocol):
    """What a talker needs of a codec; pcm: s16le mono at 48 kHz."""

    def decode(self, payload: bytes) -> bytes:
        """One packet -> its pcm. Raises ValueError where it is none."""

    def conceal(self, samples: int) -> bytes:
        """So many samples (a multiple of 120, at most 4,800) of what is missing."""

    def recover(self, payload: bytes, samples: int) -> bytes:
        """The same, by what the packet after it has of it. Raises ValueError where it is none."""


@dataclass(frozen=True, slots=True)
class TalkerStatus:
    """One talker in a snapshot.

    level_dbfs: RMS against a full-scale square wave, -127 in silence. buffer_ms: how long a packet that comes as fast
    as any waits. late, lost: packets that came too late, or were not there in time. concealed: gaps bridged.
    loss_percent: of the last 10 s, how many were not there in time. drift_ppm: how much faster this
    talker's clock runs than ours.
    """

    uid: int
    level_dbfs: int
    buffer_ms: float
    late: int
    lost: int
    concealed: int
    loss_percent: float
    drift_ppm: float


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
        self._talkers: dict[int, _Talker] = {}
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
            talker = self._talkers[uid] = _Talker(uid, stream, self._make_decoder(), loudness, self._tick, arrived)
        talker.push(sequence, timestamp, payload, arrived, again)

    def pull(self, now_ns: int, since: int = 0) -> bytes:
        """The next tick_samples samples for the speaker, always; now_ns: monotonic time of this call.

        since: how many samples the speaker was given since the last pull; 0 for what that one answered.
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
            self._until_snapshot += _SNAPSHOT_EVERY
            self._take_stock(at)
        return self._limiter.mix(sounding) if sounding else self._silence

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
        if late >= _STOOD_STILL:
            for talker in self._talkers.values():
                talker.stood_still()
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


class _Talker:
    """One talker: packets in, samples out."""

    def __init__(self, uid: int, stream: int, decoder: Decoder, loudness: Loudness, tick: int, heard: int) -> None:
        self.uid, self.stream, self.loudness = uid, stream, loudness
        self.heard = heard
        self._decoder = decoder
        self._tick = tick
        self._buffer = JitterBuffer(tick)
        self._drift = Drift()
        self._decoded = b""
        self._level_dbov = pcm.SILENT_DBOV
        self._delay = 0
        self._corrupt = 0
        self._lost = _Losses()
        self.asleep = False  # nothing sounds, and nothing waits to

    def push(self, sequence: int, timestamp: int, payload: bytes, arrived: int, again: bool) -> None:
        self.asleep = False
        self._buffer.push(sequence, timestamp, payload, arrived, again)

    def pull(self, at: int) -> bytes | None:
        """The tick that begins at `at`, None where all of it is silence."""
        if self.asleep:
            return None
        sounding = bool(self._decoded)
        while (ahead := len(self._decoded) // pcm.SAMPLE_BYTES) < self._tick:
            answer = self._buffer.pop(at + ahead, self._tick - ahead)
            if isinstance(answer, Play):
                self._decoded += self._play(answer)
                self.heard = at
            else:
                self._drift.interrupt()
                self._decoded += self._replace(answer) if isinstance(answer, Lost) else _silence(answer.samples)
            sounding = sounding or not isinstance(answer, Silence)
        size = self._tick * pcm.SAMPLE_BYTES
        block, self._decoded = self._decoded[:size], self._decoded[size:]
        if sounding:
            return block
        self._level_dbov = pcm.SILENT_DBOV
        self.asleep = not self._buffer.held
        return None

    @property
    def speaks(self) -> bool:
        """Whether what was heard last is more than the noise of a room."""
        return self._level_dbov >= _QUIET_DBOV

    def stood_still(self) -> None:
        """Time has passed without a pull: what was decoded for then is old."""
        self._decoded = b""

    def status(self) -> TalkerStatus:
        counts = self._buffer.counts
        self._lost.add(counts.lost, counts.played)
        return TalkerStatus(
            uid=self.uid, level_dbfs=self._level_dbov, buffer_ms=round(self._delay / MS, 1),
            late=counts.late, lost=counts.lost, concealed=counts.concealed + self._corrupt,
            loss_percent=round(self._lost.percent, 1), drift_ppm=round(self._drift.ppm, 1),
        )  # fmt: skip

    def _play(self, packet: Play) -> bytes:
        try:
            sound = self._decoder.decode(packet.payload)
        except ValueError:
            self._corrupt += 1
            sound = self._conceal(packet.samples)
        self._delay = packet.delay
        self._level_dbov = pcm.level_dbov(sound)
        self.loudness.hear(self._level_dbov, packet.samples)
        slips = self._drift.correct(packet.delay, packet.excess, packet.samples, quiet=not self.speaks)
        return pcm.slip(sound, slips) if slips else sound

    def _replace(self, lost: Lost) -> bytes:
        if lost.after and not lost.samples % CONCEAL_STEP:
            try:
                return self._decoder.recover(lost.after, lost.samples)
            except ValueError:  # it is counted when its own turn comes
                pass
        return self._conceal(lost.samples)

    def _conceal(self, samples: int) -> bytes:
        whole_steps = -(-samples // CONCEAL_STEP) * CONCEAL_STEP
        return self._decoder.conceal(whole_steps)[: samples * pcm.SAMPLE_BYTES]


class _Losses:
    """How many packets of the last 10 s were lost, by counts that go up; the older the less they count."""

    def __init__(self) -> None:
        self._counted = (0, 0)
        self._lost = self._played = 0.0

    def add(self, lost: int, played: int) -> None:
        """The counts now; called at every snapshot."""
        before_lost, before_played = self._counted
        self._counted = lost, played
        self._lost = self._lost * _KEPT + lost - before_lost
        self._played = self._played * _KEPT + played - before_played

    @property
    def percent(self) -> float:
        """0.0 where there was nothing."""
        together = self._lost + self._played
        return 100 * self._lost / together if together else 0.0


def _silence(samples: int) -> bytes:
    return bytes(samples * pcm.SAMPLE_BYTES)


def _samples(ns: int) -> int:
    """Monotonic time as a count of samples."""
    return ns * MS // 1_000_000
