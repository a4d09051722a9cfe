"""ALSA: the only file that touches it. Opens a card, says how it is, closes it; what moves the sound is card.py.

A card that grants another rate, format or channel count than asked for is refused, because pyalsaaudio opens such a
one without an error. Cards are opened non-blocking.
"""

import ctypes
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import alsaaudio

from device.audio.capture_clock import RATE_HZ
from device.audio.faults import fault, unsupported

logger = logging.getLogger(__name__)

PCM = alsaaudio.PCM
CAPTURE, PLAYBACK = alsaaudio.PCM_CAPTURE, alsaaudio.PCM_PLAYBACK
libasound_version = alsaaudio.asoundlib_version
_DEAD_STATES = (alsaaudio.PCM_STATE_DISCONNECTED, alsaaudio.PCM_STATE_SUSPENDED)
_LEAST_BUFFER = RATE_HZ // 25  # 40 ms: two ticks of 20


def cards() -> list[str]:
    """The names of the machine's sound cards, as in plughw:CARD=NAME; empty where there is none."""
    return list(alsaaudio.cards())


def open_card(device: str, direction: int, period_frames: int, periods: int) -> PCM:
    """One way of a card, at 48 kHz mono S16_LE. Raises CardError."""
    pcm, got, buffer_frames = _asked(device, direction, periodsize=period_frames, periods=periods)
    if got != (RATE_HZ, 1, "S16_LE") or buffer_frames < _LEAST_BUFFER:
        close(pcm)
        raise unsupported(device, *got, buffer_frames)
    return pcm


def granted(device: str, capture: bool) -> tuple[int, int, str]:
    """What it grants whoever asks for 48 kHz mono S16_LE: rate in Hz, channels, format. Raises CardError."""
    pcm, got, _ = _asked(device, CAPTURE if capture else PLAYBACK)
    close(pcm)
    return got


def is_dead(pcm: PCM) -> bool:
    """Whether it is unplugged or suspended; `avail` may go on answering all the same."""
    return pcm.state() in _DEAD_STATES


def has_xrun(pcm: PCM) -> bool:
    """Whether the next read or write is needed to prepare it again, and moves nothing."""
    return bool(pcm.state() == alsaaudio.PCM_STATE_XRUN)


def close(pcm: PCM) -> None:
    """Close without playing out: close() alone drains, up to seconds. Errors no longer matter."""
    for step in (pcm.drop, pcm.close):
        try:
            step()
        except alsaaudio.ALSAAudioError as error:
            logger.debug("closing: %s", error)


@contextmanager
def errors(device: str) -> Iterator[None]:
    """Give libasound's texts their kind and their remedy. Raises CardError."""
    try:
        yield
    except alsaaudio.ALSAAudioError as error:
        raise fault(device, str(error)) from error


def _asked(device: str, direction: int, **wanted: int) -> tuple[PCM, tuple[int, int, str], int]:
    """An open card, what it grants (rate, channels, format), and its buffer in frames. Raises CardError."""
    with errors(device):
        pcm = alsaaudio.PCM(
            type=direction, mode=alsaaudio.PCM_NONBLOCK, device=device,
            rate=RATE_HZ, channels=1, format=alsaaudio.PCM_FORMAT_S16_LE, **wanted,
        )  # fmt: skip
        got = pcm.info()
    return pcm, (got["rate"], got["channels"], got["format_name"]), got["buffer_size"]


# libasound writes each failed open to stderr, every 2 s while a card is missing; ours is said once, and plainly. It
# calls its error handler while it holds its own lock, so that must be a C function that wants nothing, least of all the
# GIL: another thread may hold that and wait for the lock. getppid is one.
ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(ctypes.cast(ctypes.CDLL(None).getppid, ctypes.c_void_p))
