import ctypes
from collections.abc import Callable
from typing import Any

class Decoder(ctypes.Structure): ...

DecoderPointer: type[ctypes._Pointer[Decoder]]

def get_size(channels: int) -> int: ...
def create_state(fs: int, channels: int) -> ctypes.Structure: ...
def decoder_ctl(decoder_state: ctypes.Structure, request: Callable[..., Any], value: int | None = ...) -> Any: ...
def decode(
    decoder_state: ctypes.Structure,
    opus_data: bytes | None,
    length: int,
    frame_size: int,
    decode_fec: bool,
    channels: int = ...,
) -> bytes: ...
def decode_float(
    decoder_state: ctypes.Structure,
    opus_data: bytes | None,
    length: int,
    frame_size: int,
    decode_fec: bool,
    channels: int = ...,
) -> bytes: ...
def get_nb_samples(decoder_state: ctypes.Structure, packet: bytes, length: int) -> int: ...
def packet_get_bandwidth(data: bytes) -> int: ...
def packet_get_nb_channels(data: bytes) -> int: ...
def packet_get_nb_frames(data: bytes, length: int | None = ...) -> int: ...

# packet_get_samples_per_frame is left out: it calls another function and answers with the number of channels.

libopus_ctl: Any
libopus_decode: Any
libopus_decode_float: Any
libopus_get_nb_samples: Any
libopus_packet_get_nb_frames: Any
destroy: Any
