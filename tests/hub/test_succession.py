"""A hub leaves everything to its successor: here both are in one process, with real connections. tests/test_restart.py
has two processes."""

import asyncio
import contextlib
import os
import resource
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from device import restart
from device.channel.news import State
from device.hub import limits
from device.hub.bridge import Kind, Message, Reader
from device.hub.succession import Successor
from device.hubapp import Hub
from device.restart import RestartError
from tests.channel.fakehub import make_certificates
from tests.channel.test_client_with_hub import Person, call
from tests.hub.guest import Guest, guest, honest_call
from tests.hub.house import APP, Refused
from tests.hub.office import HOOK_SECRET, secret_file
from tests.hub.receiver import Receiver
from tests.timing import seconds


class House:
    """Hubs that follow each other at one address."""

    def __init__(self, **options: str) -> None:
        self.options = options
        self.elsewhere = False
        self.hubs = [Hub("127.0.0.1:0", **options)]  # type: ignore[arg-type]
        self._starting: list[asyncio.Task[None]] = []
        self._stand_ins: list[subprocess.Popen[bytes]] = []

    @property
    def now(self) -> Hub:
        return self.hubs[-1]

    def _start(self, given: Mapping[str, socket.socket]) -> int:
        sockets = {name: sock.dup() for name, sock in given.items()}
        listen = "127.0.0.2:0" if self.elsewhere else f"127.0.0.1:{self.now.port}"
        self.hubs.append(Hub(listen, sockets=sockets, **self.options))  # type: ignore[arg-type]
        self._starting.append(asyncio.get_running_loop().create_task(self.now.start()))
        self._stand_ins.append(subprocess.Popen(["sleep", "60"]))  # the process that a failure would end
        return self._stand_ins[-1].pid

    async def restart(self) -> asyncio.Event:
        """A planned restart; returns what is set when the old hub carries nothing any more."""
        successor = await self.now.hand_over(self._start)
        await self._starting[-1]
        return successor.drained

    async def __aenter__(self) -> "House":
        await self.now.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for stand_in in self._stand_ins:
            stand_in.kill()
            stand_in.wait()
        for hub in self.hubs:
            await hub.stop()


@contextlib.asynccontextmanager
async def seated(hub: Hub, uid: int) -> AsyncIterator[tuple[Guest, dict[str, object]]]:
    async with guest(hub.url) as someone:
        yield someone, await someone.join(uid, autoSubscribe=True)


async def test_guests_that_stay_on_their_old_connections_hear_each_other_without_a_packet_missing() -> None:
    """The honest call loses nothing, and its people know nothing of update-url."""
    async with House() as house, honest_call(house.now.url) as listener:
        drained = await house.restart()
        heard = len(listener.packets)
        await listener.until(lambda: len(listener.packets) > heard + 10)
        assert listener.news[-1] == ("update-url", {})
        assert house.now.snapshot()["seats"] == 2 and house.now.snapshot()["packets_in"] >= 10
        assert not drained.is_set()


async def test_one_who_has_moved_and_one_who_has_not_are_in_the_same_room() -> None:
    async with House() as house, seated(house.now, 1) as (early, seat), seated(house.now, 2) as (late, _):
        await early.ask("publish")
        await late.ask("publish")
        await early.until(lambda: ("stream-added", {"uid": 2, "label": ""}) in early.news)
        drained = await house.restart()
        early.news.clear()
        late.news.clear()
        async with guest(house.now.url) as moved:
            claim = {"appId": APP, "channel": "lobby", "uid": 1}
            back = await moved.ask("rejoin", session=seat["session"], known=[2], **claim)
            assert (back["resumed"], back["removed"], back["session"]) == (True, [], seat["session"])
            moved.uid = 1
            await early.socket.close()
            for sequence in range(5):
                await moved.speak(sequence)
                await late.speak(sequence)
            await late.until(lambda: len(late.packets) == 5)
            await moved.until(lambda: len(moved.packets) == 5)
            assert late.news == [("update-url", {})], "nobody has left or joined"
            assert await late.ask("ping") == {}
            await late.ask("leave")
            await moved.until(lambda: ("user-left", {"uid": 2, "reason": "quit"}) in moved.news)
            await late.socket.close()
            async with asyncio.timeout(seconds(5)):
                await drained.wait()


async def test_a_seat_whose_owner_is_away_just_then_is_kept_for_him() -> None:
    async with House() as house:
        async with seated(house.now, 1) as (away, seat):
            await away.ask("publish")
        async with seated(house.now, 2) as (there, _):
            await house.restart()
            there.news.clear()
            async with guest(house.now.url) as back:
                claim = {"appId": APP, "channel": "lobby", "uid": 1}
                assert (await back.ask("rejoin", session=seat["session"], **claim))["resumed"]
                await there.ask("ping")
                assert [method for method, _ in there.news if method != "update-url"] == []


async def test_who_joins_on_an_old_connection_afterwards_sits_with_the_others() -> None:
    async with House() as house, guest(house.now.url) as slow:
        await house.restart()
        seat = await slow.join(5, autoSubscribe=True)
        assert seat["uid"] == 5
        async with seated(house.now, 6) as (new, _):
            await new.ask("publish")
            await slow.until(lambda: ("stream-added", {"uid": 6, "label": ""}) in slow.news)


async def test_what_breaks_the_rules_is_closed_by_the_successor_on_the_old_connection() -> None:
    async with House() as house, seated(house.now, 1) as (flood, _):
        await house.restart()
        for _ in range(400):
            await flood.socket.send(b"no packet")
        assert (await flood.closed())[0] == 1008


@pytest.mark.parametrize("secure", [False, True])
async def test_clients_talk_across_restarts_and_every_packet_arrives_once(tmp_path: Path, secure: bool) -> None:
    ca_file, options = "", {}
    if secure:
        ca_file = make_certificates(tmp_path).ca_file
        options = {"tls_cert": str(tmp_path / "hub.pem"), "tls_key": str(tmp_path / "hub.key")}
    async with House(**options) as house, call(house.now, ca_file=ca_file or None) as (kitchen, hall):
        await hall.hears(kitchen)
        await kitchen.hears(hall)
        for person in (kitchen, hall):
            person.events.clear()
        talking = asyncio.get_running_loop().create_task(_talk(kitchen, hall))
        for restarts in (1, 2):
            drained = await house.restart()
            async with asyncio.timeout(seconds(10)):
                await drained.wait()
            await hall.until(lambda n=restarts: hall.client.status.reconnects == n)  # type: ignore[misc]
            await kitchen.until(lambda n=restarts: kitchen.client.status.reconnects == n)  # type: ignore[misc]
        talking.cancel()
        await hall.hears(kitchen, 5)
        await kitchen.hears(hall, 5)
        for person, uid in ((kitchen, 1), (hall, 2)):
            assert person.events == [], "nobody has seen anything of it"
            assert (person.client.status.uid, person.client.status.state) == (uid, State.IN_CALL)
            numbers = [packet.sequence for packet in person.packets]
            numbers = [(number - numbers[0]) % 2**16 for number in numbers]
            assert len(set(numbers)) == len(numbers)
            missing = sorted(set(range(max(numbers))) - set(numbers))
            changes = [number for number in missing if number - 1 not in missing]
            assert len(changes) <= 2 and len(missing) <= 4, "only what was on its way at the two moments of change"


async def _talk(*people: Person) -> None:
    while True:
        for person in people:
            person.say()
        await asyncio.sleep(0.02)


# A successor that does not come up


READY = "".join(f"\\{byte:03o}" for byte in Message(Kind.READY).pack())


def shell(script: str) -> restart.Start:
    """Starts this instead of a hub; descriptor 3 is its end of the bridge."""

    def start(given: Mapping[str, socket.socket]) -> int:
        bridge = (os.POSIX_SPAWN_DUP2, given["predecessor"].fileno(), 3)
        return os.posix_spawnp("sh", ["sh", "-c", script], os.environ, file_actions=[bridge])

    return start


def cannot_be_started(given: Mapping[str, socket.socket]) -> int:
    raise OSError(11, "Resource temporarily unavailable")


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (shell("exit 2"), r"the successor ended \(exit code 2\): this hub goes on"),
        (
            shell(f"printf '{READY}' >&3; head -c 20 <&3; exit 3"),
            r"the successor ended \(exit code 3\): this hub goes on",
        ),
        (cannot_be_started, r"cannot start a successor \(Resource temporarily unavailable\): this hub goes on"),
    ],
)
async def test_is_no_harm(start: restart.Start, why: str) -> None:
    async with House() as house, call(house.now) as (kitchen, hall):
        await hall.hears(kitchen)
        with pytest.raises(RestartError, match=why):
            await house.now.hand_over(start)
        await hall.hears(kitchen)
        await kitchen.hears(hall)
        async with seated(house.now, 3) as (new, _):
            assert await new.ask("ping") == {}
        assert hall.client.status.reconnects == kitchen.client.status.reconnects == 0
        drained = await house.restart()
        async with asyncio.timeout(seconds(10)):
            await drained.wait()
        await hall.hears(kitchen)


async def test_one_that_stands_still_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "COME_UP_S", 0.1)
    monkeypatch.setattr(restart, "END_S", 0.1)

    async with House() as house:
        with pytest.raises(RestartError, match=r"the successor does not start \(exit code -9\): this hub goes on"):
            await house.now.hand_over(shell("exec sleep 60"))


async def test_a_hub_with_as_many_files_as_it_may_have_goes_on() -> None:
    async with House() as house, guest(house.now.url) as someone:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            with pytest.raises(RestartError, match=r"Too many open files\): this hub goes on"):
                await house.now.hand_over(shell("exit 3"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert await someone.join(1)


class Played:
    """A successor whose part a test plays, word for word."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._came: list[Message] = []
        self._begun = asyncio.Event()

    def start(self, given: Mapping[str, socket.socket]) -> int:
        self.bridge = given["predecessor"].dup()
        self.bridge.setblocking(False)
        self._begun.set()
        self.bridge.send(Message(Kind.READY).pack())
        return shell("exit 3")(given)

    async def hears(self, kind: Kind) -> Message:
        """The next message of this kind; what comes before it is forgotten."""
        async with asyncio.timeout(seconds(5)):
            await self._begun.wait()
            while True:
                while self._came:
                    if (message := self._came.pop(0)).kind == kind:
                        return message
                data = await asyncio.get_running_loop().sock_recv(self.bridge, 65_536)
                assert data, "the hub has given it up"
                self._came += self._reader.feed(data)


async def _one_goes_meanwhile(house: House, stays: Guest, played: Played) -> "asyncio.Task[Successor]":
    """Of two, as soon as this successor has everything, which does not serve yet."""
    async with guest(house.now.url) as goes:
        await stays.join(1)
        await goes.join(2)
        handing = asyncio.get_running_loop().create_task(house.now.hand_over(played.start))
        await played.hears(Kind.ESTATE)
    await played.hears(Kind.CLOSED)
    return handing


async def test_what_happened_meanwhile_is_not_forgotten_when_the_old_hub_goes_on() -> None:
    """One goes and one comes while a successor has everything and does not serve yet."""
    played = Played()
    async with House() as house, guest(house.now.url) as stays, contextlib.AsyncExitStack() as later:
        handing = await _one_goes_meanwhile(house, stays, played)
        comes = await later.enter_async_context(guest(house.now.url))
        await played.hears(Kind.OPENED)
        played.bridge.close()
        with pytest.raises(RestartError, match="exit code 3"):
            await handing
        assert await comes.join(3)
        assert [method for method, _ in stays.news] == ["user-joined", "user-joined"]
        assert (house.now.snapshot()["connections"], house.now.snapshot()["seats"]) == (2, 3)


async def test_who_came_meanwhile_has_the_place_of_one_who_went_and_is_told_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS_PER_ADDRESS", 2)
    played = Played()
    async with House() as house, guest(house.now.url) as stays, contextlib.AsyncExitStack() as later:
        handing = await _one_goes_meanwhile(house, stays, played)
        comes, surplus = [await later.enter_async_context(guest(house.now.url)) for _ in range(2)]
        for _ in range(2):
            await played.hears(Kind.OPENED)
        played.bridge.close()
        with pytest.raises(RestartError):
            await handing
        assert await surplus.closed() == (1008, "too many connections from this address")
        assert await comes.join(3)
        assert await stays.ask("ping") == {}


async def test_one_that_stands_still_with_everything_in_its_hands_is_not_waited_for_as_a_start_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody is heard meanwhile."""
    monkeypatch.setattr(restart, "SERVE_S", 0.1)
    played = Played()
    async with House() as house, seated(house.now, 1) as (someone, _):
        handing = asyncio.get_running_loop().create_task(house.now.hand_over(played.start))
        await played.hears(Kind.ESTATE)
        async with asyncio.timeout(seconds(5)):
            with pytest.raises(RestartError, match="the successor does not serve"):
                await handing
        assert await someone.ask("ping") == {}
        played.bridge.close()


async def test_after_one_that_stood_still_with_everything_in_its_hands_people_talk_on_where_they_were() -> None:
    """Long enough for their clients to doubt the connection, and to dial beside it."""
    played = Played()
    async with House() as house, call(house.now) as (kitchen, hall):
        await hall.hears(kitchen)
        await kitchen.hears(hall)
        kitchen.events.clear()
        hall.events.clear()
        talking = asyncio.get_running_loop().create_task(_talk(kitchen, hall))
        handing = asyncio.get_running_loop().create_task(house.now.hand_over(played.start))
        await played.hears(Kind.OPENED)
        await played.hears(Kind.ESTATE)
        await played.hears(Kind.OPENED)
        with pytest.raises(RestartError):
            await handing
        heard = len(kitchen.packets), len(hall.packets)
        await kitchen.until(lambda: len(kitchen.packets) > heard[0] + 10)
        await hall.until(lambda: len(hall.packets) > heard[1] + 10)
        async with asyncio.timeout(seconds(10)):
            while house.now.snapshot()["connections"] > 2:
                await asyncio.sleep(0.01)
        talking.cancel()
        told = {event for person in (kitchen, hall) for event, _ in person.events}
        assert told <= {"network-quality"}, "nobody has left, joined, or been away"
        assert [person.client.status.reconnects for person in (kitchen, hall)] == [0, 0]
        played.bridge.close()


async def test_a_flood_for_a_successor_that_stands_still_is_cut_off() -> None:
    """It holds the bridge and does not read; who asks nothing but now and then stays."""
    played = Played()
    async with House() as house, guest(house.now.url) as flood, seated(house.now, 2) as (calm, _):
        handing = asyncio.get_running_loop().create_task(house.now.hand_over(played.start))
        await played.hears(Kind.ESTATE)
        with contextlib.suppress(ConnectionClosed):
            for _ in range(1_000):
                await flood.socket.send("x" * 16_000)
        assert await flood.closed() == (1008, "the next hub is behind")
        played.bridge.close()
        with pytest.raises(RestartError):
            await handing
        assert await calm.ask("ping") == {}


async def test_the_hub_stopping_meanwhile_stops() -> None:
    played = Played()
    async with House() as house, guest(house.now.url) as someone:
        handing = asyncio.get_running_loop().create_task(house.now.hand_over(played.start))
        await played.hears(Kind.ESTATE)
        handing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await handing
        assert await someone.join(1)
        assert await asyncio.get_running_loop().sock_recv(played.bridge, 65_536) == b"", "so it ends, too"
        played.bridge.close()


async def test_who_has_not_moved_when_the_old_hub_ends_finds_the_seat_kept() -> None:
    async with House() as house, seated(house.now, 1) as (stayed, seat), seated(house.now, 2) as (other, _):
        await house.restart()
        await house.hubs[0].stop()
        assert (await stayed.closed())[0] == (await other.closed())[0] == 1001
        async with asyncio.timeout(seconds(5)):
            while house.now.snapshot()["connections"]:
                await asyncio.sleep(0.001)
        assert house.now.snapshot()["seats"] == 2
        async with guest(house.now.url) as back:
            claim = {"appId": APP, "channel": "lobby", "uid": 1, "session": seat["session"]}
            assert (await back.ask("rejoin", **claim))["resumed"]


async def test_an_address_with_as_many_connections_as_it_may_have_moves_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS_PER_ADDRESS", 2)
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 2)
    async with House() as house, guest(house.now.url), guest(house.now.url):
        await house.restart()
        async with seated(house.now, 1), seated(house.now, 2):
            with pytest.raises(InvalidStatus):
                async with guest(house.now.url):
                    pass


async def test_a_successor_that_is_to_listen_elsewhere_does_and_says_that_clients_have_to_be_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with House() as house, seated(house.now, 1) as (someone, _):
        old = house.now.url
        await house.restart()
        assert not [record for record in caplog.records if record.levelname == "WARNING"], "it is where it was"
        house.elsewhere = True
        await house.restart()
        (line,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
        assert line == (
            f"nobody finds this hub at port {old.rpartition(':')[2]} any more: write {house.now.port} into [channel] "
            "hub of every client; until then each of them is out of the call"
        )
        assert house.now.url != old
        assert await someone.ask("ping") == {}
        async with guest(house.now.url) as new:
            assert await new.join(2)
        with pytest.raises(ConnectionRefusedError):
            async with guest(old):
                pass


async def test_a_socket_that_systemd_has_opened_is_listened_on_after_every_restart_whatever_is_configured() -> None:
    given = socket.create_server(("127.0.0.1", 0))
    async with House() as house:
        await house.now.stop()
        house.hubs.append(Hub("127.0.0.1:8800", sockets={"intercomd-hub.socket": given}))
        await house.now.start()
        old, house.elsewhere = house.now.url, True
        async with call(house.now) as (kitchen, hall):
            for _ in range(2):
                await (await house.restart()).wait()
                assert house.now.url == old
            await hall.hears(kitchen, 5)


async def test_H13_events_that_wait_for_the_webhook_are_told_by_the_next_hub_and_none_twice(tmp_path: Path) -> None:
    secret = {"webhook_secret_file": secret_file(tmp_path, HOOK_SECRET)}
    async with Receiver(500) as receiver, House(webhook_url=receiver.url, **secret) as house:
        async with seated(house.now, 7) as (someone, _):
            await receiver.until_asked(1)
            await house.restart()
            await someone.ask("leave")
            await receiver.until(101, 103, 104, 102)
        assert [hub.snapshot().get("webhooks_waiting") for hub in house.hubs] == [0, 0]


async def test_H13_restarts_one_after_the_other_tell_everything_in_order_and_a_failed_one_changes_nothing(
    tmp_path: Path,
) -> None:
    secret = {"webhook_secret_file": secret_file(tmp_path, HOOK_SECRET)}
    async with Receiver() as receiver, House(webhook_url=receiver.url, **secret) as house:
        for uid in (7, 8, 9):
            async with seated(house.now, uid) as (someone, _):
                await someone.ask("leave")
                await house.restart()
        played = Played()
        handing = asyncio.get_running_loop().create_task(house.now.hand_over(played.start))
        await played.hears(Kind.ESTATE)
        played.bridge.close()
        with pytest.raises(RestartError):
            await handing
        async with seated(house.now, 10) as (someone, _):
            await someone.ask("ping")
        distinct: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(seconds(10)):
            while len(distinct) < 14:
                await asyncio.sleep(0.01)
                distinct = {event["noticeId"]: event for event in receiver.events}
    # One that was on its way at a restart comes twice, as is said; none is missing, and none overtakes another.
    assert [event["eventType"] for event in distinct.values()] == [*3 * [101, 103, 104, 102], 101, 103]
    assert [
        event["noticeId"] for event, after in pairwise(receiver.events) if event["noticeId"] != after["noticeId"]
    ] == list(distinct)[:-1]


async def test_H13_events_for_a_webhook_that_is_gone_are_said_to_be_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = {"webhook_secret_file": secret_file(tmp_path, HOOK_SECRET)}
    async with Receiver(500) as receiver, House(webhook_url=receiver.url, **secret) as house, seated(house.now, 7):
        await receiver.until_asked(1)
        house.options = {}
        await house.restart()
    assert "2 events of the hub before this one are lost: there is no webhook any more" in caplog.messages


async def test_H13_whose_app_is_gone_with_a_restart_has_left_for_the_webhook_too(tmp_path: Path) -> None:
    apps = tmp_path / "apps.toml"
    apps.write_text(f'[[app]]\napp_id = "{APP}"\n')
    files = {"apps_file": str(apps), "webhook_secret_file": secret_file(tmp_path, HOOK_SECRET)}
    async with (
        Receiver() as receiver,
        House(webhook_url=receiver.url, **files) as house,
        seated(house.now, 7) as (someone, _),
    ):
        await receiver.until(101, 103)
        apps.write_text(f'[[app]]\napp_id = "{"0" * 32}"\n')
        await house.restart()
        await someone.closed()
        assert (await receiver.until(101, 103, 104, 102))[2]["reason"] == 3


async def test_without_a_state_directory_the_key_is_handed_over(tmp_path: Path) -> None:
    async with House() as house, seated(house.now, 1) as (_, seat):
        await house.restart()
        async with guest(house.now.url) as back:
            claim = {"appId": APP, "channel": "hall", "uid": 1, "session": seat["session"]}
            with pytest.raises(Refused):
                await back.ask("rejoin", **claim)
            assert await back.ask("rejoin", **claim | {"channel": "lobby"})


async def test_a_key_that_only_the_successor_can_keep_sends_nobody_away(tmp_path: Path) -> None:
    """The disk was full when the old hub started, and is not any more: its sessions are signed with another key."""
    folder = tmp_path / "state"
    folder.write_text("in the way")
    async with House(state_dir=str(folder)) as house, call(house.now) as (kitchen, hall):
        folder.unlink()
        for person in (kitchen, hall):
            person.events.clear()
        drained = await house.restart()
        async with asyncio.timeout(seconds(10)):
            await drained.wait()
        await hall.hears(kitchen, 5)
        await kitchen.hears(hall, 5)
        assert kitchen.events == hall.events == []
