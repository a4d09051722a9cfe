"""A maker that the device does not know: WebRTC's AEC3 alone, by the package aec-audio-processing. Measured beside its
makers where it is installed (pip install aec-audio-processing: it builds WebRTC with g++ and meson)."""

import importlib
from typing import Any

from device.audio.capture_clock import RATE_HZ


class ApmCanceller:
    """One microphone's. Raises ImportError where the package is missing.

    delay_ms: how much later sound comes out than it went in.
    """

    name = "aec-audio-processing"
    delay_ms = 9

    def __init__(self, noise: bool = False) -> None:
        try:
            made: Any = importlib.import_module("aec_audio_processing").AudioProcessor
        except ImportError as error:
            raise ImportError(f"{self.name} is not installed") from error
        self._module = made(enable_aec=True, enable_ns=noise, enable_agc=False, enable_vad=False)
        self._module.set_stream_format(RATE_HZ, 1, RATE_HZ, 1)
        self._module.set_reverse_stream_format(RATE_HZ, 1)

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """10 ms, cleaned; both s16le mono."""
        self._module.process_reverse_stream(reference)
        cleaned: bytes = self._module.process_stream(captured)
        return cleaned
