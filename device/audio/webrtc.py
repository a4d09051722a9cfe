"""Echo (AEC3), noise and gain by WebRTC, through the package livekit: the only file that touches it.

It finds the delay of the echo by itself, up to half a second, and follows it. What the package has beyond that, rooms
and servers, is not used; it costs memory and threads of its own all the same.
"""

import sys

from device.audio.capture_clock import RATE_HZ
from device.audio.pcm import SAMPLE_BYTES

try:
    from livekit.rtc import AudioFrame, AudioProcessingModule
except ImportError as error:
    raise ImportError(f"livekit is missing; install it: {sys.prefix}/bin/pip install livekit") from error


class WebRtcCanceller:
    """One microphone's. Where the package is missing, importing this file raises ImportError.

    delay_ms: how much later sound comes out than it went in.
    """

    name = "webrtc"
    delay_ms = 9

    def __init__(self, echo: bool = True, noise: bool = False, gain: bool = False) -> None:
        self._echo = echo
        self._module = AudioProcessingModule(
            echo_cancellation=echo, noise_suppression=noise, high_pass_filter=True, auto_gain_control=gain
        )

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """10 ms, cleaned; both s16le mono."""
        if self._echo:
            self._module.process_reverse_stream(_frame(reference))
        frame = _frame(captured)
        self._module.process_stream(frame)
        return bytes(frame.data)


def _frame(pcm: bytes) -> AudioFrame:
    return AudioFrame(bytearray(pcm), RATE_HZ, 1, len(pcm) // SAMPLE_BYTES)
