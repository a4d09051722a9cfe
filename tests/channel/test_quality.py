"""How good the way is: the worse of the round trip and what does not arrive."""

import pytest

from device.channel.quality import EVERY_S, MAX_TALKERS, Quality, grade
from device.channel.rtp import Packet


@pytest.mark.parametrize(
    ("rtt_ms", "lost", "expected"),
    [
        (0, 0, 1),
        (100, 0.005, 1),
        (101, 0, 2),
        (1, 0.006, 2),
        (201, 0, 3),
        (150, 0.05, 3),
        (401, 0, 4),
        (1, 0.15, 4),
        (801, 0, 5),
        (1, 0.16, 5),
        (5_000, 1, 5),
    ],
)
def test_B14_the_grade_is_that_of_the_worse_of_two(rtt_ms: float, lost: float, expected: int) -> None:
    assert grade(rtt_ms, lost) == expected


def packet(sequence: int, ssrc: int = 3) -> Packet:
    return Packet(ssrc, sequence & 0xFFFF, 0, b"opus")


def running() -> Quality:
    quality = Quality()
    quality.turn(True, 0.0)
    return quality


def test_B14_it_is_told_every_2_s_while_somebody_wants_to_know() -> None:
    quality = Quality()
    assert (quality.is_on, quality.due_at()) == (False, float("inf"))
    quality.turn(True, 10.0)
    quality.turn(True, 11.0)
    assert quality.due_at() == 10.0 + EVERY_S
    quality.take(20.0, 0, 0, False, 12.1)
    assert quality.due_at() == 12.1 + EVERY_S
    quality.turn(False, 13.0)
    assert not quality.is_on


def test_B14_each_way_has_a_grade_of_its_own() -> None:
    quality = running()
    for sequence in range(98):
        quality.said(100)
        if sequence % 10:
            quality.heard(packet(65_500 + sequence), 80)
    quality.lost(1)
    told = quality.take(30.0, 2, 4, False, 2.0)
    assert (told["uplink"], told["downlink"]) == (3, 4), "3 of 100, and one in ten"
    assert (told["rtt_ms"], told["skipped"], told["missing"], told["users"]) == (30.0, 2, 9, 4)
    assert (told["sent_kbps"], told["received_kbps"]) == (39.2, 28.16)
    again = quality.take(30.0, 0, 4, False, 4.0)
    assert (again["uplink"], again["downlink"], again["missing"]) == (1, 1, 0)


def test_B14_a_packet_that_was_overtaken_is_not_missing_and_a_new_start_neither() -> None:
    quality = running()
    for sequence in (1, 3, 2, 4, 20_000, 20_001):
        quality.heard(packet(sequence), 80)
    assert quality.take(1.0, 0, 0, False, 2.0)["missing"] == 0


def test_B14_a_second_copy_of_each_is_nothing_more() -> None:
    quality = running()
    for sequence in (1, 1, 2, 2, 3, 3):
        quality.heard(packet(sequence), 80)
    assert quality.take(1.0, 0, 0, False, 2.0)["missing"] == 0


def test_B14_without_a_connection_it_is_down_and_before_the_first_unknown() -> None:
    quality = running()
    assert [quality.take(None, 0, 0, True, 2.0)[way] for way in ("uplink", "downlink")] == [0, 0]
    assert [quality.take(None, 0, 0, False, 4.0)[way] for way in ("uplink", "downlink")] == [6, 6]


def test_B14_talkers_without_end_are_not_remembered() -> None:
    quality = running()
    for ssrc in range(MAX_TALKERS + 10):
        quality.heard(packet(1, ssrc), 80)
    quality.heard(packet(9, MAX_TALKERS + 5), 80)
    quality.heard(packet(3, 5), 80)
    assert quality.take(1.0, 0, 0, False, 2.0)["missing"] == 1
