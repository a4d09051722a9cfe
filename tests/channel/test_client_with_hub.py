"""Two clients and the real hub, on loopback: what the one says the other hears, whatever happens to the connections."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from device.audio.jitter import JitterBuffer
from device.channel import doubling, errors, moving, rtp, rules, tcp
from device.channel.client import Client
from device.channel.errors import ChannelError
from device.channel.news import State
from device.hubapp import Hub
from tests.channel.fakehub import make_certificates
from tests.timing import seconds

APP_ID = "0123456789abcdef0123456789abcdef"
FRAME = bytes([0xF8]) + bytes(60)


class Person:
    """A client, and what it has heard."""

    def __init__(self, *hubs: str, **options: Any) -> None:
        self.client = Client(hubs, **options)
        self.client.init(APP_ID)
        self.events: list[tuple[str, Any]] = []
        self.packets: list[rtp.Packet] = []
        self._timestamp = 0
        self._changed = asyncio.Event()
        self.client.on("*", self._happened)
        self.client.on("media", self._heard)

    def _happened(self, event: str, params: Any) -> None:
        self.events.append((event, params))
        self._changed.set()

    def _heard(self, packet: rtp.Packet, arrived_ns: int) -> None:
        self.packets.append(packet)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(seconds(20)):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def hears(self, other: "Person", packets: int = 20) -> None:
        """The other talks until we have heard so many packets of it."""
        before = len(self.packets)
        async with asyncio.timeout(seconds(20)):
            while len(self.packets) - before < packets:
                other.say()
                await asyncio.sleep(0.005)

    def say(self) -> None:
        self.client.send(FRAME, self._timestamp, -30, self._timestamp == 0)
        self._timestamp += 960

    def seen(self, event: str) -> list[int]:
        return [params["uid"] for name, params in self.events if name == event]


@asynccontextmanager
async def call(hub: Hub, **options: Any) -> AsyncIterator[tuple[Person, Person]]:
    """Two in a channel, each publishing and hearing the other."""
    kitchen, hall = Person(hub.url, **options), Person(hub.url, **options)
    try:
        for uid, person in ((1, kitchen), (2, hall)):
            await person.client.join(None, "lobby", uid, label=f"person {uid}", auto_subscribe=True)
            await person.client.publish()
        yield kitchen, hall
    finally:
        await asyncio.gather(kitchen.client.leave(), hall.client.leave())


async def test_B1_B2_both_hear_each_other_and_every_packet_as_it_was() -> None:
    async with Hub("127.0.0.1:0") as hub, call(hub) as (kitchen, hall):
        await hall.hears(kitchen, 50)
        await kitchen.hears(hall, 50)
        assert {packet.ssrc for packet in hall.packets} == {1}
        numbers = [packet.sequence for packet in hall.packets]
        assert [(number - numbers[0]) % 2**16 for number in numbers] == list(range(len(numbers)))
        assert [packet.marker for packet in hall.packets] == [True] + [False] * (len(numbers) - 1)
        assert {(packet.payload, packet.level_dbov) for packet in hall.packets} == {(FRAME, -30)}
        assert kitchen.seen("stream-added") == [2]
        assert hall.seen("stream-added") == [1]
        await kitchen.client.leave()
        await hall.until(lambda: hall.seen("user-left") == [1])
        assert hall.seen("stream-removed") == [1]


async def test_A12_A13_streams_are_heard_by_who_subscribes_as_long_as_he_does() -> None:
    async with Hub("127.0.0.1:0") as hub, call(hub) as (kitchen, _):
        chooser = Person(hub.url)
        await chooser.client.join(None, "lobby", 3, role=rules.Role.AUDIENCE)
        assert sorted(chooser.seen("stream-added")) == [1, 2]
        await chooser.client.subscribe(1)
        await chooser.hears(kitchen)
        await chooser.client.unsubscribe(1)
        before = len(chooser.packets)
        for _ in range(20):
            kitchen.say()
        with pytest.raises(ChannelError) as refused:
            await chooser.client.subscribe(99)
        assert refused.value.code == errors.NOT_A_BROADCASTER
        with pytest.raises(ChannelError) as refused:
            await chooser.client.publish()
        assert refused.value.code == errors.AUDIENCE_CANNOT_PUBLISH
        assert len(chooser.packets) == before
        await chooser.client.leave()


async def test_a_new_connection_goes_on_where_the_old_one_was() -> None:
    async with Hub("127.0.0.1:0") as hub, call(hub) as (kitchen, hall):
        await hall.hears(kitchen)
        await hall.client.rejoin()
        await hall.hears(kitchen)
        await kitchen.client.rejoin()
        await hall.hears(kitchen)
        numbers = [packet.sequence for packet in hall.packets]
        assert len(set(numbers)) == len(numbers)
        assert hall.seen("stream-removed") == hall.seen("user-left") == []


async def test_on_a_path_that_loses_packets_two_connections_carry_the_same_and_each_packet_sounds_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses = count(1)  # loopback loses nothing: its kernel is said to have
    monkeypatch.setattr(tcp, "path", lambda _: doubling.Path(next(losses), 0.0, 0.0))
    monkeypatch.setattr(doubling, "LOOK_S", 0.05)
    async with Hub("127.0.0.1:0") as hub, call(hub) as (kitchen, hall):
        for person in (kitchen, hall):
            async with asyncio.timeout(seconds(10)):
                while person.client.status.connections < 2:
                    await asyncio.sleep(0.005)
        assert (hub.snapshot()["connections"], hub.snapshot()["seats"]) == (4, 2)
        await hall.hears(kitchen, 100)
        await hall.until(lambda: len(hall.packets) % 2 == 0)
        copies = Counter(packet.sequence for packet in hall.packets)
        assert set(copies.values()) == {2}, "one on each of the listener's, though each came to the hub twice"
        buffer = JitterBuffer(960)
        for packet in hall.packets:
            buffer.push(packet.sequence, packet.timestamp, packet.payload, 0)
        assert buffer.counts.duplicate == len(copies)
        await kitchen.client.ring()
        await hall.until(lambda: any(event == "ring" for event, _ in hall.events))
        await hall.hears(kitchen, 100)
        assert sum(event == "ring" for event, _ in hall.events) == 1
        assert hall.client.status.reconnects == kitchen.client.status.reconnects == 0


async def test_R1_a_hub_that_comes_back_has_everybody_back_without_a_word(tmp_path: Path) -> None:
    async with Hub("127.0.0.1:0", state_dir=tmp_path) as hub, call(hub) as (kitchen, hall):
        await hall.hears(kitchen)
        await hub.stop()
        await hall.until(lambda: hall.client.status.state is State.OFFLINE)
        async with Hub(f"127.0.0.1:{hub.port}", state_dir=tmp_path):
            await hall.until(lambda: hall.client.status.state is State.IN_CALL)
            await kitchen.until(lambda: kitchen.client.status.state is State.IN_CALL)
            await hall.hears(kitchen)
            await kitchen.hears(hall)
            assert (hall.client.status.uid, hall.client.status.reconnects) == (2, 1)
            for person in (kitchen, hall):
                assert person.seen("stream-removed") == person.seen("user-left") == []
            assert kitchen.seen("user-joined") == [2] and hall.seen("user-joined") == [1], "as before the crash"
            assert (kitchen.seen("stream-added"), hall.seen("stream-added")) == ([2], [1])


async def test_all_are_together_again_at_the_first_hub_soon_after_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "STEADY_S", 0.0)  # this one is, although it has just begun
    async with Hub("127.0.0.1:0") as first, Hub("127.0.0.1:0") as second:
        people = [Person(first.url, second.url) for _ in range(3)]
        for person in people:
            await person.client.join(None, "lobby", auto_subscribe=True)
            await person.client.publish()
        uids = [person.client.status.uid for person in people]
        await first.stop()
        for person in people:
            await person.until(lambda person=person: person.client.status.hub == second.url)  # type: ignore[misc]
        await people[0].hears(people[1])
        async with Hub(f"127.0.0.1:{first.port}") as back:
            async with asyncio.timeout(seconds(10)):
                while any(person.client.status.hub != back.url for person in people):
                    await asyncio.sleep(0.005)
            for listener, talker in ((0, 1), (1, 2), (2, 0)):
                await people[listener].hears(people[talker])
            assert [person.client.status.uid for person in people] == uids
            assert second.snapshot()["seats"] == 0, "nobody waits for them there"
            states = [params["state"] for event, params in people[0].events if event == "connection-state"]
            assert states == ["joining", "in-call", "offline", "in-call"], "moving is no outage"
            await asyncio.gather(*(person.client.leave() for person in people))


async def test_H7_the_newcomer_with_our_uid_has_the_seat_and_we_stay_away() -> None:
    async with Hub("127.0.0.1:0") as hub, call(hub) as (kitchen, hall):
        newcomer = Person(hub.url)
        assert await newcomer.client.join(None, "lobby", 2) == 2
        await hall.until(lambda: hall.client.status.state is State.LEFT)
        assert [params["code"] for event, params in hall.events if event == "error"] == [errors.UID_CONFLICT]
        await asyncio.sleep(seconds(0.6))
        assert hall.client.status.state is State.LEFT
        assert newcomer.client.status.state is State.IN_CALL
        assert kitchen.client.status.state is State.IN_CALL
        await newcomer.client.leave()


async def test_E1_a_hub_that_does_not_serve_this_app_says_so() -> None:
    async with Hub("127.0.0.1:0", app_ids=["f" * 32]) as hub:
        stranger = Person(hub.url)
        with pytest.raises(ChannelError) as refused:
            await stranger.client.join(None, "lobby")
        assert refused.value.code == errors.BAD_REQUEST
        await stranger.client.leave()


async def test_a_call_over_tls(tmp_path: Path) -> None:
    ca_file = make_certificates(tmp_path).ca_file
    certificate, key = str(tmp_path / "hub.pem"), str(tmp_path / "hub.key")
    async with (
        Hub("127.0.0.1:0", tls_cert=certificate, tls_key=key) as hub,
        call(hub, ca_file=ca_file) as (kitchen, hall),
    ):
        assert hub.url.startswith("wss://")
        await hall.hears(kitchen)
        await hall.client.rejoin()
        await hall.hears(kitchen)
        assert hall.client.status.skipped == kitchen.client.status.skipped == 0


async def test_who_is_rung_at_hears_it_and_who_rang_hears_the_answer() -> None:
    async with Hub("127.0.0.1:0") as hub, call(hub) as (kitchen, hall):
        await kitchen.client.ring()
        await hall.until(lambda: any(event == "ring" for event, _ in hall.events))
        assert hall.events[-1] == ("ring", {"uid": kitchen.client.status.uid, "label": "person 1", "answered": False})
        await hall.client.answer()
        await kitchen.until(lambda: any(event == "ring" for event, _ in kitchen.events))
        assert kitchen.events[-1][1]["answered"]
        await kitchen.client.ring(hall.client.status.uid)
        with pytest.raises(ChannelError) as refused:
            await kitchen.client.ring(99)
        assert refused.value.code == errors.NOBODY_THERE
        with pytest.raises(ValueError, match="uid"):
            await kitchen.client.ring(-1)
