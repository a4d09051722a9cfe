"""What the microphone hears is made what somebody says: without echo, without noise, as loud as others; by a maker.

    webrtc  AEC3: the best, and finds the echo also far away; takes the package livekit (pip install 'intercomd[echo]')
    speex   libspeexdsp, a package of every Debian: good for echo that comes within 200 ms

`choose` takes the one that is wanted, or the first that is there. Without any, half-duplex is what is left of echo: see
gate; noise stays.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol

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


class Tasks(NamedTuple):
    """What is to be done: take out what the speaker sounds; take out steady noise; make speech as loud as others'."""

    echo: bool = True
    noise: bool = False
    gain: bool = False

    def __str__(self) -> str:
        return ", ".join(name for name, wanted in self._asdict().items() if wanted)


ECHO_ALONE = Tasks()


class Canceller(Protocol):
    """A maker's, for these tasks. delay_ms: how much later sound comes out than it went in."""

    name: str
    delay_ms: int

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """10 ms, cleaned; reference: what the speaker sounded meanwhile. All s16le mono at 48 kHz."""


class Echo:
    """Of one box. `played` belongs to the playback thread, `clean` to the capture thread.

    While nothing is played there is no echo: if that is the only task, the sound then only waits for as long as the
    canceller would take.
    """

    def __init__(self, canceller: Canceller, tasks: Tasks = ECHO_ALONE) -> None:
        self.canceller, self.tasks, self._reference = canceller, tasks, Reference()
        self._may_rest = not (tasks.noise or tasks.gain)
        self._delay_frames = canceller.delay_ms * RATE_HZ // 1_000
        self._waiting = bytes(self._delay_frames * SAMPLE_BYTES)
        self._still_frames = _ECHO_FRAMES
        self.played = self._reference.played

    def clean(self, block: Block) -> Block:
        """The block, a multiple of 10 ms, cleaned.

        Its times are those of the sound in it: what comes out was captured earlier.
        """
        size = len(block.pcm)
        frames = size // SAMPLE_BYTES
        reference = self._reference.during(block.captured_ns - frames * _NS_PER_FRAME, frames)
        rested = self._rests
        self._still_frames = 0 if reference.strip(b"\0") else self._still_frames + frames
        sound = self._waiting + block.pcm
        late, self._waiting = sound[:size], sound[size:]
        if not self._rests:
            cleaned = b"".join(
                self.canceller.clean(block.pcm[at : at + _10_MS], reference[at : at + _10_MS])
                for at in range(0, size, _10_MS)
            )
            late = late if rested else cleaned  # what it gives first after a rest is from before that
        return Block(late, block.frame - self._delay_frames, block.captured_ns - self._delay_frames * _NS_PER_FRAME)

    @property
    def _rests(self) -> bool:
        return self._may_rest and self._still_frames >= _ECHO_FRAMES


def choose(wanted: str, noise: bool = False, gain: bool = False) -> Echo | None:
    """By the maker of this name, or with "auto" the first there is, or with "off" also the first, if there is another
    task than echo; None where it is missing, or where there is nothing to do."""
    canceller, missing = find(wanted, noise, gain)
    tasks = Tasks(wanted != OFF, noise, gain)
    if canceller is not None:
        logger.info("%s: by %s", tasks, canceller.name)
        return Echo(canceller, tasks)
    if missing:
        instead = "half-duplex instead" if tasks.echo else "nothing is done about it"
        logger.warning("%s: %s, as %s", tasks, instead, "; ".join(missing))
    return None


def done_by(box: Echo | None) -> dict[str, str]:
    """The maker that does each task in this box, or "off"."""
    tasks, name = (box.tasks, box.canceller.name) if box is not None else (Tasks(False, False, False), OFF)
    return {task: name if wanted else OFF for task, wanted in tasks._asdict().items()}


def find(wanted: str, noise: bool = False, gain: bool = False) -> tuple[Canceller | None, Sequence[str]]:
    """The maker, and what those lack that would have been better, one line each."""
    tasks = Tasks(wanted != OFF, noise, gain)
    names: Sequence[str] = MAKERS if wanted in (OFF, AUTO) else (wanted,)
    missing: list[str] = []
    for name in names if any(tasks) else ():
        try:
            return _make(name, tasks), missing
        except ImportError as error:
            missing.append(str(error))
    return None, missing


def _make(name: str, tasks: Tasks) -> Canceller:
    """Imported here, as it takes long and few want it. Raises ImportError, which says what to install."""
    if name == "webrtc":
        from device.audio.webrtc import WebRtcCanceller

        return WebRtcCanceller(*tasks)
    from device.audio.speex import SpeexCanceller

    return SpeexCanceller(*tasks)
