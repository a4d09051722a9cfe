"""What device/audio/opus.py uses of opuslib 3.0.1, which carries no types."""

from typing import Any

from opuslib import api as api

class Encoder:
    encoder_state: Any
    bitrate: int
    complexity: int
    lookahead: int
    vbr: int
    def __init__(self, fs: int, channels: int, application: str) -> None: ...

class Decoder:
    decoder_state: Any
    def __init__(self, fs: int, channels: int) -> None: ...
    def reset_state(self) -> None: ...
