"""What the speaker sounds is taken out of what the microphone hears, by one of several makers.

    webrtc  AEC3: the best, and finds the echo also far away; takes the package livekit (pip install 'intercomd[echo]')
    speex   libspeexdsp, a package of every Debian: good for echo that comes within 200 ms

`choose` takes the one that is wanted, or the first that is there. Without any, half-duplex is what is left: see gate.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

from device.audio.capture_clock import RATE_HZ, Block
from device.audio.pcm import SAMPLE_BYTES
from device.audio.reference import Reference

logger = logging.getLogger(__name__)

OFF, AUTO, HALF_DUPLEX = "off", "auto", "half-duplex"
MAKERS = ("webrtc", "speex")
# Nothing is played for so long: the last echo is over.
_ECHO_FRAMES = 2 * RATE_HZ
_NS_PER_FRAME = 1_000_000_000 // RATE_HZ
_10_MS = RATE_HZ // 100 * SAMPLE_BYTES


class Canceller(Protocol):
    """A maker's. delay_ms: how much later sound comes out than it went in."""

    name: str
    delay_ms: int

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """10 ms without the echo of the reference; both s16le mono at 48 kHz."""


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
        """The block, a multiple of 10 ms, without echo.

        Its times are those of the sound in it: what comes out was captured earlier.
        """
        size = len(block.pcm)
        frames = size // SAMPLE_BYTES
        reference = self._reference.during(block.captured_ns - frames * _NS_PER_FRAME, frames)
        rested = self._still_frames >= _ECHO_FRAMES
        self._still_frames = 0 if reference.strip(b"\0") else self._still_frames + frames
        sound = self._waiting + block.pcm
        late, self._waiting = sound[:size], sound[size:]
        if self._still_frames < _ECHO_FRAMES:
            cleaned = b"".join(
                self.canceller.clean(block.pcm[at : at + _10_MS], reference[at : at + _10_MS])
                for at in range(0, size, _10_MS)
            )
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
