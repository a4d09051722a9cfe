"""When a listener whose path is full is given more."""

from device.hub.flow import FEW_BYTES, FULL_S, QUICK_FOR_S, QUICK_S, Flow

RTT_S = 0.04


def full() -> Flow:
    flow = Flow()
    assert flow.looked(5_000, FULL_S + 0.01, 10.0)
    return flow


def test_a_long_path_and_a_short_queue_are_no_reason_to_hold_anybody() -> None:
    flow = Flow()
    assert not flow.looked(5_000, FULL_S, 10.0)
    assert not flow.looked(FEW_BYTES, 1.0, 10.0)
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
