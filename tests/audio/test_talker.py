"""One talker, whose samples say which packet they are of; all of them together are in test_talkers.py."""

from array import array

import pytest

from device.audio.loudness import Loudness
from device.audio.talker import SNAPSHOT_EVERY, Talker
from tests.audio.listening import payload
from tests.audio.test_talkers import CONCEALED, CORRUPT, Marking

FRAME = 960


def talker() -> Talker:
    return Talker(7, 0, Marking(), Loudness(), FRAME, 0)


def sounds(one: Talker, at: int) -> int:
    """The first sample of the tick, 0 for silence."""
    block = one.pull(at)
    return array("h", block)[0] if block else 0


@pytest.mark.parametrize(("after", "heard"), [(13, 13), (CORRUPT, CONCEALED)])
def test_a_packet_that_is_lost_is_recovered_from_the_next_one(after: int, heard: int) -> None:
    one, sounded = talker(), []
    for number in range(30):
        if number != 12:
            told = after if number == 13 else number
            head = b"\x48" + (b"\x40" if number == 13 else b"\x80")  # SILK of 20 ms, with FEC and without
            one.push(number, number * FRAME, head + told.to_bytes(4, "big"), number * FRAME)
        sounded.append(sounds(one, number * FRAME))
    assert sounded[sounded.index(12) + 1] == heard
    assert sounded[sounded.index(12) + 2] == (14 if after == 13 else CONCEALED)


def test_it_falls_asleep_when_nothing_waits_and_wakes_with_a_packet() -> None:
    one = talker()
    one.push(0, 0, payload(FRAME, 0), 0)
    ticks = [(sounds(one, number * FRAME), one.asleep) for number in range(20)]
    assert ticks[-1] == (0, True) and any(sample for sample, _ in ticks)
    assert one.pull(20 * FRAME) is None
    one.push(1, 20 * FRAME, payload(FRAME, 1), 20 * FRAME)
    assert not one.asleep


def test_what_comes_too_late_to_be_heard_counts_as_lost_once() -> None:
    """A path that stands still for 400 ms now and then, and brings all of it at once; and loses one of a hundred."""
    one, heard = talker(), set[int]()
    for number in range(3_000):
        if number % 500 == 270:
            for held in {*range(number - 20, number + 1)} - {number - 10, number - 3}:
                one.push(held, held * FRAME, payload(FRAME, held), number * FRAME)
        elif not 250 <= number % 500 < 270 and number % 100 not in (40, 71):
            one.push(number, number * FRAME, payload(FRAME, number), number * FRAME)
        heard.add(sounds(one, number * FRAME))
    heard -= {0, CONCEALED}
    status = one.status()
    assert status.late > 20
    assert status.lost == max(heard) - len(heard) > status.late + 25


def test_it_tells_how_much_sound_is_in_a_packet() -> None:
    one = talker()
    one.push(0, 0, payload(3 * FRAME, 0), 0)
    for number in range(5):
        sounds(one, number * FRAME)
    assert one.status().packet_ms == 60


def test_its_losses_are_of_the_last_ten_seconds() -> None:
    one, percent = talker(), []
    for number in range(3_000):
        if number % 10 or number >= 1_000:
            one.push(number, number * FRAME, payload(FRAME, number), number * FRAME)
        sounds(one, number * FRAME)
        if number * FRAME % SNAPSHOT_EVERY == 0:
            percent.append(one.status().loss_percent)
    assert percent[99] == pytest.approx(10, abs=2) and percent[-1] < 0.5
    assert one.status().lost == 99
