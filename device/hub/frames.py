"""WebSocket messages as a server sends them (RFC 6455 section 5.2): unmasked, so one serves every listener. PURE."""

import struct

_FIN_TEXT, _FIN_BINARY = 0x81, 0x82
_SHORT, _LONG, _HUGE = struct.Struct("!BB"), struct.Struct("!BBH"), struct.Struct("!BBQ")


def text_frame(text: str) -> bytes:
    """A text message in one frame."""
    return _frame(_FIN_TEXT, text.encode())


def media_frame(packet: bytes) -> bytes:
    """A binary message in one frame."""
    return _frame(_FIN_BINARY, packet)


def talker_of(frame: bytes) -> bytes:
    """Whose packet is in a media frame: its SSRC (RFC 3550 section 5.1), as bytes."""
    header = 2 if frame[1:2] < b"\x7e" else 4
    return frame[header + 8 : header + 12]


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return _SHORT.pack(first, size) + payload
    if size < 0x10000:
        return _LONG.pack(first, 126, size) + payload
    return _HUGE.pack(first, 127, size) + payload
