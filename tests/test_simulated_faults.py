"""The faults of the table in virtual time, each at many moments: the device that is called "far" is hit, and "near" is
not. What has a file of its own: planned restarts (test_simulated_restart), the first hub of two (test_simulated_hubs),
sound cards and a device that is stopped (test_simulated_card), losses (test_simulated_call), no network at boot
(faults/test_virtual). The rows of a narrow way need real bits: tests/faults alone has them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf

import pytest

from device.channel.news import State
from device.channel.verdicts import Miss
from device.hub import limits
from tests.daemon import APP_ID
from tests.hub import passes
from tests.netem import Weather
from tests.test_simulated_call import OLD_S, PACKET_MS, HubSide, Peer, Time

pytestmark = pytest.mark.unmeasured

DAY_S, LASTS_S = 86_400.0, 600
WEATHER = Weather(delay_ms=20, jitter_ms=2)
# As old as can be when it arrives, the way there, and the packet itself.
LATEST_S = OLD_S + (WEATHER.delay_ms + PACKET_MS) / 1e3
# Sound that stands still for longer than this is not back.
GAP_S = 0.2
BEFORE_S, AFTER_S = 10.0, 8.0


def talking(now: float) -> bool:
    return True


class Call:
    """Both talk all the time, in a channel that both have been in for a while. seed: for the moment of the fault."""

    def __init__(self, seed: int) -> None:
        self.time = Time()
        self.hub = HubSide(self.time, WEATHER)
        self._down_until = 0.0
        self.near = Peer(self.hub, 2 * seed + 1, +50, talking)
        self.far = Peer(self.hub, 2 * seed + 2, -50, talking, fails=self._fails)
        self.both = (self.near, self.far)
        self.time.run(self.time.now + BEFORE_S + seed * 0.037)
        for peer in self.both:
            peer.events.clear()

    def _fails(self, now: float) -> Miss | None:
        return Miss.NO_NETWORK if now < self._down_until else None

    def swallow(self, for_s: float) -> None:
        """Nothing passes between "far" and the hub, and nobody says so."""
        self.far.weather = replace(WEATHER, holes=((self.time.now, self.time.now + for_s),))
        for wire in self.far.wires.values():
            wire.up.weather = wire.down.weather = self.far.weather

    def change_address(self, for_s: float) -> None:
        """The interface of "far" is down, and then up with another address: what was connected never is again."""
        self._down_until = self.time.now + for_s
        for wire in self.far.wires.values():
            wire.dead = True

    def stop_the_hub(self, for_s: float) -> None:
        self.hub.stand_still(for_s)

    def crash_the_hub(self, for_s: float) -> None:
        self.hub.crash(for_s)


def gap_s(ear: Peer, since: float) -> float:
    """The longest time between two packets that sounded, and since the last of all."""
    sounded = [at for _, at in ear.heard if at >= since]
    return max((later - sooner for sooner, later in pairwise([*sounded, ear.time.now])), default=inf)


def back_s(ear: Peer, ended: float) -> float:
    """How long after the end of a fault sound is there to stay: no gap since."""
    sounded = [at for _, at in ear.heard]
    if not sounded or ear.time.now - sounded[-1] > GAP_S:
        return inf
    return max((later for sooner, later in pairwise(sounded) if later - sooner > GAP_S), default=ended) - ended


@dataclass(frozen=True)
class Fault:
    """for_s: how long it lasts. back_s: sound has to be back within this time of its end."""

    strikes: Callable[[Call, float], None]
    for_s: float
    back_s: float

    def __str__(self) -> str:
        return f"{self.strikes.__name__} {self.for_s:g} s"

    @property
    def stream_ends(self) -> bool:
        """Whether "near" is told that "far" is silent: of one who is away for so long, not while the hub is."""
        return self.strikes in (Call.swallow, Call.change_address) and self.for_s > limits.STREAM_GRACE_S

    @property
    def is_gone(self) -> bool:
        """Whether it is told that "far" has left."""
        return self.stream_ends and self.for_s > limits.SEAT_GRACE_S


FAULTS = [
    *(Fault(Call.swallow, for_s, 0.5) for for_s in (2.0, 5.0, 15.0, 60.0)),
    Fault(Call.stop_the_hub, 10.0, 0.5),
    Fault(Call.stop_the_hub, 30.0, 0.5),
    Fault(Call.crash_the_hub, 2.0, 1.0),
    Fault(Call.change_address, 30.0, 1.0),
]


@pytest.mark.parametrize("muted", [False, True], ids=["", "muted"])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_after_a_fault_sound_is_back_within_its_limit_and_nothing_else_has_changed(
    fault: Fault, muted: bool, seed: int
) -> None:
    """muted: "far" is, and stays so."""
    call = Call(seed)
    if muted:
        call.far.session.call("muteLocal", {}, call.time.now)
        call.time.run(call.time.now + 1.0)
    had = [(peer.session.status.uid, peer.session.status.channel) for peer in call.both]
    uid = call.far.session.status.uid
    began, ended = call.time.now, call.time.now + fault.for_s
    fault.strikes(call, fault.for_s)
    call.time.run(ended + AFTER_S)
    for ear in call.both if not muted else (call.far,):
        assert gap_s(ear, began - 1.0) > min(fault.for_s, 1.0), "it was a fault"
        assert back_s(ear, ended) < fault.back_s
    for ear in call.both:
        assert max((at - spoken for spoken, at in ear.heard), default=0.0) < LATEST_S
        assert ear.session.state is State.IN_CALL and not ear.refused
    assert [(peer.session.status.uid, peer.session.status.channel) for peer in call.both] == had
    assert not muted or max(spoken for spoken, _ in call.near.heard) < began - 1.0
    told = [event for _, event, params in call.near.events if params.get("uid") == uid]
    assert [event for event in told if event.startswith(("stream-", "user-"))] == (
        ["stream-removed"] * fault.stream_ends + ["user-left"] * fault.is_gone
        + ["user-joined"] * fault.is_gone + ["stream-added"] * fault.stream_ends
    )  # fmt: skip
    assert told.count("mute-audio") == muted + (muted and fault.is_gone) and "unmute-audio" not in told


@pytest.mark.parametrize("seed", range(3))
def test_a_wall_clock_that_steps_by_a_day_either_way_is_neither_heard_nor_seen(seed: int) -> None:
    """Tokens are dated by it, that of this call for ten minutes; and who is lost meanwhile has his seat back."""
    time = Time()
    hub = HubSide(time, WEATHER, apps=passes.only(passes.listed(APP_ID)))
    joined = time.now
    token = passes.token(app_id=APP_ID, made_s=joined, lasts_s=LASTS_S, join_s=LASTS_S)
    near, far = (Peer(hub, 2 * seed + n, 0, talking, token=token) for n in (1, 2))
    time.run(time.now + BEFORE_S)
    had = [peer.session.status.uid for peer in (near, far)]
    assert 0 not in had and near.heard and far.heard
    for ahead_s in (DAY_S, -DAY_S, 0.0):
        for peer in (near, far):
            peer.events.clear()
        began, hub.wall_ahead_s = time.now, ahead_s
        time.run(began + 60.0)
        assert [peer.events for peer in (near, far)] == [[], []]
        assert max(gap_s(peer, began - 1.0) for peer in (near, far)) < 2 * PACKET_MS / 1e3
        hub.cut_off(far, 1.0)
        ended = time.now + 1.0
        time.run(ended + AFTER_S)
        assert max(back_s(peer, ended) for peer in (near, far)) < 0.5
        assert [peer.session.status.uid for peer in (near, far)] == had
    time.run(joined + LASTS_S + 30.0)
    assert near.session.state is State.OFFLINE, "who was never away has all of his time, and no more"
    assert max(at - spoken for peer in (near, far) for spoken, at in peer.heard) < LATEST_S
