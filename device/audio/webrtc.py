"""Echo cancellation by WebRTC (AEC3), through the package livekit: the only file that touches it.

It finds the delay of the echo by itself, up to half a second, and follows it. What the package has beyond that, rooms
and servers, is not used; it costs some 40 MB of memory all the same.
"""

try:
    from livekit.rtc import AudioFrame, AudioProcessingModule
except ImportError as error:
    raise ImportError("livekit is missing; install it: pip install livekit") from error

RATE_HZ = 48_000
FRAMES = 480  # it works on 10 ms


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
        """Without the echo of the reference; both s16le mono, as long as each other, a multiple of 10 ms."""
        cleaned = []
        for at in range(0, len(captured), FRAMES * 2):
            self._module.process_reverse_stream(_frame(reference[at : at + FRAMES * 2]))
            frame = _frame(captured[at : at + FRAMES * 2])
            self._module.process_stream(frame)
            cleaned.append(bytes(frame.data))
        return b"".join(cleaned)


def _frame(pcm: bytes) -> AudioFrame:
    return AudioFrame(bytearray(pcm), RATE_HZ, 1, FRAMES)
