"""The bytes of a client of a hub, with the standard library alone: a handshake, a frame."""

UPGRADE = (
    b"GET /v1 HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: intercom.v1\r\n\r\n"
)


def masked(first: int, payload: bytes) -> bytes:
    """A client's frame of up to 65,535 bytes; a mask of zeros is a mask."""
    size = len(payload)
    head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0xFE)) + size.to_bytes(2, "big")
    return head + bytes(4) + payload
