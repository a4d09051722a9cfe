"""When a second connection is wanted: losses that come again, as long as the path is not merely full."""

import pytest

from device.channel.doubling import AGAIN_S, CROWDED_FOR_S, KEEP_S, LOOK_S, REFUSED_FOR_S, WITH_IT_S, Doubling, Path


def losing(*times: float) -> Doubling:
    it = Doubling()
    for at in times:
        it.told(True, False, at)
    return it


def test_one_loss_is_none_and_the_second_soon_after_is_a_habit() -> None:
    assert not Doubling().wanted(0.0)
    assert not losing(100.0).wanted(100.0)
    assert not losing(100.0, 100.0 + AGAIN_S).wanted(100.0 + AGAIN_S)
    assert losing(100.0, 99.9 + AGAIN_S).wanted(99.9 + AGAIN_S)


def test_it_is_over_half_a_minute_after_the_last_loss_of_them() -> None:
    it = losing(0.0, 1.0)
    it.told(False, False, 20.0)
    assert it.wanted(0.9 + KEEP_S) and not it.wanted(1.0 + KEEP_S)
    it.told(True, False, 8.0)
    assert it.wanted(7.9 + KEEP_S) and not it.wanted(8.0 + KEEP_S)
    it.told(True, False, 30.0)
    assert not it.wanted(8.0 + KEEP_S), "this one came alone"


def test_a_path_that_is_full_gets_one_for_a_minute_whatever_it_loses() -> None:
    it = losing(0.0, 1.0)
    it.told(True, True, 2.0)
    assert not it.wanted(2.0)
    for at in range(3, 100):
        it.told(True, False, float(at))
        assert it.wanted(float(at)) is (at >= 2 + CROWDED_FOR_S)


def test_a_hub_that_will_not_have_two_is_not_asked_again_for_a_minute() -> None:
    it = losing(0.0, 1.0)
    it.refused(5.0)
    it.told(True, False, 6.0)
    it.told(True, False, 4.0 + REFUSED_FOR_S)
    it.told(True, False, 5.0 + REFUSED_FOR_S)
    assert not it.wanted(4.9 + REFUSED_FOR_S) and it.wanted(5.0 + REFUSED_FOR_S)


def test_what_seemed_a_refusal_was_the_death_of_the_hub_where_all_ends_at_once_unless_that_comes_again() -> None:
    it = losing(*(float(at) for at in range(300)))
    it.refused(0.0, in_words=False)
    it.ended(WITH_IT_S)
    assert not it.wanted(WITH_IT_S), "that is later"
    it.refused(100.0, in_words=False)
    it.ended(100.5)
    assert it.wanted(100.5)
    it.refused(101.0, in_words=False)
    it.ended(101.5)
    assert not it.wanted(100.9 + REFUSED_FOR_S) and it.wanted(101.0 + REFUSED_FOR_S)
    it.refused(165.0, in_words=False)
    it.ended(165.5)
    assert not it.wanted(164.9 + REFUSED_FOR_S)


def test_what_a_hub_refused_in_words_stays_refused_however_soon_all_ends() -> None:
    it = losing(*(float(at) for at in range(300)))
    it.refused(3.0)
    it.ended(3.5)
    assert not it.wanted(2.9 + REFUSED_FOR_S) and it.wanted(3.0 + REFUSED_FOR_S)


def test_a_hub_that_dies_makes_no_room_on_a_path_that_is_full() -> None:
    it = losing(0.0, 1.0)
    it.told(False, True, 2.0)
    it.refused(2.0, in_words=False)
    it.ended(2.0)
    it.told(True, False, 3.0)
    it.told(True, False, 4.0)
    assert not it.wanted(4.0)


def test_the_path_is_looked_at_every_second() -> None:
    it = Doubling()
    assert it.due_at() < 0.0
    it.looked(7.0)
    assert it.due_at() == 7.0 + LOOK_S


@pytest.mark.parametrize(
    ("rtt_ms", "shortest_ms", "crowded"),
    [(0, 0, False), (40, 40, False), (150, 0, False), (220, 40, False), (240, 40, True), (1_100, 500, False)],
)
def test_a_path_is_full_where_its_round_trip_has_stood_in_a_queue(rtt_ms: int, shortest_ms: int, crowded: bool) -> None:
    assert Path(0, rtt_ms / 1e3, shortest_ms / 1e3).crowded is crowded
