"""A hub restarts in the middle of a call, as planned or after a crash: three devices in virtual time, near and far."""

from itertools import pairwise

import pytest

from device.channel.news import State
from tests.netem import Weather
from tests.test_simulated_call import PACKET_MS, HubSide, Peer, Time

pytestmark = pytest.mark.unmeasured

# One way: a house, a radio link, a satellite. So different that they change over half a second after each other.
DELAYS_MS = (1.0, 20.0, 150.0)
PLAYED_S = 0.5


def talking(now: float) -> bool:
    return True


def three(seed: int = 1) -> tuple[HubSide, list[Peer]]:
    """All talk all the time, and have done so for a while; what they have seen and heard so far is forgotten."""
    time = Time()
    hub = HubSide(time, Weather())
    peers = [
        Peer(hub, 10 * seed + n, ppm, talking, Weather(delay_ms=delay_ms))
        for n, (delay_ms, ppm) in enumerate(zip(DELAYS_MS, (50, 0, -50), strict=True))
    ]
    time.run(time.now + 30.0)
    for peer in peers:
        peer.events.clear()
        peer.heard.clear()
    return hub, peers


def longest_gap_s(peer: Peer) -> float:
    """The longest time from the beginning of one packet heard to that of the next, both talkers together."""
    return max(later - earlier for earlier, later in pairwise(sorted(spoken for spoken, _ in peer.heard)))


@pytest.mark.parametrize("seed", range(5))
def test_H14_of_a_planned_restart_nobody_hears_or_sees_anything(seed: int) -> None:
    hub, peers = three(seed)
    uids = [peer.session.status.uid for peer in peers]
    began = hub.time.now
    hub.time.run(began + 5.0)
    hub.hand_over()
    hub.time.run(began + 15.0)
    for peer, uid in zip(peers, uids, strict=True):
        assert peer.events == []
        assert (peer.session.status.reconnects, peer.session.status.uid) == (1, uid)
        assert peer.session.status.skipped == 0
        spoken = sorted(at for at, _ in peer.heard)
        packets = 2 * 15.0 / (PACKET_MS / 1e3)
        assert len(spoken) == len(set(spoken))
        assert len(spoken) >= packets * 0.985, "all of it, but for what is on its way at the end"
        assert longest_gap_s(peer) < 2.1 * PACKET_MS / 1e3
    assert hub.rooms.snapshot().connections == 3


def test_restarts_one_after_the_other_are_no_worse() -> None:
    hub, peers = three()
    for _ in range(20):
        hub.hand_over()
        hub.time.run(hub.time.now + 1.5)
    hub.time.run(hub.time.now + 5.0)
    for peer in peers:
        assert peer.events == [] and longest_gap_s(peer) < 2.1 * PACKET_MS / 1e3
    assert (hub.rooms.snapshot().seats, hub.rooms.snapshot().streams) == (3, 3)


@pytest.mark.parametrize("away_s", [0.5, 3.0])
def test_after_a_crash_everybody_is_back_at_once_and_nobody_has_left_or_joined(away_s: float) -> None:
    hub, peers = three()
    crashed = hub.time.now
    hub.crash(away_s)
    hub.time.run(crashed + 40.0)
    for peer, delay_ms in zip(peers, DELAYS_MS, strict=True):
        told = {event for _, event, _ in peer.events}
        assert not {event for event in told if event.startswith(("stream-", "user-", "update-"))}
        assert peer.session.state is State.IN_CALL
        back_at = next(at for at, event, params in peer.events if params.get("state") == "in-call")
        assert back_at - crashed < away_s + 0.5 + 8 * delay_ms / 1e3
        heard_again = min(sounded for spoken, sounded in peer.heard if spoken > crashed + away_s)
        slowest_s = 8 * max(DELAYS_MS) / 1e3
        assert heard_again - crashed < away_s + 0.5 + slowest_s + PLAYED_S


def test_who_does_not_come_back_after_a_crash_is_missed_after_5_s_and_gone_after_20() -> None:
    hub, peers = three()
    gone = peers.pop()
    uid, crashed = gone.session.status.uid, hub.time.now
    hub.crash(0.5)
    gone.session.leave(hub.time.now)  # nobody hears it
    hub.time.run(crashed + 40.0)
    for peer in peers:
        told = [(event, at - crashed) for at, event, params in peer.events if params.get("uid") == uid]
        assert [event for event, _ in told] == ["stream-removed", "user-left"]
        assert 5.0 < told[0][1] < 6.5 and 20.0 < told[1][1] < 21.5
