"""Media packets: what is packed is unpacked, foreign packets are read as the RFCs say, and the rest is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel import rtp
from device.channel.rtp import Packet

packets = st.builds(
    Packet,
    ssrc=st.integers(0, 2**32 - 1),
    sequence=st.integers(0, 2**16 - 1),
    timestamp=st.integers(0, 2**32 - 1),
    payload=st.binary(min_size=1, max_size=rtp.MAX_PACKET_BYTES - 20),
    marker=st.booleans(),
    level_dbov=st.none() | st.integers(-127, 0),
    payload_type=st.integers(0, 127),
    again=st.just(False),
)


def header(first: int = 0x80, second: int = rtp.PAYLOAD_TYPE) -> bytes:
    return struct.pack("!BBHII", first, second, 1, 2, 3)


@given(packets)
def test_what_is_packed_is_unpacked(packet: Packet) -> None:
    data = packet.pack()
    assert rtp.unpack(data) == packet
    assert rtp.ssrc_of(data) == packet.ssrc


@given(packets, st.integers(0, 15), st.integers(1, 40))
def test_contributors_and_padding_are_skipped(packet: Packet, csrcs: int, padding: int) -> None:
    """RFC 3550 section 5.1: CC, CSRC list, P."""
    data = packet.pack()
    longer = bytes([data[0] | csrcs | 0x20]) + data[1:12] + bytes(4 * csrcs) + data[12:] + bytes(padding - 1)
    longer += bytes([padding])
    if len(longer) <= rtp.MAX_PACKET_BYTES:
        assert rtp.unpack(longer) == packet


@given(packets, st.data())
def test_a_packet_cut_off_is_refused_or_shorter(packet: Packet, data: st.DataObject) -> None:
    whole = packet.pack()
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        assert len(rtp.unpack(part).payload) < len(packet.payload)
    except ValueError:
        assert len(part) <= len(whole) - len(packet.payload)


@given(st.binary(max_size=rtp.MAX_PACKET_BYTES + 10))
def test_anything_else_is_a_packet_or_refused(data: bytes) -> None:
    try:
        packet = rtp.unpack(data)
    except ValueError:
        return
    assert packet.payload in data


def test_a_level_louder_or_softer_than_there_is_is_brought_into_range() -> None:
    assert rtp.unpack(Packet(1, 2, 3, b"x", level_dbov=5).pack()).level_dbov == 0
    assert rtp.unpack(Packet(1, 2, 3, b"x", level_dbov=-200).pack()).level_dbov == rtp.SILENT_DBOV


def test_the_level_is_found_among_other_elements() -> None:
    """RFC 8285 section 4.2: elements in any order, padding between them; RFC 6464: the lower seven bits."""
    elements = bytes([0x21, 0xAA, 0xBB, 0x00, 0x10, 0x80 | 30, 0x00, 0x00])
    data = header(0x90) + struct.pack("!HH", 0xBEDE, 2) + elements + b"opus"
    assert rtp.unpack(data) == Packet(3, 1, 2, b"opus", level_dbov=-30)


def test_the_voice_activity_bit_is_no_part_of_the_level() -> None:
    data = bytearray(Packet(3, 1, 2, b"opus", level_dbov=-30).pack())
    data[17] |= 0x80
    assert rtp.unpack(bytes(data)) == Packet(3, 1, 2, b"opus", level_dbov=-30)


@pytest.mark.parametrize(
    "extension",
    [
        struct.pack("!HH", 0xBEDE, 1) + bytes([0x20, 0x01, 0, 0]),  # another element only
        struct.pack("!HH", 0xBEDE, 1) + bytes([0xF0, 0x01, 0x10, 30]),  # 15 ends the list
        struct.pack("!HH", 0xBEDE, 1) + bytes([0x2F, 0x01, 0x10, 30]),  # longer than the extension
        struct.pack("!HH", 0xBEDE, 0),  # nothing in it
        struct.pack("!HH", 0x1000, 1) + bytes([0x10, 30, 0, 0]),  # another profile
    ],
)
def test_a_packet_without_a_level_has_none(extension: bytes) -> None:
    assert rtp.unpack(header(0x90) + extension + b"opus") == Packet(3, 1, 2, b"opus")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "bytes"),
        (header(), "bytes"),
        (header() + bytes(rtp.MAX_PACKET_BYTES), "bytes"),
        (header(0x40) + b"opus", "version"),
        (header(0x90) + b"\xbe\xde\x00", "cut off"),
        (header(0x90) + struct.pack("!HH", 0xBEDE, 9) + b"opus", "without payload"),
        (header(0x8F) + b"opus", "without payload"),
        (header(0xA0) + b"\x00", "without payload"),
        (header(0xA0) + b"opus\x00", "without payload"),
        (header(0xA0) + b"opus\x05", "without payload"),
        (header(0xA0) + b"opus\xff", "without payload"),
    ],
)
def test_what_is_no_packet_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        rtp.unpack(data)
