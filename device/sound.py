"""The two ways of the sound between a card and the client, over the border between the audio threads and the loop.

capture thread:   card -> gate -> opus  --handover-->  loop: gate again -> membership
playback thread:  card <- talkers  <--bounded drop-oldest queue--  loop: membership

and from the one thread to the other, for who wears a headset:  gate -> side-tone -> card
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Mapping

from device.audio import pcm
from device.audio.capture_clock import RATE_HZ, Block, CaptureClock
from device.audio.card import Capture, Playback
from device.audio.gate import PREROLL_MS, RISE_MS, Gate, Verdict
from device.audio.opus import Decoder
from device.audio.packer import Packer
from device.audio.sidetone import SideTone
from device.audio.talker import TalkerStatus
from device.audio.talkers import Talkers
from device.channel.rtp import Packet
from device.config import Audio
from device.handover import Handover

# By frame length: how much sound playback asks for at a time, and how much the card still holds then. Both are latency;
# a smaller tick wakes the thread more often, a smaller reserve leaves it less time to be late (scripts/bench).
_TICK_MS = {10: 5, 20: 20}
_RESERVE_MS = {10: 9, 20: 12}
# Packets between loop and playback: 32 talkers for 320 ms. More arrive only while the playback thread stands still, and
# then the oldest are the ones that would be too old to play.
_ARRIVALS = 1_024
# Nothing was sent for so long: it is no conversation, and the next word may be noticed a block later; nothing of it is
# lost, as it is sent from before it was noticed. Half as many wake-ups, in a box that waits for a word all day.
CALM_MS = 5_000
_RISE = RISE_MS * RATE_HZ // 1_000
# Tones that wait for those before them; more is somebody who plays with the buttons.
_SOUNDS = 4

Send = Callable[[bytes, int, int, bool], object]


class Microphone:
    """The capture thread's way: a block of the card becomes a packet on the loop, unless the gate holds it back."""

    def __init__(
        self, audio: Audio, gate: Gate, send: Send, loop: asyncio.AbstractEventLoop, clock: CaptureClock
    ) -> None:
        """send: called on the loop with (payload, timestamp, level_dbov, first_of_spurt) of each packet."""
        self._gate, self._send_on = gate, send
        self._packets = Handover(loop, self._send)
        self.packer = Packer(audio.frame_ms, audio.bitrate, audio.complexity, self._packets.put)
        self._block_ns = audio.frame_ms * 1_000_000
        self._fall = self.packer.fall
        self._held: deque[tuple[Block, int]] = deque(maxlen=PREROLL_MS // audio.frame_ms)
        self._recent_frames = PREROLL_MS * RATE_HZ // 1_000
        self.level_dbov = pcm.SILENT_DBOV  # of what was sent last
        self._silent_blocks, self._calm_blocks = 0, CALM_MS // audio.frame_ms
        self.tap: Callable[[Block], None] | None = None  # called in the capture thread with everything, sent or not
        self.clean: Callable[[Block], Block] = lambda block: block  # in that thread: what is judged, and perhaps sent
        self.sends: Callable[[bytes], object] = lambda _: None  # called in that thread with what the gate lets pass
        self.card = Capture(audio.capture, RATE_HZ * audio.frame_ms // 1_000, self._captured, clock)

    def stop(self) -> None:
        """Ask the thread to end; nothing of it is sent any more."""
        self._packets.stop()
        self.card.stop()

    def _captured(self, block: Block) -> None:
        """In the capture thread."""
        tap = self.tap
        if tap is not None:
            tap(block)
        block = self.clean(block)
        level_dbov = pcm.level_dbov(block.pcm)
        verdict = self._gate.admit(block.captured_ns - self._block_ns, level_dbov)
        if not verdict.send:
            if self._gate.closed:
                self.packer.drop()
            else:
                self.packer.flush()
            self.level_dbov = pcm.SILENT_DBOV
            self._held.append((block, level_dbov))
            self._silent_blocks += 1
            self.card.lazy = self._silent_blocks >= self._calm_blocks
            return
        self._silent_blocks, self.card.lazy = 0, False
        blocks = self._to_send(block, level_dbov, verdict)
        self.level_dbov = blocks[-1][1]
        self.sends(blocks[-1][0].pcm)
        for number, (each, each_dbov) in enumerate(blocks):
            self.packer.take(each, each_dbov, verdict.first_of_spurt and not number)

    def _to_send(self, block: Block, level_dbov: int, verdict: Verdict) -> list[tuple[Block, int]]:
        """This one and those before it, each with its level."""
        if not (verdict.first_of_spurt or verdict.fades):  # in the middle of a spurt nothing was held back
            return [(block, level_dbov)]
        earlier = list(self._held)[len(self._held) - verdict.earlier :]
        self._held.clear()
        if verdict.fades:
            block = block._replace(pcm=pcm.fall(block.pcm, self._fall))
            level_dbov = pcm.level_dbov(block.pcm)
        # Nothing from before a card, or all of us, stood still.
        blocks = [one for one in earlier if block.frame - one[0].frame <= self._recent_frames] + [(block, level_dbov)]
        if verdict.first_of_spurt:
            first, first_dbov = blocks[0]
            blocks[0] = first._replace(pcm=pcm.rise(first.pcm, _RISE)), first_dbov
        return blocks

    def _send(self, payload: bytes, timestamp: int, level_dbov: int, first_of_spurt: bool) -> None:
        """On the loop: what was on its way when the button was pressed stops here."""
        if not self._gate.closed:
            self._send_on(payload, timestamp, level_dbov, first_of_spurt)


class Speaker:
    """The playback thread's way: packets of the loop become the mix that the card asks for."""

    def __init__(
        self,
        audio: Audio,
        heard: Callable[[int, int], None] | None = None,
        begins: Callable[[], None] = lambda: None,
    ) -> None:
        """heard: called in the playback thread with (level of what others say, dBov, and when it sounds, monotonic).

        begins: called on the loop when somebody begins to talk.
        """
        self._heard, self._begins = heard, begins
        tick_frames, reserve_frames = (ms[audio.frame_ms] * RATE_HZ // 1_000 for ms in (_TICK_MS, _RESERVE_MS))
        self._talkers = Talkers(Decoder, tick_frames, audio.priority, audio.equal)
        self.sidetone = SideTone(_gain(audio.sidetone), audio.frame_ms * RATE_HZ // 1_000, tick_frames)
        self._arrivals: deque[tuple[int, int, int, bytes, int, int, bool]] = deque(maxlen=_ARRIVALS)
        self._streams: dict[int, int] = {}  # on the loop: the streams there are, by uid, each with its number
        self._numbers = itertools.count()
        self._sounds: deque[tuple[bytes, Callable[[int], None] | None]] = deque(maxlen=_SOUNDS)
        self._sounding = b""
        self._gain = 1.0
        self.card = Playback(audio.playback, tick_frames, reserve_frames, self._pull)

    def received(self, packet: Packet, arrived_ns: int) -> None:
        """On the loop: one packet of one talker; of no stream that there is, it is nobody's."""
        stream = self._streams.get(packet.ssrc)
        if stream is not None:
            self._arrivals.append(
                (packet.ssrc, packet.sequence, packet.timestamp, packet.payload, arrived_ns, stream, packet.again)
            )
            if packet.marker:
                self._begins()

    def added(self, uid: int) -> None:
        """On the loop: this uid has a stream from now on, and another one than before."""
        self._streams[uid] = next(self._numbers)

    def removed(self, uid: int) -> None:
        """On the loop: its stream has ended."""
        self._streams.pop(uid, None)

    def sound(self, pcm_bytes: bytes, began: Callable[[int], None] | None = None) -> None:
        """On the loop: mix this in, after what was to sound before; s16le mono at 48 kHz.

        began: called in the playback thread with when the card is given the beginning (monotonic ns).
        """
        self._sounds.append((pcm_bytes, began))

    @property
    def sounding(self) -> bool:
        """Whether a tone sounds, or is to."""
        return bool(self._sounding) or any(sound for sound, _ in tuple(self._sounds))

    def hush(self) -> None:
        """On the loop: nothing of that sounds any more."""
        self._sounds.clear()
        self._sounds.append((b"", None))

    def set_volume(self, volume: int, volumes: Mapping[int, int]) -> None:
        """On the loop: 0 to 100, of everybody and of single talkers; 10 less is 3 dB quieter, 0 is silent."""
        self._gain = _gain(volume)
        self._talkers.set_gains({uid: _gain(percent) for uid, percent in volumes.items()})

    def talkers(self) -> tuple[TalkerStatus, ...]:
        """What playback last published about each talker, without those whose stream has ended since."""
        return tuple(talker for talker in self._talkers.snapshot() if talker.uid in self._streams)

    def _pull(self, now_ns: int, since_frames: int) -> bytes:
        """In the playback thread: one tick of sound, b"" where there is none."""
        while self._arrivals:
            self._talkers.push(*self._arrivals.popleft())
        heard, own = self._talkers.pull(now_ns, since_frames), self.sidetone.take()
        if self._talkers.asleep and not self._sounding and not self._sounds and not own:
            return b""
        if self._gain != 1.0:
            heard = pcm.scale(heard, self._gain)
        if self._heard is not None:
            self._heard(pcm.level_dbov(heard), now_ns)
        if own:
            heard = pcm.mix([heard, own])
        return self._with_sounds(heard, now_ns) if self._sounding or self._sounds else heard

    def _with_sounds(self, heard: bytes, now_ns: int) -> bytes:
        """A tone has its own volume."""
        if self._sounds and (not self._sounding or not self._sounds[0][0]):
            self._sounding, began = self._sounds.popleft()
            if began is not None:
                began(now_ns)
        block, self._sounding = self._sounding[: len(heard)], self._sounding[len(heard) :]
        return pcm.mix([heard, block.ljust(len(heard), b"\0")])


def _gain(percent: int) -> float:
    return 10 ** ((percent - 100) * 0.3 / 20) if percent else 0.0
