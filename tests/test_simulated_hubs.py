"""Two hubs in everybody's list, in virtual time: whoever is alone comes to where the others are, and stays there."""

import math
from itertools import pairwise

import pytest

from device.channel.moving import FIRST_LOOK_S, LOOK_S, STEADY_S, WARIEST_S
from device.channel.verdicts import Miss
from tests.netem import Weather
from tests.test_simulated_call import OLD_S, HubSide, Peer, Time

pytestmark = pytest.mark.unmeasured

# One way: a house, a satellite. A move takes a few round trips.
DELAYS_MS = (1.0, 150.0)


def hubs(time: Time, number: int = 2) -> list[HubSide]:
    """As many, that know nothing of each other."""
    return [HubSide(time, Weather(), key=bytes([n]) * 32) for n in range(number)]


def peer(both: list[HubSide], seed: int, delay_ms: float, dials_until: float = math.inf) -> Peer:
    """A device that has a seat and a stream, and nothing to say. dials_until: then it finds no way anywhere."""
    return Peer(
        both[0], seed, 0, lambda now: False, Weather(delay_ms=delay_ms), no_card=lambda now: True, others=both[1:],
        fails=lambda now: None if now < dials_until else Miss.UNREACHABLE,
    )  # fmt: skip


def where(peers: list[Peer]) -> set[int | None]:
    """At which hubs they are, by their numbers in the list."""
    return {peer.session.status.hub_number for peer in peers}


def apart_s(time: Time, peers: list[Peer], until: float) -> float:
    """For how long they are not all at the same hub."""
    apart = 0.0
    while time.now < until:
        time.run(time.now + 0.1)
        apart += 0.1 * (len(where(peers)) > 1)
    return apart


@pytest.mark.parametrize("stuck", [False, True])
@pytest.mark.parametrize("delay_ms", DELAYS_MS)
@pytest.mark.parametrize("seed", range(6))
def test_two_who_are_alone_at_one_hub_each_are_together_soon_and_stay(seed: int, delay_ms: float, stuck: bool) -> None:
    """stuck: the one at the second has no way to the first."""
    time = Time()
    both = hubs(time)
    both[0].up = False
    up_at = time.now + 3.0 + seed / 2
    peers = [peer(both, 2 * seed, delay_ms, dials_until=up_at if stuck else math.inf)]
    time.run(up_at)
    both[0].up = True
    peers.append(peer(both, 2 * seed + 1, delay_ms))
    time.run(time.now + 9 * delay_ms / 1e3)
    assert apart_s(time, peers, time.now + LOOK_S * 1.2 + 2.0) < LOOK_S * 1.2 + 10 * delay_ms / 1e3 + 0.2
    for one in peers:
        one.events.clear()
    assert apart_s(time, peers, time.now + 300.0) == 0.0
    assert [one.events for one in peers] == [[], []] and (where(peers) == {2} or not stuck)
    assert sum(hub.rooms.snapshot().seats for hub in both) == 2, "no ghosts"


@pytest.mark.parametrize("delay_ms", DELAYS_MS)
@pytest.mark.parametrize("seed", range(12))
def test_two_who_are_alone_at_the_second_and_the_third_do_not_change_places(seed: int, delay_ms: float) -> None:
    time = Time()
    both = hubs(time, 3)
    both[0].up = both[1].up = False
    peers = [peer(both, 2 * seed, delay_ms)]
    time.run(time.now + 1.0)
    both[1].up = True
    peers.append(peer(both, 2 * seed + 1, delay_ms))
    time.run(time.now + 0.5 + 9 * delay_ms / 1e3)
    assert where(peers) == {2, 3}
    time.run(time.now + (FIRST_LOOK_S + LOOK_S) * 1.2 + 10 * delay_ms / 1e3 + 0.2)
    assert where(peers) == {2}
    assert apart_s(time, peers, time.now + 120.0) == 0.0


@pytest.mark.parametrize("power", [True, False], ids=["process", "machine"])
@pytest.mark.parametrize("seed", range(20))
def test_when_the_first_hub_dies_they_hear_each_other_at_the_second_within_two_seconds(seed: int, power: bool) -> None:
    """Its process, which the kernel tells at once, or its machine, of which nobody tells anything."""
    time = Time()
    both = hubs(time)
    peers = [
        Peer(both[0], 2 * seed + n, 0, lambda now: True, Weather(delay_ms=20.0), others=both[1:]) for n in range(2)
    ]
    time.run(time.now + 10.0 + seed / 20)
    died_at = time.now
    both[0].crash(math.inf) if power else both[0].lose_power()
    time.run(time.now + 10.0)
    assert where(peers) == {2}
    for one in peers:
        sounded = [at for _, at in one.heard if at > died_at - 0.1]
        assert max(later - earlier for earlier, later in pairwise([*sounded, time.now])) < 2.0
        assert all(at - spoken < OLD_S for spoken, at in one.heard)


@pytest.mark.parametrize("delay_ms", DELAYS_MS)
@pytest.mark.parametrize("seed", range(6))
def test_who_starts_while_the_others_are_wary_of_the_first_hub_is_with_them_soon_and_back_with_them(
    seed: int, delay_ms: float
) -> None:
    time = Time()
    both = hubs(time)
    peers = [peer(both, 10 * seed + n, delay_ms) for n in range(3)]
    time.run(time.now + 10.0)
    for _ in range(3):
        both[0].up = False
        both[0].crash(5.0)
        time.run(time.now + 20.0 + seed)
    while where(peers) != {2}:
        both[0].crash(2.0)
        time.run(time.now + 3.0)
    peers.append(peer(both, 10 * seed + 9, delay_ms))
    time.run(time.now + 1.0)
    assert peers[-1].session.status.hub_number == 1
    time.run(time.now + LOOK_S * 1.2 + 10 * delay_ms / 1e3 + 0.2)
    assert len(where(peers)) == 1
    assert apart_s(time, peers, time.now + WARIEST_S * 1.2 + STEADY_S) < FIRST_LOOK_S + 10 * delay_ms / 1e3
    assert where(peers) == {1}


@pytest.mark.parametrize("delay_ms", DELAYS_MS)
@pytest.mark.parametrize("seed", range(6))
def test_who_finds_the_first_hub_again_while_the_others_are_wary_of_it_has_them_back_soon(
    seed: int, delay_ms: float
) -> None:
    """The hub believes them there for a while, so he cannot know that he is alone; but they miss him."""
    time = Time()
    both = hubs(time)
    peers = [peer(both, 10 * seed + n, delay_ms) for n in range(4)]
    for _ in range(3):
        time.run(time.now + 10.0)
        for one in peers:
            both[1].cut_off(one, 1.0)
            both[0].cut_off(one, 0.3)
    time.run(time.now + 10.0)
    assert where(peers) == {1}
    for one in peers[:3]:
        both[0].cut_off(one, 3.0)
    both[0].cut_off(peers[3], 4.0)
    both[1].cut_off(peers[3], 6.0)
    time.run(time.now + 2.9)
    assert where(peers[:3]) == {2}
    time.run(time.now + 1.1 + LOOK_S * 1.2 + 20 * delay_ms / 1e3)
    assert where(peers) == {1}
    assert apart_s(time, peers, time.now + 120.0) == 0.0
