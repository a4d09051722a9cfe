"""The sound card: the only file that touches ALSA, and the only place where threads of ours start.

`Capture` and `Playback` are one thread each around one loop: open, move sound, and on any fault close and open again,
after 0.1 s doubling to 2 s, for ever. Absent, busy, unplugged, refused and suspended are all that same loop.

Cards are opened non-blocking and the threads sleep for as long as the card's own fill level asks for, at most 100 ms:
a card whose clock stands still cannot hold a thread, and asking `avail` again costs less than a poll.

Sound is s16le mono at 48 kHz throughout. Where ALSA grants another period than asked for, the sound is cut anew here;
another rate, format or channel count is refused, because pyalsaaudio opens such a card without an error.
"""

import ctypes
import errno
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import strerror

import alsaaudio

from device.audio import realtime
from device.audio.capture_clock import RATE_HZ, Block, CaptureClock
from device.audio.faults import CardError, CardStatus, fault, unsupported
from device.audio.reserve import Reserve

logger = logging.getLogger(__name__)
libasound_version = alsaaudio.asoundlib_version

SAMPLE_BYTES = 2
_NS_PER_S = 1_000_000_000
_XRUN = -errno.EPIPE  # pyalsaaudio has prepared the stream again already
_LONGEST_SLEEP_S = 0.1
_WAKE_LATE_S = 0.0001  # wake a little after the card has what we wait for, rather than a little before and twice
_STALLED_AFTER_NS = _NS_PER_S
_ASK_WHY_NS = _NS_PER_S // 10
_DEAD_STATES = (alsaaudio.PCM_STATE_DISCONNECTED, alsaaudio.PCM_STATE_SUSPENDED)
_MAX_BARREN_XRUNS = 10  # a driver that answers nothing else is closed, and opened again after a while
_LEAST_BUFFER = RATE_HZ // 25  # 40 ms: two ticks of 20
_FIRST_RETRY_S, _LAST_RETRY_S = 0.1, 2.0
# Short periods, so that also a rate converter in between takes and gives little at a time; the threads do not wait for
# their ends. Room for the reserve to grow.
_PLAYBACK_PERIOD, _PLAYBACK_PERIODS = RATE_HZ // 200, 16
_CAPTURE_PERIODS = 8  # how late the capture thread may be before sound is lost; costs no latency


class _CardThread(threading.Thread, ABC):
    """Open, serve, and again after any fault, until told to stop."""

    direction: int
    verb: str

    def __init__(self, device: str, period_frames: int, periods: int) -> None:
        super().__init__(name=self.verb, daemon=True)
        self._device, self._period_frames, self._periods = device, period_frames, periods
        self._stopping = threading.Event()
        self._state, self._xruns, self._realtime = "opening", 0, False
        self._moved_ns = self._barren_xruns = self.turns = 0  # turns: goes up as long as the thread goes round

    @property
    def status(self) -> CardStatus:
        """A snapshot; may be read from any thread."""
        stalled = self._state == "running" and time.monotonic_ns() - self._moved_ns > _STALLED_AFTER_NS
        return CardStatus("stalled" if stalled else self._state, self._device, self._xruns, self._realtime)

    def stop(self) -> None:
        """Ask the thread to end; it does within 100 ms."""
        self._stopping.set()

    def run(self) -> None:
        self._realtime = realtime.ask()
        retry_s, lost_ns = _FIRST_RETRY_S, 0
        while not self._stopping.is_set():
            self.turns += 1
            try:
                pcm = self._open()
                try:
                    retry_s, lost_ns = _FIRST_RETRY_S, self._recovered(lost_ns)
                    self._serve(pcm)
                finally:
                    _close(pcm)
            except CardError as error:
                lost_ns = self._failed(error, lost_ns)
                self._stopping.wait(retry_s)
                retry_s = min(2 * retry_s, _LAST_RETRY_S)

    @abstractmethod
    def _serve(self, pcm: alsaaudio.PCM) -> None:
        """Move sound until told to stop. Raises CardError."""

    def _open(self) -> alsaaudio.PCM:
        pcm, got, buffer_frames = _asked(
            self._device, self.direction, periodsize=self._period_frames, periods=self._periods
        )
        if got != (RATE_HZ, 1, "S16_LE") or buffer_frames < _LEAST_BUFFER:
            _close(pcm)
            raise unsupported(self._device, *got, buffer_frames)
        return pcm

    def _failed(self, error: CardError, lost_ns: int) -> int:
        """First failure WARNING, repeats DEBUG. Returns when the outage began."""
        self._state = error.state
        logger.log(logging.DEBUG if lost_ns else logging.WARNING, "%s: %s; trying on", self.verb, error)
        return lost_ns or time.monotonic_ns()

    def _recovered(self, lost_ns: int) -> int:
        self._state, self._moved_ns = "running", time.monotonic_ns()
        if lost_ns:
            down_s = (time.monotonic_ns() - lost_ns) / _NS_PER_S
            logger.info("%s: %s works again after %.1f s", self.verb, self._device, down_s)
        return 0

    def _moved(self) -> None:
        """Sound went through."""
        self._moved_ns, self._barren_xruns = time.monotonic_ns(), 0

    def _xrun(self, code: int) -> None:
        """Count one. Raises CardError for any other code, and for one xrun after the other with nothing in between."""
        self._barren_xruns += 1
        if code != _XRUN or self._barren_xruns > _MAX_BARREN_XRUNS:
            raise fault(self._device, strerror(-code))
        self._xruns += 1
        logger.log(logging.WARNING if self._xruns == 1 else logging.DEBUG, "%s: xrun %d", self.verb, self._xruns)

    def _sleep(self, pcm: alsaaudio.PCM, frames: int) -> None:
        """Until the card has moved on by `frames`. A card that did not is asked why: `avail` may go on answering."""
        self.turns += 1
        if time.monotonic_ns() - self._moved_ns > _ASK_WHY_NS and pcm.state() in _DEAD_STATES:
            raise fault(self._device, strerror(errno.ENODEV))
        time.sleep(min(frames / RATE_HZ + _WAKE_LATE_S, _LONGEST_SLEEP_S))


class Capture(_CardThread):
    """Reads the microphone and hands each `Block` of block_frames samples to `sink`, in the capture thread.

    clock: numbers the samples, and goes on where those of a `Capture` before this one ended.
    """

    direction = alsaaudio.PCM_CAPTURE
    verb = "capture"

    def __init__(
        self, device: str, block_frames: int, sink: Callable[[Block], None], clock: CaptureClock | None = None
    ) -> None:
        super().__init__(device, block_frames, _CAPTURE_PERIODS)
        self._block_frames, self._sink = block_frames, sink
        self._clock = clock or CaptureClock()

    def _serve(self, pcm: alsaaudio.PCM) -> None:
        block_bytes = self._block_frames * SAMPLE_BYTES
        held = b""
        self._clock.broke()
        with _alsa_errors(self._device):
            pcm.read()  # the first read starts a non-blocking capture
            while not self._stopping.is_set():
                missing = self._block_frames - len(held) // SAMPLE_BYTES
                ready = pcm.avail()
                if 0 <= ready < missing:
                    self._sleep(pcm, missing - ready)
                    continue
                count, pcm_bytes = pcm.read() if ready >= 0 else (ready, b"")
                if count < 0:
                    self._overrun(pcm, count)
                    held = b""
                elif count == 0:
                    self._sleep(pcm, missing)
                else:
                    held = held + pcm_bytes if held else pcm_bytes
                    if len(held) >= block_bytes:
                        self._emit(held[:block_bytes], ready - count + len(held) // SAMPLE_BYTES - self._block_frames)
                        held = held[block_bytes:]

    def _emit(self, pcm_bytes: bytes, waiting_frames: int) -> None:
        """waiting_frames: captured after the block, in the card and here."""
        self._moved()
        captured_ns = self._moved_ns - waiting_frames * _NS_PER_S // RATE_HZ
        self._sink(Block(pcm_bytes, self._clock.number(self._block_frames, captured_ns), captured_ns))

    def _overrun(self, pcm: alsaaudio.PCM, code: int) -> None:
        self._xrun(code)
        if pcm.state() == alsaaudio.PCM_STATE_XRUN:
            pcm.read()  # `avail` found the overrun: this read prepares the stream again
        pcm.read()
        self._clock.broke()


class Playback(_CardThread):
    """Asks `source(now_ns)` for tick_frames samples whenever the card has no more than its reserve left to play.

    The reserve is the latency that the card adds, and how late the thread may be before an xrun; reserve_frames is the
    least of it (reserve.py). Runs in the playback thread.
    """

    direction = alsaaudio.PCM_PLAYBACK
    verb = "playback"

    def __init__(self, device: str, tick_frames: int, reserve_frames: int, source: Callable[[int], bytes]) -> None:
        super().__init__(device, _PLAYBACK_PERIOD, _PLAYBACK_PERIODS)
        self._tick_frames, self._source = tick_frames, source
        self._reserve = Reserve(reserve_frames)

    @property
    def queue_ms(self) -> float:
        """How long a sample waits in the card."""
        return self._reserve.frames * 1_000 / RATE_HZ

    def _serve(self, pcm: alsaaudio.PCM) -> None:
        granted = pcm.info()
        buffer_frames: int = granted["buffer_size"]
        self._reserve.fit(self._tick_frames, granted["period_size"], buffer_frames)
        unwritten = self._silence()
        with _alsa_errors(self._device):
            while not self._stopping.is_set():
                room = pcm.avail()
                queued = buffer_frames - room
                if room < 0:
                    unwritten = self._underrun(pcm, room, unwritten)
                elif not unwritten and queued > self._reserve.frames:
                    self._sleep(pcm, queued - self._reserve.frames)
                else:
                    unwritten = self._write(pcm, unwritten or self._source(time.monotonic_ns()))

    def _write(self, pcm: alsaaudio.PCM, pcm_bytes: bytes) -> bytes:
        """Write what the card takes; returns the rest."""
        written = pcm.write(pcm_bytes)
        if written < 0:
            return self._underrun(pcm, written, pcm_bytes)
        if written > 0:
            self._moved()
        rest = pcm_bytes[written * SAMPLE_BYTES :]
        if rest:
            self._sleep(pcm, len(rest) // SAMPLE_BYTES)
        return rest

    def _underrun(self, pcm: alsaaudio.PCM, code: int, unwritten: bytes) -> bytes:
        """Fill the card anew: without silence in front, the latency would be another one after each hiccup."""
        self._xrun(code)
        self._reserve.xrun(time.monotonic_ns())
        if pcm.state() == alsaaudio.PCM_STATE_XRUN:
            pcm.write(unwritten or self._silence())  # `avail` found the underrun: this write prepares the stream again
        return self._silence()[len(unwritten) :] + unwritten

    def _silence(self) -> bytes:
        return bytes((self._reserve.frames + self._tick_frames) * SAMPLE_BYTES)


def cards() -> list[str]:
    """The names of the machine's sound cards, as in plughw:CARD=NAME; empty where there is none."""
    return list(alsaaudio.cards())


def granted(device: str, capture: bool) -> tuple[int, int, str]:
    """What it grants whoever asks for 48 kHz mono S16_LE: rate in Hz, channels, format. Raises CardError."""
    pcm, got, _ = _asked(device, alsaaudio.PCM_CAPTURE if capture else alsaaudio.PCM_PLAYBACK)
    _close(pcm)
    return got


def _asked(device: str, direction: int, **wanted: int) -> tuple[alsaaudio.PCM, tuple[int, int, str], int]:
    """An open card, what it grants (rate, channels, format), and its buffer in frames. Raises CardError."""
    with _alsa_errors(device):
        pcm = alsaaudio.PCM(
            type=direction, mode=alsaaudio.PCM_NONBLOCK, device=device,
            rate=RATE_HZ, channels=1, format=alsaaudio.PCM_FORMAT_S16_LE, **wanted,
        )  # fmt: skip
        granted = pcm.info()
    return pcm, (granted["rate"], granted["channels"], granted["format_name"]), granted["buffer_size"]


@contextmanager
def _alsa_errors(device: str) -> Iterator[None]:
    """Give libasound's texts their kind and their remedy."""
    try:
        yield
    except alsaaudio.ALSAAudioError as error:
        raise fault(device, str(error)) from error


def _close(pcm: alsaaudio.PCM) -> None:
    """Close without playing out: close() alone drains, up to seconds. Errors no longer matter."""
    for step in (pcm.drop, pcm.close):
        try:
            step()
        except alsaaudio.ALSAAudioError as error:
            logger.debug("closing: %s", error)


# libasound writes each failed open to stderr, every 2 s while a card is missing; ours is said once, and plainly. It
# calls its error handler while it holds its own lock, so that must be a C function that wants nothing, least of all the
# GIL: another thread may hold that and wait for the lock. getppid is one.
ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(ctypes.cast(ctypes.CDLL(None).getppid, ctypes.c_void_p))
