"""The numbers of our packets."""

from itertools import pairwise
from random import Random

import pytest

from device.channel import rtp
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
