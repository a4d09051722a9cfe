"""What a WebSocket client reads from the frames that the hub builds by hand."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from device.channel import rtp
from device.hub.frames import media_frame, talker_of, text_frame


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


@pytest.mark.parametrize("size", [1, 60, 113, 114, 1_200])
def test_a_frame_tells_whose_packet_is_in_it(size: int) -> None:
    assert talker_of(media_frame(rtp.Packet(0x01020304, 5, 6, bytes(size), level_dbov=-20).pack())) == b"\1\2\3\4"
