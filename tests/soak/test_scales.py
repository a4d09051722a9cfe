"""How processes are weighed. The one that is weighed here is this one."""

import os
import threading
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from tests.faults.scene import Scene

from . import leaks, scales
from .scales import Scales

HUB, ANOTHER_HUB = "ws://10.66.0.1:8800", "ws://10.66.0.1:8801"
SETTLE_S, SWOLLEN_S = 1.0, 0.5


@dataclass
class Device:
    """connections: what it says of them, one after the other; the last one for ever."""

    connections: list[int] = field(default_factory=lambda: [1])
    hub: str = HUB
    pid: int = os.getpid()

    def ask(self, _method: str) -> dict[str, Any]:
        count = self.connections.pop(0) if len(self.connections) > 1 else self.connections[0]
        return {"link": {"connections": count}, "hub": self.hub}


@dataclass
class Party:
    daemon: Device


@dataclass
class Call:
    """A scene of one device, and an observer at its hub."""

    device: Device
    hubs: tuple[()] = ()
    urls: tuple[str, str] = (HUB, ANOTHER_HUB)

    def __post_init__(self) -> None:
        self.parties, self.observer = {"near": Party(self.device)}, self.device


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minute five begins at once, and nobody is too young."""
    monkeypatch.setattr(scales, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(scales, "SETTLE_S", SETTLE_S)
    monkeypatch.setattr(leaks, "WARM_S", 0.0)
    monkeypatch.setattr(leaks, "LEAST_AGE_S", 0.0)


def weighing(device: Device) -> Scales:
    return Scales(cast(Scene, Call(device)), short=False)


def weigh_swollen(weighed: Scales) -> None:
    """At first there are two descriptors that are not there for long."""
    let_go = threading.Timer(SWOLLEN_S, close, [os.pipe()])
    let_go.start()
    weighed.weigh()
    let_go.join()


def close(ends: tuple[int, int]) -> None:
    for end in ends:
        os.close(end)


def descriptors(weighed: Scales) -> list[int]:
    """[when it was five minutes old, now]."""
    (figures,) = weighed.figures()
    return cast(list[int], figures["descriptors"])


def test_what_is_held_for_a_moment_at_minute_five_hides_no_leak_at_the_end() -> None:
    weighed = weighing(Device())
    weigh_swollen(weighed)
    assert weighed.left_over() == []
    leak = os.pipe()
    weighed.weigh()
    close(leak)
    before, now = descriptors(weighed)
    assert now == before + 2
    assert weighed.left_over() == [f"near: descriptors left over: {before} before, {now} now"]


def test_what_is_held_for_a_moment_at_the_end_is_no_leak() -> None:
    weighed = weighing(Device())
    weighed.weigh()
    weigh_swollen(weighed)
    assert weighed.left_over() == []


def test_a_look_during_which_a_connection_went_is_none() -> None:
    """It had been counted, and its descriptor was not there any more: one too few, for ever."""
    weighed, quiet = weighing(Device([2, 1, 1, 1])), weighing(Device())
    for one in (weighed, quiet):
        one.weigh()
    assert descriptors(weighed) == descriptors(quiet)


def test_while_a_device_tries_a_better_hub_beside_its_own_nobody_knows_whose_connection_is_whose() -> None:
    weighed, quiet = weighing(Device([2, 2, 2, 2, 1], ANOTHER_HUB)), weighing(Device([1], ANOTHER_HUB))
    for one in (weighed, quiet):
        one.weigh()
    assert descriptors(weighed) == descriptors(quiet)
