"""Echo cancellation by WebRTC (AEC3), through the package livekit: the only file that touches it.

It finds the delay of the echo by itself, up to half a second, and follows it. What the package has beyond that, rooms
and servers, is not used; it costs memory and threads of its own all the same.
"""

from device.audio.capture_clock import RATE_HZ
from device.audio.pcm import SAMPLE_BYTES

try:
    from livekit.rtc import AudioFrame, AudioProcessingModule
except ImportError as error:
    raise ImportError("livekit is missing; install it: pip install livekit") from error


class WebRtcCanceller:
    """One microphone's. Where the package is missing, importing this file raises ImportError.

    delay_ms: how much later sound comes out than it went in.
    """

    name = "webrtc"
    delay_ms = 9

    def __init__(self) -> None:
        self._module = AudioProcessingModule(
            echo_cancellation=True, noise_suppression=False, high_pass_filter=True, auto_gain_control=False
        )

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """10 ms without the echo of the reference; both s16le mono."""
        self._module.process_reverse_stream(_frame(reference))
        frame = _frame(captured)
        self._module.process_stream(frame)
        return bytes(frame.data)


def _frame(pcm: bytes) -> AudioFrame:
    return AudioFrame(bytearray(pcm), RATE_HZ, 1, len(pcm) // SAMPLE_BYTES)
