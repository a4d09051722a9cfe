"""Opus (RFC 6716) through opuslib 3.0.1: the only file that touches it.

opuslib finds libopus, and makes, sets and frees the coders. The two calls of every frame go to the C functions
directly, into buffers made once: opuslib's own decode turns each sample into a Python number (12 to 22 us more a
frame), its encode reads beyond a short block without a word, and its encode error cannot be printed. The C calls
release the GIL.
"""

import ctypes
import warnings
from typing import Any

from device.audio.jitter import CONCEAL_STEP
from device.audio.payload import packet_samples

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # opuslib compares with `is 0`: a SyntaxWarning when it is first compiled
    try:
        import opuslib
        import opuslib.api.ctl
        import opuslib.api.encoder
        import opuslib.api.info
    except ImportError:
        raise
    except Exception as error:  # bare, where libopus is missing
        raise ImportError("libopus is missing; install it: apt install libopus0") from error

RATE_HZ = 48_000
SAMPLE_BYTES = 2
# The longest packet of Opus (RFC 6716 section 3.2.5, rule R5).
MAX_SAMPLES = 5_760
# The longest single frame of Opus (section 3.2.1), and it still fits one packet on the wire.
MAX_PAYLOAD_BYTES = 1_275

_LONGER_SAMPLES = (960, 1_920, 2_880)
_INVALID_PACKET = -4
# SILK makes up no less than 10 ms at once: of a shorter piece it would forget the rest, which is a click at its end.
_MADE_UP_SAMPLES = 480
_BANDWIDTHS = {"wide": 1_103, "superwide": 1_104, "full": 1_105}  # OPUS_BANDWIDTH_* of opus_defines.h
_APPLICATIONS = {"voip": "voip", "audio": "audio", "lowdelay": "restricted_lowdelay"}


def _function(name: str, *argtypes: Any) -> Any:
    """A C function of libopus with argument types of our own: opuslib's cast each block to a pointer first."""
    function = opuslib.api.libopus[name]
    function.argtypes, function.restype = argtypes, ctypes.c_int
    return function


_encode = _function("opus_encode", ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int32)
_decode = _function(
    "opus_decode", ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_int, ctypes.c_int
)


def version() -> str:
    """Of libopus, as it calls itself."""
    return str(opuslib.api.info.get_version_string().decode())


class OpusError(ValueError):
    """libopus refused; from `Decoder.decode` it means: conceal this packet."""

    def __init__(self, doing: str, code: int) -> None:
        super().__init__(f"cannot {doing}: {opuslib.api.info.strerror(code).decode()} ({code})")


class Encoder:
    """One microphone's encoder: mono, 48 kHz, variable bitrate, packets of one or several frames.

    bitrate: bit/s, 6,000 to 510,000. complexity: 0 to 10. application: "voip", "audio" or "lowdelay".
    bandwidth: up to which frequency is encoded: "wide" 8 kHz, "superwide" 12 kHz, "full" 20 kHz. What speech has above
    8 kHz costs more bits and CPU than it is worth: `scripts/bench codec` says how much.
    Raises ValueError for anything else. lengths: of what `encode` takes, bytes: samples.
    """

    def __init__(
        self, frame_ms: int, bitrate: int, complexity: int, application: str = "voip", bandwidth: str = "wide"
    ) -> None:
        if frame_ms not in (10, 20):
            raise ValueError(f"an Opus frame is 10 or 20 ms here, not {frame_ms}")
        if application not in _APPLICATIONS:
            raise ValueError(f"application is one of {', '.join(_APPLICATIONS)}, not {application}")
        if bandwidth not in _BANDWIDTHS:
            raise ValueError(f"bandwidth is one of {', '.join(_BANDWIDTHS)}, not {bandwidth}")
        if not 6_000 <= bitrate <= 510_000:
            raise ValueError(f"bitrate is 6000 to 510000 bit/s, not {bitrate}")
        if not 0 <= complexity <= 10:
            raise ValueError(f"complexity is 0 to 10, not {complexity}")
        self.frame_samples = frame_ms * RATE_HZ // 1000
        self.lengths = {samples * SAMPLE_BYTES: samples for samples in (self.frame_samples, *_LONGER_SAMPLES)}
        self._coder = opuslib.Encoder(RATE_HZ, 1, _APPLICATIONS[application])
        self._coder.bitrate, self._coder.complexity = bitrate, complexity
        self._coder.vbr, self._coder.max_bandwidth = 1, _BANDWIDTHS[bandwidth]
        self._state = ctypes.cast(self._coder.encoder_state, ctypes.c_void_p).value
        payload = (ctypes.c_ubyte * MAX_PAYLOAD_BYTES)()
        self._payload_at = ctypes.addressof(payload)
        self._payload = memoryview(payload)

    @property
    def lookahead(self) -> int:
        """By how many samples the decoded sound lags behind the encoded one (312 or 120), beside the frame itself."""
        lookahead: int = self._coder.lookahead
        return lookahead

    def set_bitrate(self, bitrate: int) -> None:
        """From the next packet on; bit/s, as at first."""
        self._coder.bitrate = bitrate

    def expect_loss(self, percent: int) -> None:
        """How many packets do not arrive, 0 to 100: beyond 0 each has the one before it once more, in few bits.

        From the next packet on. These bits are taken from those of the speech.
        """
        self._set(opuslib.api.ctl.set_inband_fec, int(percent > 0))
        self._set(opuslib.api.ctl.set_packet_loss_perc, percent)

    def forget(self) -> None:
        """The next packet has nothing of what was encoded before: of the last 6.5 ms, which are in no packet yet."""
        opuslib.api.encoder.encoder_ctl(self._coder.encoder_state, opuslib.api.ctl.reset_state)

    def _set(self, request: Any, value: int) -> None:
        """By `encoder_ctl`: opuslib's own property for FEC takes no value."""
        opuslib.api.encoder.encoder_ctl(self._coder.encoder_state, request, value)

    def encode(self, pcm: bytes) -> bytes:
        """One frame, or 20, 40 or 60 ms at once (pcm: s16le mono) -> one Opus packet of 1 to 1,275 bytes.

        Raises ValueError for a block of any other length.
        """
        samples = self.lengths.get(len(pcm))
        if samples is None:
            raise ValueError(f"a packet is one of {sorted(self.lengths)} bytes, not {len(pcm)}")
        size: int = _encode(self._state, pcm, samples, self._payload_at, MAX_PAYLOAD_BYTES)
        if size < 0:
            raise OpusError("encode a frame", size)
        return self._payload[:size].tobytes()


class Decoder:
    """One talker's decoder: any Opus packet -> pcm, s16le mono at 48 kHz."""

    def __init__(self) -> None:
        self._coder = opuslib.Decoder(RATE_HZ, 1)
        self._state = ctypes.cast(self._coder.decoder_state, ctypes.c_void_p).value
        pcm = (ctypes.c_int16 * MAX_SAMPLES)()
        self._pcm_at = ctypes.addressof(pcm)
        self._pcm = memoryview(pcm)
        self._made_up = b""

    def decode(self, payload: bytes) -> bytes:
        """One Opus packet -> the pcm of its whole length. Raises OpusError where it is none, and goes on after it."""
        if not payload:  # libopus would conceal 120 ms
            raise OpusError("decode a packet", _INVALID_PACKET)
        self._made_up = b""
        return self._run(payload, len(payload), MAX_SAMPLES)

    def recover(self, payload: bytes, samples: int) -> bytes:
        """The samples right before this packet, by what it has of them (`Encoder.expect_loss`); else as `conceal`.

        samples: a multiple of 120. Of less than its own length a packet has nothing. Decode the packet itself next.
        Raises ValueError.
        """
        if samples % CONCEAL_STEP or not 0 < samples <= MAX_SAMPLES:
            raise ValueError(f"libopus recovers 120 to 5760 samples in steps of 120, not {samples}")
        if samples < packet_samples(payload):  # libopus would make it up anew, with a click where that begins
            return self.conceal(samples)
        self._made_up = b""
        return self._run(payload, len(payload), samples, fec=1)

    def conceal(self, samples: int) -> bytes:
        """What the talker would probably have said in the next samples (a multiple of 120, up to 5,760), fading out.

        Asked again, it goes on without a seam. Raises ValueError for any other number.
        """
        if samples % CONCEAL_STEP or not 0 < samples <= MAX_SAMPLES:
            raise ValueError(f"libopus conceals 120 to 5760 samples in steps of 120, not {samples}")
        size = samples * SAMPLE_BYTES
        while len(self._made_up) < size:
            self._made_up += self._run(None, 0, _MADE_UP_SAMPLES)
        sound, self._made_up = self._made_up[:size], self._made_up[size:]
        return sound

    def _run(self, payload: bytes | None, size: int, most: int, fec: int = 0) -> bytes:
        samples: int = _decode(self._state, payload, size, self._pcm_at, most, fec)
        if samples < 0:
            raise OpusError("decode a packet", samples)
        return self._pcm[:samples].tobytes()
