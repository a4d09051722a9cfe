"""One talker: packets in, samples out, by a jitter buffer, a decoder and the talker's clock. PURE."""

import math
from dataclasses import dataclass
from typing import Protocol

from device.audio import pcm
from device.audio.arrivals import MS
from device.audio.drift import Drift
from device.audio.jitter import CONCEAL_STEP, JitterBuffer, Lost, Play, Silence
from device.audio.loudness import Loudness
from device.audio.stretch import Stretch

SNAPSHOT_EVERY = 200 * MS
_KEPT = math.exp(-SNAPSHOT_EVERY / (10_000 * MS))
# Below this a passage is a pause or the room's noise, and slips may come ten times as often.
_QUIET_DBOV = -45
_NOTHING = Play(b"", 0, 0, 0, 0)


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
    as any waits. packet_ms: how much sound is in one. late: packets that came too late. lost: that did not come in
    time, late or not there at all. concealed: gaps bridged. loss_percent: of the last 10 s, how many did not.
    drift_ppm: how much faster this talker's clock runs than ours.
    """

    uid: int
    level_dbfs: int
    buffer_ms: float
    packet_ms: float
    late: int
    lost: int
    concealed: int
    loss_percent: float
    drift_ppm: float


class Talker:
    """heard: the tick in which something of it was played last. asleep: nothing sounds, and nothing waits to."""

    def __init__(self, uid: int, stream: int, decoder: Decoder, loudness: Loudness, tick: int, heard: int) -> None:
        self.uid, self.stream, self.loudness = uid, stream, loudness
        self.heard = heard
        self._decoder = decoder
        self._tick = tick
        self._buffer = JitterBuffer(tick)
        self._drift, self._stretch = Drift(), Stretch()
        self._decoded = b""
        self._level_dbov = pcm.SILENT_DBOV
        self._playing = _NOTHING
        self._corrupt = 0
        self._lost = _Losses()
        self.asleep = False

    def push(self, sequence: int, timestamp: int, payload: bytes, arrived: int, again: bool = False) -> None:
        """Take a packet; see `JitterBuffer.push`."""
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

    def fell_behind(self, for_long: bool) -> None:
        """Time has passed without a pull, and for long: then what was decoded for it is old."""
        self._buffer.fell_behind()
        if for_long:
            self._decoded = b""

    def status(self) -> TalkerStatus:
        """As of now; to be asked every SNAPSHOT_EVERY of played time, as the losses of the last 10 s are counted so."""
        counts = self._buffer.counts
        self._lost.add(counts.lost, counts.played)
        return TalkerStatus(
            uid=self.uid, level_dbfs=self._level_dbov, buffer_ms=round(self._playing.delay / MS, 1),
            packet_ms=self._playing.samples / MS, late=counts.late, lost=counts.lost,
            concealed=counts.concealed + self._corrupt, loss_percent=round(self._lost.percent, 1),
            drift_ppm=round(self._drift.ppm, 1),
        )  # fmt: skip

    def _play(self, packet: Play) -> bytes:
        try:
            sound = self._decoder.decode(packet.payload)
        except ValueError:
            self._corrupt += 1
            sound = self._conceal(packet.samples)
        self._playing = packet
        self._level_dbov = pcm.level_dbov(sound)
        self.loudness.hear(self._level_dbov, packet.samples)
        stretched = self._stretch.fit(sound, packet.spare, quiet=not self.speaks)
        if shorter := (len(sound) - len(stretched)) // pcm.SAMPLE_BYTES:
            self._drift.measure(packet.delay, packet.samples, shorter)
            return stretched
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
