"""A client whose way is full, with a kernel that says so. Real ways are in scripts/bench faults and the soak."""

import asyncio
from typing import Any, cast

import pytest

from device.channel.doubling import Path
from device.hub import flow
from device.hub.frames import media_frame
from device.hub.pouring import Pouring
from tests.timing import seconds

FRAME = media_frame(bytes(40))


class Listener:
    """Somebody, and what his kernel says."""

    def __init__(self) -> None:
        self.loop, self.clear, self.is_open = asyncio.get_running_loop(), True, True
        self.poured: list[bool] = []  # each time: whether anything was on its way
        self.packets_late, self.desk = 0, cast(Any, self)
        self.crowded_at: list[float] = []
        self.unacknowledged_bytes, self.queue_s = 0, 0.0
        self.buffered_bytes, self.fills = 0, False  # in the transport, and whether the next thing sent fills that
        self.transport: Any = self

    def get_extra_info(self, _: str) -> "Listener":
        return self

    def late(self, packets: int) -> None:
        self.packets_late += packets

    def crowded(self, line: object, now: float) -> None:
        assert line is self
        self.crowded_at.append(now)

    def get_write_buffer_size(self) -> int:
        return self.buffered_bytes

    def queue(self, rest: bytes) -> None:
        self.poured.append(bool(self.unacknowledged_bytes or self.buffered_bytes))
        if self.fills:  # asyncio calls pause_writing before its write returns
            self.buffered_bytes, self.clear = len(rest), False


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> type[Listener]:
    monkeypatch.setattr("device.hub.pouring.tcp.unacknowledged", lambda listener: listener.unacknowledged_bytes)
    monkeypatch.setattr("device.hub.pouring.tcp.path", lambda listener: Path(0, 0.04 + listener.queue_s, 0.04))
    monkeypatch.setattr(flow, "QUICK_FOR_S", 0.1)
    return Listener


async def until(wanted: Any) -> None:
    async with asyncio.timeout(seconds(5)):
        while not wanted():
            await asyncio.sleep(0.01)


def full(listener: type[Listener]) -> tuple[Any, Pouring]:
    """Somebody whose way is, and is seen to be."""
    someone: Any = listener()
    pour = Pouring(someone)
    someone.unacknowledged_bytes, someone.queue_s = 10_000, 0.3
    for _ in range(flow.FULL_LOOKS):
        pour.look(asyncio.get_running_loop().time())
    return someone, pour


async def test_who_has_room_is_left_alone(listener: type[Listener]) -> None:
    someone: Any = listener()
    pour = Pouring(someone)
    someone.unacknowledged_bytes = 10_000
    pour.look(1.0)
    pour.look(1.25)
    someone.unacknowledged_bytes, someone.queue_s = 100, 1.0
    pour.look(2.0)
    pour.look(2.25)
    assert someone.clear and not pour.held and someone.poured == []


async def test_whose_way_is_full_gets_what_is_fresh_when_he_has_had_all_before_and_then_everything(
    listener: type[Listener],
) -> None:
    someone, pour = full(listener)
    assert pour.held and not someone.clear
    pour.hold(FRAME, asyncio.get_running_loop().time())
    await asyncio.sleep(3 * flow.LOOK_S)
    assert someone.poured == []
    someone.unacknowledged_bytes = 0
    await until(lambda: someone.poured)
    await until(lambda: someone.clear)
    assert not pour.held and not any(someone.poured)


async def test_what_the_transport_still_has_is_waited_for_also_when_the_way_is_well_again(
    listener: type[Listener],
) -> None:
    """Whoever is clear is written to past his transport: that would land within the frame that lies there."""
    someone, pour = full(listener)
    pour.hold(FRAME, asyncio.get_running_loop().time())
    someone.unacknowledged_bytes, someone.buffered_bytes = 0, 100
    await asyncio.sleep(3 * flow.LOOK_S)
    assert someone.poured == []
    someone.fills = True
    while pour.held:
        someone.buffered_bytes = 0
        pour.hold(FRAME, asyncio.get_running_loop().time())
        await asyncio.sleep(flow.LOOK_S)
    assert someone.buffered_bytes and not someone.clear
    assert not any(someone.poured)


async def test_who_goes_meanwhile_is_poured_nothing(listener: type[Listener]) -> None:
    someone, pour = full(listener)
    pour.hold(FRAME, asyncio.get_running_loop().time())
    someone.is_open, someone.unacknowledged_bytes = False, 0
    await asyncio.sleep(5 * flow.LOOK_S)
    assert someone.poured == []


async def test_whose_way_is_full_is_told_of_and_who_takes_nothing_at_all_is_not(listener: type[Listener]) -> None:
    """He may be asleep: nobody has to speak less clearly for that."""
    someone: Any = listener()
    pour = Pouring(someone)
    dead_at = asyncio.get_running_loop().time()
    for number in range(100):
        pour.hold(FRAME, dead_at + number * 0.02)
    assert someone.crowded_at == []
    someone.unacknowledged_bytes, someone.queue_s, full_at = 10_000, 0.3, dead_at + 10
    for _ in range(flow.FULL_LOOKS):
        pour.look(full_at)
    for number in range(200):
        pour.hold(FRAME, full_at + number * 0.02)
    assert someone.crowded_at and max(someone.crowded_at) < full_at + flow.DEAD_AFTER_S
    someone.is_open = False
