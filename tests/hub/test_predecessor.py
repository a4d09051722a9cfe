"""The successor's end of the bridge, word for word: a test plays the old hub."""

import asyncio
import json
import socket
from collections.abc import Iterator

import pytest

from device.hub import succession
from device.hub.bridge import Estate, HeldSeat, Kind, Message, Reader
from device.hubapp import Hub, HubError
from tests.hub.guest import guest
from tests.hub.house import APP, KEY
from tests.timing import seconds

SEATS = (
    HeldSeat(APP, "lobby", 1, "one", publishing=True, live=True, subscribers=(2,), connections=(7,)),
    HeldSeat(APP, "lobby", 2, "two", auto_subscribe=True, connections=(8,)),
)


class Old:
    """The old hub: what it says, and what it is told."""

    def __init__(self) -> None:
        self.bridge, self.theirs = socket.socketpair()
        self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        self.bridge.setblocking(False)
        self._reader = Reader()
        self._came: list[Message] = []

    def says(self, *told: tuple[Kind, int, bytes]) -> None:
        """All of it in one piece."""
        self.bridge.send(b"".join(Message(*one).pack() for one in told))

    def leaves(self, *and_then: tuple[Kind, int, bytes]) -> None:
        """Two connections, a third without a seat, and all the rest."""
        opened = [(Kind.OPENED, number, b"10.0.0.1") for number in (7, 8, 9)]
        self.says((Kind.KEY, 0, KEY), *opened, (Kind.ESTATE, 0, Estate(0.0, SEATS).pack()), *and_then)

    async def hears(self, kind: Kind) -> Message:
        """The next message of this kind; what comes before it is forgotten."""
        async with asyncio.timeout(seconds(5)):
            while True:
                while self._came:
                    if (message := self._came.pop(0)).kind == kind:
                        return message
                data = await asyncio.get_running_loop().sock_recv(self.bridge, 65_536)
                assert data, "it has gone"
                self._came += self._reader.feed(data)


@pytest.fixture
def old() -> Iterator[Old]:
    it = Old()
    yield it
    it.bridge.close()
    it.theirs.close()


def ping(id: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": "ping", "params": {}}).encode()


async def starts(old: Old) -> tuple[Hub, "asyncio.Task[None]"]:
    hub = Hub("127.0.0.1:0", sockets={"predecessor": old.theirs})
    task = asyncio.get_running_loop().create_task(hub.start())
    await old.hears(Kind.READY)
    return hub, task


async def test_it_listens_when_it_has_everything_and_calls_over_when_it_is_alone(old: Old) -> None:
    hub, task = await starts(old)
    assert hub.port == 0 or hub.snapshot() == {}
    old.leaves()
    await old.hears(Kind.SERVING)
    assert hub.snapshot() | {"seats": 2, "streams": 1, "connections": 3} == hub.snapshot()
    assert not task.done()
    old.says((Kind.YOURS, 0, b""))
    await task
    over = [await old.hears(Kind.TEXT) for _ in range(3)]
    assert sorted(message.connection for message in over) == [7, 8, 9]
    assert all(b"update-url" in message.data for message in over)
    await hub.stop()


async def test_what_comes_right_behind_the_estate_is_not_lost(old: Old) -> None:
    hub, task = await starts(old)
    packet = bytes.fromhex("806f000100000000 00000001") + b"opus"
    old.leaves((Kind.MEDIA, 7, packet), (Kind.TEXT, 8, ping(5)), (Kind.CLOSED, 9, b""), (Kind.YOURS, 0, b""))
    media = await old.hears(Kind.MEDIA)
    assert media.connection == 8 and media.data.endswith(packet)
    answer = await old.hears(Kind.TEXT)
    assert answer.connection == 8 and b'"id":5' in answer.data.replace(b" ", b"")
    assert hub.snapshot()["connections"] == 2
    task.cancel()
    await asyncio.wait([task])
    await hub.stop()


async def test_what_nobody_knows_is_ignored(old: Old) -> None:
    hub, task = await starts(old)
    old.leaves((Kind.MEDIA, 99, b"x"), (99, 7, b"news"), (Kind.CLOSED, 99, b""))  # type: ignore[arg-type]
    await old.hears(Kind.SERVING)
    old.says((Kind.YOURS, 0, b""), (Kind.TEXT, 7, ping(1)))
    await task
    assert (await old.hears(Kind.TEXT)).connection == 7
    await hub.stop()


async def test_when_the_old_hub_is_gone_its_connections_are_and_the_seats_wait(old: Old) -> None:
    hub, task = await starts(old)
    old.leaves((Kind.YOURS, 0, b""))
    await old.hears(Kind.SERVING)
    old.says((Kind.YOURS, 0, b""))
    await task
    old.bridge.close()
    async with asyncio.timeout(seconds(5)):
        while hub.snapshot()["connections"]:
            await asyncio.sleep(0.001)
    assert hub.snapshot()["seats"] == 2
    await hub.stop()


async def test_an_old_hub_that_does_not_read_costs_packets_and_no_memory(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "MAX_WAITING_BYTES", 10_000)
    hub, task = await starts(old)
    old.leaves()
    await old.hears(Kind.SERVING)
    old.says((Kind.YOURS, 0, b""))
    await task
    async with guest(hub.url) as talker:
        claim = {"appId": APP, "channel": "lobby", "uid": 3}
        await talker.ask("join", **claim)
        await talker.ask("publish")
        talker.uid = 3
        for sequence in range(190):  # into a socket that holds few of them
            await talker.speak(sequence, bytes(1_000))
        await talker.ask("ping")
    (end,) = hub._ends
    assert end._transport is not None
    assert end._transport.get_write_buffer_size() < 20_000
    await hub.stop()


@pytest.mark.parametrize("estate", [b"", b"{}", b"[1, 2]"])
async def test_an_estate_that_cannot_be_read_is_not_taken(old: Old, estate: bytes) -> None:
    _, task = await starts(old)
    old.says((Kind.KEY, 0, KEY), (Kind.ESTATE, 0, estate))
    with pytest.raises(HubError, match=r"the hub before this one did not hand over: (not an estate|Expecting value)"):
        await task


async def test_a_successor_whose_hub_is_gone_says_so() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with pytest.raises(HubError, match="the hub before this one did not hand over"):
        await Hub("127.0.0.1:0", sockets={"predecessor": theirs}).start()
