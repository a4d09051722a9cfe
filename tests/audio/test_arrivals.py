"""When packets are due, by how late they have been coming."""

import random

import pytest

from device.audio.arrivals import MS, Arrivals
from tests.audio.listening import SECOND, TICK

WAIT = TICK + 5 * MS // 2
OUTAGE = 100 * MS


class Network:
    """Packets of 20 ms, sent on time from `now` on and delayed as told."""

    def __init__(self) -> None:
        self.now = SECOND
        self.arrivals = Arrivals(0, self.now, TICK)

    def bring(self, *delays: int, ppm: float = 0.0) -> "Network":
        """Packets sent 20 ms apart by a clock that is `ppm` slow, each delayed so much."""
        for delay in delays:
            self.now += 960
            slow = round((self.now - SECOND) * ppm / 1e6)
            self.arrivals.add(slow + delay, 960, self.now + slow + delay, OUTAGE)
        return self

    @property
    def jitter(self) -> int:
        """What is waited beyond a packet without delay, less the constant part."""
        return self.arrivals.due - WAIT


def test_a_new_talker_is_trusted_with_10_ms_of_jitter() -> None:
    assert Network().bring(0).jitter == 10 * MS


def test_without_jitter_only_the_tick_and_the_margin_are_waited() -> None:
    assert Network().bring(*[0] * 20).jitter == 0


def test_a_first_packet_that_was_slow_sets_no_standard() -> None:
    assert Network().bring(50 * MS, *[0] * 40).jitter == 0


def test_one_in_twenty_may_be_later() -> None:
    assert Network().bring(*[0] * 230, *[40 * MS] * 10).jitter == 0
    assert Network().bring(*[0] * 230, *[40 * MS] * 20).jitter == 40 * MS


def test_jitter_is_learnt_within_a_second_and_forgotten_within_six() -> None:
    chance = random.Random(1)
    network = Network().bring(*[0] * 250)
    network.bring(*[chance.randint(0, 60 * MS) for _ in range(50)])
    assert network.jitter > 40 * MS
    network.bring(*[chance.randint(0, 60 * MS) for _ in range(250)])
    assert 50 * MS < network.jitter <= 60 * MS
    assert network.bring(*[0] * 300).jitter == 0


def test_the_pile_after_an_outage_counts_once() -> None:
    """450 ms in which nothing came; then 23 packets at the same moment."""
    assert Network().bring(*[0] * 50, *range(450 * MS, 0, -960), *[0] * 10).jitter == 0


def test_outages_that_come_again_and_again_are_waited_for() -> None:
    """200 ms every 2 s, as a stream that loses 1 % of its segments: 10 % of all packets."""
    two_seconds = [*range(200 * MS, 0, -960), *[0] * 90]
    assert Network().bring(*[0] * 100, *two_seconds).jitter == 0
    assert Network().bring(*[0] * 100, *two_seconds * 4).jitter >= 80 * MS


def test_single_packets_as_late_as_an_outage_count_each() -> None:
    assert Network().bring(*[0, 0, 250 * MS] * 40).jitter == 250 * MS


def test_where_jitter_goes_on_what_is_due_hardly_ever_comes_sooner_again() -> None:
    """As on a stream, where nothing overtakes: whoever is late holds up who comes next."""
    chance, network = random.Random(1), Network()
    delay, falls, held_up = 0, 0, 0
    for _ in range(60 * 50):
        delay = max(round(chance.gauss(80, 40) * MS), delay - 20 * MS, 0)
        before = network.jitter
        network.bring(delay)
        falls += network.jitter < before
        held_up += delay > network.jitter
    assert falls <= 6, "once in 10 s"
    assert held_up < 30, "one in a hundred"
    assert network.bring(*[0] * 300).jitter == 0


def test_nobody_is_made_to_wait_longer_than_300_ms() -> None:
    network = Network().bring(*[0, 450 * MS] * 40)
    assert network.arrivals.due - network.arrivals.fastest == 300 * MS


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_the_fastest_packet_and_the_due_time_follow_a_clock_that_drifts(ppm: float) -> None:
    """Ten minutes. Forgetting is faster than the drift, and the window is short enough."""
    network = Network()
    for _ in range(60):
        network.bring(*[0] * 500, ppm=ppm)
        drifted = (network.now - SECOND) * ppm / 1e6
        assert network.arrivals.fastest == pytest.approx(drifted, abs=2)
        assert network.arrivals.due - WAIT == pytest.approx(drifted, abs=MS * 1.1) or network.now < 2 * SECOND


def test_a_fluke_is_forgotten_at_500_ppm() -> None:
    network = Network().bring(*[20 * MS] * 50)
    network.arrivals.add(0, 960, network.now, OUTAGE)
    network.bring(*[20 * MS] * 1_000)  # 20 s
    assert network.arrivals.fastest == pytest.approx(10 * MS, abs=MS // 4)


def test_what_comes_again_with_a_later_packet_is_waited_for_as_long_as_that_happens() -> None:
    """Be it one in a hundred: each time that it was not, it would be heard."""
    arrivals = Arrivals(0, 0, TICK)
    for number in range(300):
        if number == 100:
            arrivals.add_again(960, number * 960, 100 * MS)
        arrivals.add(0, 960, number * 960, 100 * MS)
        if number == 101:
            waiting = arrivals.due
    assert waiting == 960 + TICK + 5 * MS // 2 == arrivals.due
    for number in range(300, 400):
        arrivals.add(0, 960, number * 960, 100 * MS)
    assert arrivals.due == TICK + 5 * MS // 2


def test_what_comes_again_after_an_outage_is_not() -> None:
    arrivals = Arrivals(0, 0, TICK)
    arrivals.add_again(2_000 * MS, 2_000 * MS, 100 * MS)
    for number in range(100, 200):
        arrivals.add(0, 960, number * 960, 100 * MS)
    assert arrivals.due == TICK + 5 * MS // 2


@pytest.mark.parametrize(("apart", "remembered"), [(50, 250), (100, 400), (350, 500)])
def test_what_was_needed_once_is_forgotten_soon_and_later_where_it_happens_again(apart: int, remembered: int) -> None:
    """In packets of 20 ms: after 1 s; after four times as long as it is apart, 5 to 10 s."""
    network = Network().bring(*[0] * 800, 200 * MS, *[0] * 49)
    assert network.arrivals.needed - WAIT == 200 * MS
    assert network.bring(0).arrivals.needed - WAIT == 0
    network.bring(*[0] * (apart - 51), 150 * MS, *[0] * (remembered - 1))
    assert network.arrivals.needed - WAIT == 150 * MS
    assert network.bring(0).arrivals.needed - WAIT == 0


def test_who_is_held_up_again_and_again_is_waited_for_up_to_200_ms() -> None:
    """Once in two seconds: one packet in a hundred, which the quantile leaves out."""
    network = Network().bring(*[0] * 200)
    for _ in range(3):
        network.bring(90 * MS, *[0] * 99)
    assert network.jitter == 90 * MS
    network.bring(240 * MS, *[0] * 99)
    assert network.jitter == pytest.approx(200 * MS, abs=2 * MS)
    assert network.bring(*[0] * 1_000).jitter == 0


def test_one_outage_in_two_piles_is_no_habit() -> None:
    network = Network().bring(*[0] * 200, 90 * MS, *[0] * 9, 90 * MS, *[0] * 50)
    assert network.jitter == 0
    assert network.bring(90 * MS, *[0] * 50).jitter == 90 * MS, "this one came a second later"


def test_what_is_late_once_in_ten_seconds_is_a_gap_and_nothing_to_wait_for() -> None:
    network = Network()
    for _ in range(4):
        network.bring(180 * MS, *[0] * 499)
    assert network.jitter == 0


def test_a_first_word_that_waited_for_its_gate_to_notice_it_is_nothing_to_wait_for() -> None:
    """It is sent from 40 ms before that on, all at once; what comes later than that after a pause was held up."""
    network = Network().bring(*[0] * 200)
    for delay in (40 * MS, 90 * MS):
        for _ in range(4):
            network.now += SECOND
            network.bring(delay, max(0, delay - 20 * MS), *[0] * 98)
        assert network.jitter == (0 if delay == 40 * MS else 90 * MS)


def test_what_jitter_was_before_a_pause_is_known_after_it() -> None:
    """Who pushes to talk says a word now and then, over the same path."""
    chance = random.Random(2)
    network = Network().bring(*[chance.randint(0, 60 * MS) for _ in range(250)])
    known = network.jitter
    assert known > 50 * MS
    network.now += 60 * SECOND
    network.bring(0)
    assert network.jitter == pytest.approx(known, abs=2 * MS)


def test_a_queue_that_was_full_is_forgotten_after_a_second() -> None:
    """Later by 10 ms at a time, and so back: that does not count as being held up, however often it happens."""
    swell = [*range(0, 200 * MS, 10 * MS), *range(200 * MS, 0, -10 * MS)]
    network = Network().bring(*[0] * 100, *swell * 2)
    assert network.arrivals.needed - WAIT == 200 * MS
    assert network.jitter >= 180 * MS
    network.bring(*[0] * 51)
    assert network.arrivals.needed - WAIT == network.jitter == 0
