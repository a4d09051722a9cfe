"""When a listener whose path is full is given more."""

from device.hub.flow import FULL_LOOKS, FULL_S, QUICK_FOR_S, QUICK_S, Flow

RTT_S = 0.04


def full() -> Flow:
    flow = Flow()
    assert [flow.looked(FULL_S + 0.01, 10.0) for _ in range(FULL_LOOKS)][-1]
    return flow


def test_a_short_queue_and_a_long_one_that_is_gone_at_the_next_look_hold_nobody() -> None:
    flow = Flow()
    assert not any(flow.looked(FULL_S, float(look)) for look in range(100))
    assert not any(flow.looked(2 * FULL_S * (look % 2), float(look)) for look in range(100))
    assert not flow.held


def test_who_is_held_gets_more_when_all_before_has_come_and_everything_once_it_goes_quickly() -> None:
    flow, now = full(), 10.0
    for _ in range(5):  # slowly
        now += RTT_S + QUICK_S + 0.01
        assert flow.drained(RTT_S, now)
        flow.poured(now)
    began = now
    while flow.drained(RTT_S, now := now + RTT_S):
        flow.poured(now)
    assert QUICK_FOR_S <= now - began <= QUICK_FOR_S + 2 * RTT_S


def test_one_slow_time_begins_anew() -> None:
    flow, now = full(), 10.0
    for _ in range(20):
        now += 0.5 * QUICK_FOR_S
        assert flow.drained(RTT_S, now)
        flow.poured(now)
        now += RTT_S
        assert flow.drained(RTT_S, now)
        flow.poured(now)
    assert flow.held
