"""Several packets of speech in one: what is put in comes out, in order, and nonsense does not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel import redundancy, rtp
from device.channel.redundancy import MAX_BLOCK_BYTES, MAX_OFFSET, Earlier, joined, split
from device.channel.rtp import Packet


def together(payload: bytes, *earlier: Earlier, timestamp: int = 10_000, sequence: int = 5) -> Packet:
    """As it comes from the wire."""
    packet = Packet(7, sequence, timestamp, joined(payload, timestamp, earlier), True, -20, rtp.REDUNDANT_TYPE)
    return rtp.unpack(packet.pack())


def test_the_newest_keeps_what_it_has_and_the_others_are_numbered_before_it() -> None:
    found = split(together(b"new", Earlier(8_080, b"old"), Earlier(9_040, b"middle")))
    assert found == [
        Packet(7, 3, 8_080, b"old", again=True),
        Packet(7, 4, 9_040, b"middle", again=True),
        Packet(7, 5, 10_000, b"new", True, -20),
    ]


def test_the_wire_is_that_of_rfc_2198() -> None:
    """F=1 and the type of Opus, 960 = 0b1111000000 in fourteen bits, 3 in ten; F=0 and the type."""
    assert joined(b"new", 960, [Earlier(0, b"old")]).hex(" ") == "ef 0f 00 03 6f " + b"oldnew".hex(" ")


@given(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), st.integers(1, MAX_OFFSET), st.binary(min_size=1))
def test_numbers_run_around(sequence: int, timestamp: int, age: int, payload: bytes) -> None:
    before = Earlier((timestamp - age) % 2**32, b"before")
    old, new = split(together(payload, before, timestamp=timestamp, sequence=sequence))
    assert (old.sequence + 1) % 2**16 == new.sequence == sequence
    assert (old.timestamp, old.payload, new.timestamp, new.payload) == (*before, timestamp, payload)


def test_the_longest_that_fit_do() -> None:
    before = Earlier(2**32 - MAX_OFFSET, bytes(MAX_BLOCK_BYTES))
    assert split(together(b"x", before, timestamp=0))[0].payload == before.payload


def test_an_empty_block_is_no_packet() -> None:
    assert [packet.payload for packet in split(together(b"new", Earlier(0, b"")))] == [b"new"]


@pytest.mark.parametrize(
    "payload", [b"", b"\xef", b"\xef\0\0\3o", b"\xef\0\0\3oold", b"\xef\0\0\0" * 3 + b"onew", b"o"]
)
def test_nonsense_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="RTP redundancy"):
        split(Packet(7, 5, 0, payload, payload_type=rtp.REDUNDANT_TYPE))


def test_whatever_comes_is_packets_or_nonsense() -> None:
    draw = random.Random(1)
    for _ in range(20_000):
        payload = draw.randbytes(draw.randrange(1, 40))
        try:
            found = split(Packet(7, draw.randrange(2**16), draw.randrange(2**32), payload))
        except ValueError:
            continue
        assert 1 <= len(found) <= 1 + redundancy.MOST_COPIES
        assert all(one.payload and one.payload_type == rtp.PAYLOAD_TYPE for one in found)
        assert all(rtp.unpack(one.pack())._replace(again=one.again) == one for one in found)
