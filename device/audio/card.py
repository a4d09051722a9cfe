"""The sound card, each way in a thread: the only place where the threads of a call start. How to open one: alsa.py.

`Capture` and `Playback` are one thread each around one loop: open, move sound, and on any fault close and open again,
for ever. Absent, busy, unplugged, refused, suspended and standing still are all that same loop. Trying to open is also
how a card that comes back is noticed: that costs no more than to ask whether it is there, and tells what is wrong.

Cards are opened non-blocking and the threads sleep for as long as the card's own fill level asks for, at most 100 ms:
a card whose clock stands still cannot hold a thread, and asking `avail` again costs less than a poll.

Sound is s16le mono at 48 kHz throughout. Where ALSA grants another period than asked for, the sound is cut anew here.
"""

import errno
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from os import strerror

from device.audio import alsa, realtime
from device.audio.alsa import PCM
from device.audio.capture_clock import RATE_HZ, Block, CaptureClock
from device.audio.faults import CardError, CardGone, CardStalled, CardStatus, Outage, fault, stalled, too_fast
from device.audio.reserve import Reserve

logger = logging.getLogger(__name__)

SAMPLE_BYTES = 2
_NS_PER_S = 1_000_000_000
_XRUN = -errno.EPIPE  # pyalsaaudio has prepared the stream again already
_LONGEST_SLEEP_S = 0.1
_WAKE_LATE_S = 0.0001  # wake a little after the card has what we wait for, rather than a little before and twice
_STALLED_AFTER_NS = _NS_PER_S
_ASK_WHY_NS = _NS_PER_S // 10
# A card that has moved and stands still for so long is opened anew: that helps where its driver lost its way, and what
# it still holds is old. One that was just opened may take longer until its other end is awake, as Bluetooth does.
_STANDSTILL_NS, _FIRST_MOVE_NS = _NS_PER_S // 2, 3 * _NS_PER_S
_MAX_BARREN_XRUNS = 10  # a driver that answers nothing else is closed, and opened again after a while
# To look for a card that is absent costs 0.2 ms of a PC's CPU, and as much again for the configuration read anew. One
# that is there and will not do is tried more seldom.
_FIRST_RETRY_S, _LAST_PROBE_S, _LAST_RETRY_S = 0.1, 0.4, 2.0
# Short periods, so that also a rate converter in between takes and gives little at a time; the threads do not wait for
# their ends. Room for the reserve to grow.
_PLAYBACK_PERIOD, _PLAYBACK_PERIODS = RATE_HZ // 200, 16
# ALSA's "null" gives silence as fast as it is read; a card that was left alone for a moment has that much, no more.
_AHEAD_FRAMES = RATE_HZ
_CAPTURE_PERIODS = 8  # how late the capture thread may be before sound is lost; costs no latency


class _CardThread(threading.Thread, ABC):
    """Open, serve, and again after any fault, until told to stop."""

    direction: int
    verb: str

    def __init__(self, device: str, period_frames: int, periods: int) -> None:
        super().__init__(name=self.verb, daemon=True)
        self._device, self._periods = device, (period_frames, periods)
        self._stopping, self._ended = threading.Event(), False
        self.works_again: Callable[[], object] = lambda: None  # called in this thread when an outage is over
        self._state, self._xruns, self._realtime = "opening", 0, False
        self._outage: Outage | None = None
        self._standstill_ns = _FIRST_MOVE_NS
        self._moved_ns = self._barren_xruns = self.turns = 0  # turns: goes up as long as the thread goes round

    @property
    def status(self) -> CardStatus:
        """A snapshot; may be read from any thread."""
        stalled = self._state == "running" and time.monotonic_ns() - self._moved_ns > _STALLED_AFTER_NS
        return CardStatus("stalled" if stalled else self._state, self._device, self._xruns, self._realtime)

    def stop(self) -> None:
        """Ask the thread to end; it does within 100 ms."""
        self._ended = True
        self._stopping.set()

    def run(self) -> None:
        self._realtime = realtime.ask()
        retry_s, refused, probed = _FIRST_RETRY_S, False, False
        while not self._ended:
            self.turns += 1
            try:
                probed = False
                if refused:
                    alsa.probe(self._device, self.direction)
                refused = probed = True
                pcm = alsa.open_card(self._device, self.direction, *self._periods)
                try:
                    refused, self._moved_ns, self._standstill_ns = False, time.monotonic_ns(), _FIRST_MOVE_NS
                    self._serve(pcm)
                finally:
                    alsa.close(pcm)
            except CardError as error:
                last_s = _LAST_RETRY_S if probed else _LAST_PROBE_S
                retry_s = _FIRST_RETRY_S if self._outage is None else min(2 * retry_s, last_s)
                self._failed(error)
                if not isinstance(error, CardStalled):  # it was waited for long enough
                    self._stopping.wait(retry_s)
                if isinstance(error, CardGone):
                    alsa.forget()

    @abstractmethod
    def _serve(self, pcm: PCM) -> None:
        """Move sound until told to stop. Raises CardError."""

    def _failed(self, error: CardError) -> None:
        """What is news is a WARNING, repeats are DEBUG."""
        self._state = error.state
        self._outage = self._outage or Outage(self._moved_ns or time.monotonic_ns())
        level = logging.WARNING if self._outage.is_news(error.state) else logging.DEBUG
        logger.log(level, "%s: %s; trying on", self.verb, error)

    def _moved(self) -> None:
        """The card has taken or given sound: only now it works again."""
        self._moved_ns, self._barren_xruns, self._standstill_ns = time.monotonic_ns(), 0, _STANDSTILL_NS
        self._state = "running"
        if self._outage is not None:
            down_s = (self._moved_ns - self._outage.began_ns) / _NS_PER_S
            logger.info("%s: %s works again after %.1f s", self.verb, self._device, down_s)
            self._outage = None
            self.works_again()

    def _xrun(self, code: int) -> None:
        """Count one. Raises CardError for any other code, and for one xrun after the other with nothing in between."""
        self._barren_xruns += 1
        if code != _XRUN or self._barren_xruns > _MAX_BARREN_XRUNS:
            raise fault(self._device, strerror(-code))
        self._moved_ns = time.monotonic_ns()  # its clock runs; it was this thread that stood still, or this process
        self._xruns += 1
        logger.log(logging.WARNING if self._xruns == 1 else logging.DEBUG, "%s: xrun %d", self.verb, self._xruns)

    def _sleep(self, pcm: PCM, frames: int, since_ns: int = 0) -> None:
        """Until the card has moved on by `frames` since then, or since now.

        One that did not move is asked why: `avail` may go on answering.
        """
        self.turns += 1
        now_ns = time.monotonic_ns()
        if now_ns - self._moved_ns > _ASK_WHY_NS:
            alsa.check(pcm, self._device)
            if now_ns - self._moved_ns > self._standstill_ns:
                raise stalled(self._device)
        wait_s = frames / RATE_HZ + _WAKE_LATE_S - ((now_ns - since_ns) / _NS_PER_S if since_ns else 0.0)
        time.sleep(max(0.0, min(wait_s, _LONGEST_SLEEP_S)))


class Capture(_CardThread):
    """Reads the microphone and hands each `Block` of block_frames samples to `sink`, in the capture thread.

    clock: numbers the samples, and goes on where those of a `Capture` before this one ended. lazy: whether two blocks
    at once will do, which wakes the thread half as often; may be set at any time.
    """

    direction = alsa.CAPTURE
    verb = "capture"

    def __init__(
        self, device: str, block_frames: int, sink: Callable[[Block], None], clock: CaptureClock | None = None
    ) -> None:
        super().__init__(device, block_frames, _CAPTURE_PERIODS)
        self._block_frames, self._sink, self.lazy = block_frames, sink, False
        self._began_ns = self._emitted = 0  # of the card that is open, and how much it has given
        self._clock = clock or CaptureClock()

    def _serve(self, pcm: PCM) -> None:
        block_bytes = self._block_frames * SAMPLE_BYTES
        held = b""
        self._began_ns, self._emitted = time.monotonic_ns(), 0
        self._clock.broke()
        with alsa.errors(self._device):
            pcm.read()  # the first read starts a non-blocking capture
            while not self._ended:
                missing = self._block_frames - len(held) // SAMPLE_BYTES
                ready = pcm.avail()
                if 0 <= ready < missing:
                    self._sleep(pcm, missing - ready + (self._block_frames if self.lazy else 0))
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
        self._emitted += self._block_frames
        if self._emitted > _AHEAD_FRAMES + 2 * (self._moved_ns - self._began_ns) * RATE_HZ // _NS_PER_S:
            raise too_fast(self._device)
        captured_ns = self._moved_ns - waiting_frames * _NS_PER_S // RATE_HZ
        self._sink(Block(pcm_bytes, self._clock.number(self._block_frames, captured_ns), captured_ns))

    def _overrun(self, pcm: PCM, code: int) -> None:
        self._xrun(code)
        if alsa.has_xrun(pcm):
            pcm.read()  # `avail` found the overrun: this read prepares the stream again
        pcm.read()
        self._clock.broke()


class Playback(_CardThread):
    """Asks `source(now_ns, since)` for tick_frames samples whenever the card has no more than its reserve left to play.

    The reserve is the latency that the card adds, and how late the thread may be before an xrun; reserve_frames is the
    least of it (reserve.py). Runs in the playback thread. A source that answers b"" has nothing to say: it is asked
    more seldom then, and what it says at last does not sound later for it. since: the frames that were played since it
    was asked last, and those that would have been while the card was dry. now_ns: when the card would have asked with
    its whole reserve left. `played` is told all that the card has taken, silence too, and when its first sample sounds;
    and an empty block where it ran dry.
    """

    direction = alsa.PLAYBACK
    verb = "playback"

    def __init__(self, device: str, tick_frames: int, reserve_frames: int, source: Callable[[int, int], bytes]) -> None:
        super().__init__(device, _PLAYBACK_PERIOD, _PLAYBACK_PERIODS)
        self._tick_frames, self._source, self._since = tick_frames, source, tick_frames
        self.played: Callable[[bytes, int], object] = lambda *_: None  # called in this thread
        self._reserve = Reserve(reserve_frames)

    @property
    def queue_ms(self) -> float:
        """How long a sample waits in the card."""
        return self._reserve.frames * 1_000 / RATE_HZ

    def _serve(self, pcm: PCM) -> None:
        granted = pcm.info()
        buffer_frames: int = granted["buffer_size"]
        self._reserve.fit(self._tick_frames, granted["period_size"], buffer_frames)
        # Half a tick beside the capture thread, which begins at the same moment: on one clock both would want the
        # interpreter at the same moments ever after, and each wait for the other costs as much as another wake.
        unwritten, low = self._silence()[self._tick_frames // 2 * SAMPLE_BYTES :], self._reserve.frames
        left = 0  # what was queued when it was looked at last
        with alsa.errors(self._device):
            while not self._ended:
                room = pcm.avail()
                queued = buffer_frames - room
                if queued < left:
                    self._moved()
                left = queued
                if room < 0:
                    unwritten = self._underrun(pcm, room, unwritten, resting=low < self._reserve.frames)
                    low, left = self._reserve.frames, 0
                elif not unwritten and queued > low:
                    self._sleep(pcm, queued - low)
                else:
                    now_ns = time.monotonic_ns()
                    if not unwritten:
                        reserve = self._reserve
                        if given_up := reserve.tick(now_ns):  # it is played first: nothing is asked for before its time
                            self._since, low = self._since + given_up, reserve.frames
                            continue
                        since = reserve.asks(now_ns, queued, self._since)
                        unwritten = self._source(now_ns - (reserve.frames - low) * _NS_PER_S // RATE_HZ, since)
                        low = reserve.frames if unwritten or not self._realtime else reserve.resting_frames
                        unwritten = unwritten or self._silence()[queued * SAMPLE_BYTES :]
                        self._since = len(unwritten) // SAMPLE_BYTES
                    sounds_ns = now_ns + queued * _NS_PER_S // RATE_HZ
                    queued += len(unwritten) // SAMPLE_BYTES
                    unwritten = self._write(pcm, unwritten, sounds_ns)
                    left = queued - len(unwritten) // SAMPLE_BYTES
                    if not unwritten:
                        self._sleep(pcm, queued - low, now_ns)

    def _write(self, pcm: PCM, pcm_bytes: bytes, sounds_ns: int) -> bytes:
        """Write what the card takes; returns the rest."""
        written = pcm.write(pcm_bytes)
        if written < 0:
            return self._underrun(pcm, written, pcm_bytes)
        if written > 0:
            self._barren_xruns = 0
            self.played(pcm_bytes[: written * SAMPLE_BYTES], sounds_ns)
        rest = pcm_bytes[written * SAMPLE_BYTES :]
        if rest:
            self._sleep(pcm, len(rest) // SAMPLE_BYTES)
        return rest

    def _underrun(self, pcm: PCM, code: int, unwritten: bytes, resting: bool = False) -> bytes:
        """Fill the card anew: without silence in front, the latency would be another one after each hiccup."""
        self._xrun(code)
        self.played(b"", 0)
        if self._reserve.xrun(time.monotonic_ns(), resting):
            unwritten = b""
        if alsa.has_xrun(pcm):
            pcm.write(unwritten or self._silence())  # `avail` found the underrun: this write prepares the stream again
        return self._silence()[len(unwritten) :] + unwritten

    def _silence(self) -> bytes:
        return bytes((self._reserve.frames + self._tick_frames) * SAMPLE_BYTES)
