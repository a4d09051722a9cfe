"""ALSA: the only file that touches it. Opens a card, says how it is, closes it; what moves the sound is card.py.

A card that grants another rate, format or channel count than asked for is refused, because pyalsaaudio opens such a
one without an error. Cards are opened non-blocking.
"""

import ctypes
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENODEV, ESTRPIPE

import alsaaudio

from device.audio import holder
from device.audio.capture_clock import RATE_HZ
from device.audio.faults import CardBusy, CardError, CardGone, fault, unsupported

logger = logging.getLogger(__name__)

PCM = alsaaudio.PCM
CAPTURE, PLAYBACK = alsaaudio.PCM_CAPTURE, alsaaudio.PCM_PLAYBACK
libasound_version = alsaaudio.asoundlib_version
_DEAD_STATES = {alsaaudio.PCM_STATE_DISCONNECTED: ENODEV, alsaaudio.PCM_STATE_SUSPENDED: ESTRPIPE}
_LEAST_BUFFER = RATE_HZ // 25  # 40 ms: two ticks of 20
_LOOKS = 3
_libasound = ctypes.CDLL("libasound.so.2")


def cards() -> list[str]:
    """The names of the machine's sound cards, as in plughw:CARD=NAME, in the order of their numbers; empty where there
    is none. Raises CardError, as where this user may not look at them.

    Only the names last. The order is that of numbers, which are given anew at each start and each time a card is
    plugged in, and have gaps: a place in this list is not even one of them.
    """
    for _ in range(_LOOKS):
        try:
            with errors("the list of sound cards"):
                return list(alsaaudio.cards())
        except CardGone:  # one was pulled out while it was asked for its name
            continue
    return []


def forget() -> None:
    """Let libasound read its configuration anew when the next card is opened.

    It keeps what it has read, and with that the cards that there were: `default`, `sysdefault` and other names that are
    defined by the kind of a card would never mean one that was plugged in since. Other threads may go on meanwhile.
    """
    for step in (_libasound.snd_config_update_free_global, _libasound.snd_config_update):  # ctypes lets the GIL go
        step()


def probe(device: str, direction: int) -> None:
    """Try to open it and close it again. Raises CardError where it cannot be opened.

    For those who try again and again: pyalsaaudio 0.11 leaves 80 bytes behind each time it cannot open a card, which is
    35 MB a day, and keeps the GIL meanwhile.
    """
    pcm = ctypes.c_void_p()
    code = _libasound.snd_pcm_open(ctypes.byref(pcm), device.encode(), direction, alsaaudio.PCM_NONBLOCK)
    if code < 0:
        raise _told(device, os.strerror(-code), direction)
    _libasound.snd_pcm_close(pcm)


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


def check(pcm: PCM, device: str) -> None:
    """Raises CardError where it is unplugged or suspended; `avail` may go on answering all the same."""
    number = _DEAD_STATES.get(pcm.state())
    if number is not None:
        raise fault(device, os.strerror(number))


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
def errors(device: str, direction: int = PLAYBACK) -> Iterator[None]:
    """Give libasound's texts their kind and their remedy. Raises CardError."""
    try:
        yield
    except alsaaudio.ALSAAudioError as error:
        raise _told(device, str(error), direction) from error


def _told(device: str, text: str, direction: int) -> CardError:
    told = fault(device, text)
    if not isinstance(told, CardBusy):
        return told
    return fault(device, text, holder.find(device, capture=direction == CAPTURE))


def _asked(device: str, direction: int, **wanted: int) -> tuple[PCM, tuple[int, int, str], int]:
    """An open card, what it grants (rate, channels, format), and its buffer in frames. Raises CardError."""
    with errors(device, direction):
        pcm = alsaaudio.PCM(
            type=direction, mode=alsaaudio.PCM_NONBLOCK, device=device,
            rate=RATE_HZ, channels=1, format=alsaaudio.PCM_FORMAT_S16_LE, **wanted,
        )  # fmt: skip
        got = pcm.info()
    return pcm, (got["rate"], got["channels"], got["format_name"]), got["buffer_size"]


# libasound writes each failed open to stderr, again and again while a card is missing; ours is said once, and plainly.
# It calls its error handler while it holds its own lock, so that must be a C function that wants nothing, least of all
# the GIL: another thread may hold that and wait for the lock. getppid is one.
_libasound.snd_lib_error_set_handler(ctypes.cast(ctypes.CDLL(None).getppid, ctypes.c_void_p))
