"""What a WebSocket client reads from the frames that the hub builds by hand."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from device.hub.frames import media_frame, text_frame


def read(data: bytes) -> Frame:
    client = ClientProtocol(parse_uri("ws://hub/"), state=State.OPEN, max_size=None)
    client.receive_data(data)
    (event,) = client.events_received()
    assert isinstance(event, Frame)
    return event


@pytest.mark.parametrize("size", [0, 1, 125, 126, 1_300, 65_535, 65_536, 100_000])
def test_a_client_reads_the_same_packet(size: int) -> None:
    frame = read(media_frame(b"p" * size))
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.BINARY, True, b"p" * size)


def test_a_client_reads_the_same_text() -> None:
    frame = read(text_frame('{"label":"Küche"}'))
    assert (frame.opcode, frame.fin, bytes(frame.data).decode()) == (Opcode.TEXT, True, '{"label":"Küche"}')
