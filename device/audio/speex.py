"""Echo, noise and gain by libspeexdsp, which every Debian has: the only file that touches it.

It finds the way of the echo, from speaker to microphone, as a filter of 200 ms by itself, within seconds of speech, and
takes what is left of the echo for noise. It needs a reference that keeps step (reference.py), as it does not look for a
delay.
"""

import ctypes
from typing import Any

from device.audio.capture_clock import RATE_HZ
from device.audio.pcm import SAMPLE_BYTES

LIBRARY = "libspeexdsp.so.1"
_FRAMES = RATE_HZ // 100
_TAIL_FRAMES = RATE_HZ // 5
# By how much noise is made quieter. Not 0 where only echo is to go: without suppression of noise it suppresses no echo
# either.
_NOISE_DB, _HARDLY_DB = -15, -1
# Speech of any loudness becomes -26 dBFS with this, the usual level in telephony tests (measured, test_speex.py).
_GAIN_TARGET, _GAIN_MAX_DB = 13_500, 30
# speex_echo.h and speex_preprocess.h
_ECHO_SET_SAMPLING_RATE = 24
_PREPROCESS_SET_NOISE_SUPPRESS, _PREPROCESS_SET_ECHO_STATE = 18, 24
_PREPROCESS_SET_AGC, _PREPROCESS_SET_AGC_MAX_GAIN, _PREPROCESS_SET_AGC_TARGET = 2, 30, 46


class SpeexCanceller:
    """One microphone's. Raises ImportError where the library is missing.

    delay_ms: how much later sound comes out than it went in.
    """

    name = "speex"
    delay_ms = 10

    def __init__(self, echo: bool = True, noise: bool = False, gain: bool = False) -> None:
        self._library = _load()
        self._takes_echo = echo
        self._echo = self._library.speex_echo_state_init(_FRAMES, _TAIL_FRAMES)
        self._rest = self._library.speex_preprocess_state_init(_FRAMES, RATE_HZ)
        self._library.speex_echo_ctl(self._echo, _ECHO_SET_SAMPLING_RATE, ctypes.byref(ctypes.c_int(RATE_HZ)))
        self._set(_PREPROCESS_SET_NOISE_SUPPRESS, _NOISE_DB if noise else _HARDLY_DB)
        if echo:
            self._library.speex_preprocess_ctl(self._rest, _PREPROCESS_SET_ECHO_STATE, self._echo)
        if gain:
            self._set(_PREPROCESS_SET_AGC, 1)
            self._set(_PREPROCESS_SET_AGC_TARGET, _GAIN_TARGET)
            self._set(_PREPROCESS_SET_AGC_MAX_GAIN, _GAIN_MAX_DB)
        self._clean = ctypes.create_string_buffer(_FRAMES * SAMPLE_BYTES)

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """10 ms, cleaned; both s16le mono."""
        if self._takes_echo:
            self._library.speex_echo_cancellation(self._echo, captured, reference, self._clean)
        else:
            self._clean.raw = captured
        self._library.speex_preprocess_run(self._rest, self._clean)
        return self._clean.raw

    def _set(self, what: int, value: int) -> None:
        self._library.speex_preprocess_ctl(self._rest, what, ctypes.byref(ctypes.c_int(value)))

    def __del__(self) -> None:
        if hasattr(self, "_rest"):
            self._library.speex_preprocess_state_destroy(self._rest)
            self._library.speex_echo_state_destroy(self._echo)


def _load() -> Any:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise ImportError("libspeexdsp is missing; install it: apt install libspeexdsp1") from error
    for function, result, arguments in (
        ("speex_echo_state_init", ctypes.c_void_p, (ctypes.c_int, ctypes.c_int)),
        ("speex_echo_ctl", ctypes.c_int, (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)),
        ("speex_echo_cancellation", None, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)),
        ("speex_echo_state_destroy", None, (ctypes.c_void_p,)),
        ("speex_preprocess_state_init", ctypes.c_void_p, (ctypes.c_int, ctypes.c_int)),
        ("speex_preprocess_ctl", ctypes.c_int, (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)),
        ("speex_preprocess_run", ctypes.c_int, (ctypes.c_void_p, ctypes.c_void_p)),
        ("speex_preprocess_state_destroy", None, (ctypes.c_void_p,)),
    ):
        getattr(library, function).restype = result  # kept with the library: library[function] would be a new one
        getattr(library, function).argtypes = arguments
    return library
