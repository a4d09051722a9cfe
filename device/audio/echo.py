"""What the speaker sounds is taken out of what the microphone hears, by one of several makers.

    webrtc  AEC3: the best, and finds the echo also far away; takes the package livekit (pip install 'intercomd[echo]')
    speex   libspeexdsp, a package of every Debian: good within 200 ms, and while both clocks keep step

`choose` takes the one that is wanted, or the first that is there. Without any, half-duplex is what is left: see gate.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

from device.audio.capture_clock import RATE_HZ, Block
from device.audio.reference import Reference

logger = logging.getLogger(__name__)

OFF, AUTO, HALF_DUPLEX = "off", "auto", "half-duplex"
MAKERS = ("webrtc", "speex")
SAMPLE_BYTES = 2
# Nothing is played for so long: the last echo is over.
_ECHO_FRAMES = 2 * RATE_HZ
_NS_PER_FRAME = 1_000_000_000 // RATE_HZ


class Canceller(Protocol):
    """A maker's. delay_ms: how much later sound comes out than it went in."""

    name: str
    delay_ms: int

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """Without the echo of the reference; both s16le mono at 48 kHz, as long as each other, a multiple of 10 ms."""


class Echo:
    """Of one box. `played` belongs to the playback thread, `clean` to the capture thread.

    While nothing is played there is no echo: then the sound only waits for as long as the canceller would take.
    """

    def __init__(self, canceller: Canceller) -> None:
        self.canceller, self._reference = canceller, Reference()
        self._delay_frames = canceller.delay_ms * RATE_HZ // 1_000
        self._waiting = bytes(self._delay_frames * SAMPLE_BYTES)
        self._still_frames = _ECHO_FRAMES
        self.played = self._reference.played

    def clean(self, block: Block) -> Block:
        """The block without echo. Its times are those of the sound in it: what comes out was captured earlier."""
        frames = len(block.pcm) // SAMPLE_BYTES
        reference = self._reference.during(block.captured_ns - frames * _NS_PER_FRAME, frames)
        sound = self._waiting + block.pcm
        late, self._waiting = sound[: len(block.pcm)], sound[len(block.pcm) :]
        if reference.strip(b"\0"):
            rested, self._still_frames = self._still_frames >= _ECHO_FRAMES, 0
        else:
            rested, self._still_frames = False, self._still_frames + frames
        if self._still_frames < _ECHO_FRAMES:
            cleaned = self.canceller.clean(block.pcm, reference)
            late = late if rested else cleaned  # what it gives first after a rest is from before that
        return Block(late, block.frame - self._delay_frames, block.captured_ns - self._delay_frames * _NS_PER_FRAME)


def choose(wanted: str) -> Echo | None:
    """By the maker of this name, or with "auto" the first there is; None for "off", and where it is missing."""
    canceller, missing = find(wanted)
    if canceller is not None:
        logger.info("echo: taken out by %s", canceller.name)
        return Echo(canceller)
    if missing:
        logger.warning("echo: half-duplex instead, as %s", "; ".join(missing))
    return None


def find(wanted: str) -> tuple[Canceller | None, Sequence[str]]:
    """The maker, and what those lack that would have been better, one line each."""
    missing: list[str] = []
    for name in MAKERS if wanted == AUTO else () if wanted == OFF else (wanted,):
        try:
            return _make(name), missing
        except ImportError as error:
            missing.append(str(error))
    return None, missing


def _make(name: str) -> Canceller:
    """Imported here, as it takes long and few want it. Raises ImportError, which says what to install."""
    if name == "webrtc":
        from device.audio.webrtc import WebRtcCanceller

        return WebRtcCanceller()
    from device.audio.speex import SpeexCanceller

    return SpeexCanceller()
