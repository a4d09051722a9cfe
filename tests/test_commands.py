"""What the control socket offers, and what it refuses."""

from typing import Any, cast

import pytest

from device import commands, jsonrpc
from device.appliance import Device
from device.call import Input
from device.others import Others
from device.selftest import NotNow


class Fake:
    """Stands where the appliance stands."""

    def __init__(self) -> None:
        self.fed: list[Input] = []
        self.whom: list[int | None] = []
        self.volumes: list[tuple[int, int | None]] = []
        self.state, self.ringing, self.refusal = "in-call", True, ""

    def feed(self, given: Input, whom: int | None = None) -> None:
        self.fed.append(given)
        self.whom.append(whom)

    def volume(self, volume: int, uid: int | None) -> None:
        self.volumes.append((volume, uid))

    @property
    def self_test(self) -> "Fake":
        return self

    async def run(self) -> None:
        if self.volumes:
            raise NotNow("somebody talks")
        self.fed.append(Input.MUTE)

    async def settled(self) -> None:
        pass

    def status(self) -> dict[str, Any]:
        return {"fed": len(self.fed), "state": self.state, "ringing": self.ringing}

    @property
    def membership(self) -> "Fake":
        return self

    @property
    def others(self) -> Others:
        others = Others()
        others.streams[7] = "kitchen"
        return others

    async def said(self) -> str:
        return self.refusal


async def ask(fake: Fake, method: str, **params: Any) -> Any:
    handled: Any = commands.handlers(cast(Device, fake))[method](params)
    return await handled


@pytest.mark.parametrize("method", ["mute", "unmute", "leave", "rejoin", "ring", "answer"])
async def test_a_command_is_an_input_of_the_table_and_answers_with_the_status(method: str) -> None:
    fake = Fake()
    assert (await ask(fake, method))["fed"] == 1
    assert [given.value for given in fake.fed] == [method]
    assert (await ask(fake, "status"))["fed"] == 1


async def test_a_ring_that_reaches_nobody_says_so_and_without_a_link_it_is_remembered() -> None:
    fake = Fake()
    fake.refusal = "nobody with that uid is in the channel"
    with pytest.raises(jsonrpc.JsonRpcError, match="nobody with that uid"):
        await ask(fake, "ring", uid=9)
    for fake.state in ("offline", "joining"):
        with pytest.raises(jsonrpc.JsonRpcError, match=f"{fake.state}: it rings as soon as it is in the call"):
            await ask(fake, "ring")
    fake.state = "left"
    assert (await ask(fake, "ring"))["fed"] == 4, "it joins first, and what was refused before is no more to the point"


async def test_an_answer_needs_somebody_who_rings() -> None:
    fake = Fake()
    fake.ringing = False
    with pytest.raises(jsonrpc.JsonRpcError, match="nobody rings here"):
        await ask(fake, "answer")
    assert fake.fed == []


async def test_volumes_of_everybody_and_of_one() -> None:
    fake = Fake()
    await ask(fake, "volume", volume=0)
    await ask(fake, "volume", volume=100, uid=4_294_967_295)
    assert fake.volumes == [(0, None), (100, 4_294_967_295)]
    known = [(await ask(fake, "volume", volume=50, uid=uid))["known"] for uid in (7, 8)]
    assert known == [True, False] and fake.volumes[2:] == [(50, 7), (50, 8)], "kept for when somebody comes"
    assert (await ask(fake, "volume", volume=50))["known"]


async def test_a_ring_is_for_whom_the_configuration_says_or_for_one_or_for_everybody() -> None:
    fake = Fake()
    await ask(fake, "ring")
    await ask(fake, "ring", uid=7)
    await ask(fake, "ring", uid=0)
    assert fake.whom == [None, 7, 0]
    for uid in (-1, 2**32, "7", True):
        with pytest.raises(jsonrpc.JsonRpcError, match="a uid is 0 to"):
            await ask(fake, "ring", uid=uid)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"volume": 101},
        {"volume": -1},
        {"volume": "5"},
        {"volume": True},
        {"volume": 5, "uid": 0},
        {"volume": 5, "uid": "7"},
    ],
)
async def test_anything_else_is_refused(params: dict[str, Any]) -> None:
    fake = Fake()
    with pytest.raises(jsonrpc.JsonRpcError) as refusal:
        await ask(fake, "volume", **params)
    assert refusal.value.code == jsonrpc.INVALID_PARAMS
    assert fake.volumes == []


async def test_a_self_test_answers_with_the_status_and_is_refused_with_its_reason() -> None:
    fake = Fake()
    assert (await ask(fake, "self-test"))["fed"] == 1
    fake.volumes.append((1, None))
    with pytest.raises(jsonrpc.JsonRpcError, match="somebody talks"):
        await ask(fake, "self-test")
