"""A sound card that is not there, is used by others or stands still, and a device that does: in virtual time."""

from collections.abc import Callable
from itertools import pairwise
from statistics import median

import pytest

from device.channel.news import State
from tests.netem import Weather
from tests.test_simulated_call import OLD_S, PACKET_MS, HubSide, Peer, Time

pytestmark = pytest.mark.unmeasured

WEATHER = Weather(delay_ms=20)
# All begin to talk at 1,000 s of virtual time.
BEGAN_S, CALM_S = 1_000.0, 1_030.0
# As old as can be when it arrives, the way there, and the packet itself.
LATEST_S = OLD_S + (WEATHER.delay_ms + PACKET_MS) / 1e3
# What the kernels at both ends hold for somebody who reads nothing.
KERNEL_PACKETS = 100


def talking(now: float) -> bool:
    return True


def pair(no_card: Callable[[float], bool]) -> tuple[Time, Peer, Peer]:
    """The card of the first is away at times."""
    time = Time()
    hub = HubSide(time, WEATHER)
    return time, Peer(hub, 1, 0, talking, no_card=no_card), Peer(hub, 2, 0, talking)


def heard_late_s(ear: Peer, since_s: float, until_s: float = float("inf")) -> list[float]:
    """How long each packet took that sounded between these moments."""
    return [sounded - spoken for spoken, sounded in ear.heard if since_s <= sounded < until_s]


def back_s(ear: Peer, ended_s: float) -> float:
    """How long after this moment the first packet sounds."""
    return min(sounded for _, sounded in ear.heard if sounded >= ended_s) - ended_s


def test_a_card_that_is_busy_at_boot_sounds_as_soon_as_it_is_free() -> None:
    time, first, second = pair(no_card=lambda now: now < BEGAN_S + 10)
    time.run(BEGAN_S + 20)
    assert min(sounded for _, sounded in first.heard + second.heard if sounded < BEGAN_S + 20) >= BEGAN_S + 10
    for ear in (first, second):
        assert back_s(ear, BEGAN_S + 10) < 0.2
        assert max(heard_late_s(ear, BEGAN_S)) < 0.2


def test_a_card_that_stood_still_for_3_s_plays_nothing_of_them_and_is_no_later_than_before() -> None:
    time, first, second = pair(no_card=lambda now: CALM_S <= now < CALM_S + 3)
    time.run(CALM_S)
    uid = first.session.status.uid
    time.run(CALM_S + 10)
    for ear in (first, second):
        before, after = heard_late_s(ear, CALM_S - 10, CALM_S), heard_late_s(ear, CALM_S + 3)
        assert back_s(ear, CALM_S + 3) < 0.2
        assert max(after) < 0.2
        assert abs(median(after[-50:]) - median(before)) < 0.005
    assert (first.session.status.reconnects, first.session.status.uid) == (0, uid)


def test_a_thousand_xruns_leave_no_delay_behind() -> None:
    """One every 60 ms, of 15 ms each."""
    time, first, second = pair(no_card=lambda now: CALM_S <= now < CALM_S + 60 and (now - CALM_S) % 0.06 < 0.015)
    time.run(CALM_S + 80)
    for ear in (first, second):
        before, after = heard_late_s(ear, CALM_S - 10, CALM_S), heard_late_s(ear, CALM_S + 75)
        assert abs(median(after) - median(before)) < 0.005
        assert max(heard_late_s(ear, BEGAN_S)) < LATEST_S


class Sleeper(Peer):
    """Is stopped for a while: it sends, reads and plays nothing. What its kernel holds for it is old when it wakes."""

    def __init__(self, hub: HubSide, seed: int, stops_s: tuple[float, float]) -> None:
        self._stops_s = stops_s
        self._waiting: list[tuple[int, str | bytes]] = []
        super().__init__(hub, seed, 0, talking, no_card=self._asleep)
        hub.time.at(stops_s[1], self._rise)

    def _asleep(self, now: float) -> bool:
        return self._stops_s[0] <= now < self._stops_s[1]

    def received(self, number: int, message: str | bytes) -> None:
        if not self._asleep(self.time.now):
            super().received(number, message)
        elif len(self._waiting) < KERNEL_PACKETS:
            self._waiting.append((number, message))

    def _wake(self) -> None:
        if self._asleep(self.time.now):
            self.time.at(self._stops_s[1], self._wake)
        else:
            super()._wake()

    def _rise(self) -> None:
        for number in list(self.numbers.values()):
            if number not in self.hub.clients:  # cut off meanwhile, and what had come is gone with the connection
                self.lost(number)
        for number, message in self._waiting:
            super().received(number, message)


@pytest.mark.parametrize("lasts_s", [10, 60])
def test_R5_a_listener_that_stops_costs_the_others_nothing_and_is_back_at_once(lasts_s: int) -> None:
    """For longer than its seat is kept, or not."""
    time = Time()
    hub = HubSide(time, WEATHER)
    sleeper = Sleeper(hub, 1, (CALM_S, CALM_S + lasts_s))
    others = [Peer(hub, number, 0, talking) for number in (2, 3)]
    time.run(CALM_S + lasts_s + 10)
    for ear in others:
        spoken = sorted(at for at, _ in ear.heard if CALM_S <= at < CALM_S + lasts_s)
        assert len(spoken) > lasts_s / (PACKET_MS / 1e3) - 2
        assert max(later - sooner for sooner, later in pairwise(spoken)) < 1.01 * PACKET_MS / 1e3, "no gap at all"
        assert ear.session.status.reconnects == 0
    assert back_s(sleeper, CALM_S + lasts_s) < 0.5
    assert max(heard_late_s(sleeper, CALM_S + lasts_s)) < LATEST_S
    assert sleeper.session.state is State.IN_CALL
