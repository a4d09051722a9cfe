"""The numbers of our packets."""

from itertools import pairwise
from random import Random

import pytest

from device.channel import redundancy, rtp
from device.channel.voice import Voice


def test_packets_are_numbered_one_after_another_from_anywhere_and_around() -> None:
    voice = Voice(Random(1))
    numbers = [rtp.unpack(voice.packet(7, b"x", 0, None, False)).sequence for _ in range(70_000)]
    assert all((later - earlier) % 2**16 == 1 for earlier, later in pairwise(numbers))
    assert len({rtp.unpack(Voice(Random(s)).packet(7, b"x", 0, None, False)).sequence for s in range(20)}) > 10


def test_a_skipped_frame_takes_no_number_and_its_mark_goes_to_the_next() -> None:
    voice = Voice(Random(1))
    first = rtp.unpack(voice.packet(7, b"x", 960, -20, False))
    voice.skipped(marker=True)
    voice.skipped(marker=False)
    second = rtp.unpack(voice.packet(7, b"y", 3 * 960, -20, False))
    third = rtp.unpack(voice.packet(7, b"z", 4 * 960, -20, False))
    assert (second.sequence - first.sequence) % 2**16 == 1
    assert [packet.marker for packet in (first, second, third)] == [False, True, False]


def test_timestamps_run_around() -> None:
    packet = rtp.unpack(Voice(Random(1)).packet(7, b"x", 2**32 + 5, -127, True))
    assert (packet.timestamp, packet.ssrc, packet.level_dbov) == (5, 7, -127)


@pytest.mark.parametrize("size", [0, rtp.MAX_PACKET_BYTES - 11])
def test_a_payload_that_is_no_opus_packet_of_ours_is_refused_and_takes_no_number(size: int) -> None:
    voice = Voice(Random(1))
    before = rtp.unpack(voice.packet(7, b"x", 0, None, False)).sequence
    with pytest.raises(ValueError, match="a packet has"):
        voice.packet(7, bytes(size), 0, None, False)
    assert rtp.unpack(voice.packet(7, b"x", 0, None, False)).sequence == (before + 1) % 2**16


def told(voice: Voice, timestamp: int, payload: bytes) -> list[rtp.Packet]:
    """What is in the next packet."""
    packet = rtp.unpack(voice.packet(7, payload, timestamp, -20, False))
    return redundancy.split(packet) if packet.payload_type == rtp.REDUNDANT_TYPE else [packet]


@pytest.mark.parametrize("copies", [0, 1, 2])
def test_what_went_before_is_there_once_more(copies: int) -> None:
    voice = Voice(Random(1))
    voice.copies = copies
    payloads = [[packet.payload for packet in told(voice, 960 * n, b"%d" % n)] for n in range(4)]
    assert payloads[3] == [b"1", b"2", b"3"][2 - copies :]
    assert payloads[0] == [b"0"], "nothing went before"


def test_it_has_the_numbers_that_it_had() -> None:
    voice = Voice(Random(1))
    voice.copies = 2
    first, second = (told(voice, 960 * n, b"%d" % n)[-1] for n in range(2))
    again = told(voice, 1_920, b"2")
    assert [(one.sequence, one.timestamp) for one in again[:2]] == [
        (first.sequence, first.timestamp), (second.sequence, second.timestamp),
    ]  # fmt: skip


def test_what_is_of_long_ago_is_not_said_again() -> None:
    voice = Voice(Random(1))
    voice.copies = 2
    told(voice, 0, b"bye")
    assert [packet.payload for packet in told(voice, 96_000, b"hello")] == [b"hello"]
    assert [packet.payload for packet in told(voice, 96_960, b"there")] == [b"hello", b"there"]


def test_copies_are_left_out_where_there_is_no_room() -> None:
    voice = Voice(Random(1))
    voice.copies = 2
    payloads = [[len(packet.payload) for packet in told(voice, 960 * n, bytes([1] * size))]
                for n, size in enumerate((600, 500, 700, 1_030, 10, 1_200))]  # fmt: skip
    assert payloads == [[600], [600, 500], [500, 700], [1_030], [10], [10, 1_200]]
