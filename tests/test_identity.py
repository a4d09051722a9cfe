"""Apps, tokens and roles with real hubs and real clients. Every rule of theirs in virtual time: tests/hub/test_stage.py
and test_admission.py."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from device.channel import errors, rtp
from device.channel.errors import ChannelError
from device.channel.news import State
from device.hub import rights
from device.hubapp import Hub, HubError
from tests.channel.test_client_with_hub import Person
from tests.daemon import HubDaemon
from tests.hub.house import APP, OTHER_APP
from tests.hub.passes import CERTIFICATE, SECONDARY
from tests.hub.passes import token as token_of
from tests.timing import seconds

PACKET_S = 0.02


def token(uid: int = 0, **more: Any) -> str:
    """One that was made just now."""
    return token_of(uid, **{"made_s": time.time(), **more})


def app(certificate: str = CERTIFICATE, app_id: str = APP, **more: object) -> str:
    """An App in the words of an apps file."""
    lines = [f'certificate = "{certificate}"'] if certificate else []
    lines += [f"{key} = {value}" for key, value in more.items()]
    return "\n".join(["[[app]]", f'app_id = "{app_id}"', *lines, ""])


@pytest.fixture
def apps_file(tmp_path: Path) -> Path:
    file = tmp_path / "apps.toml"
    file.write_text(app())
    return file


@asynccontextmanager
async def hub_of(file: Path) -> AsyncIterator[Hub]:
    async with Hub("127.0.0.1:0", apps_file=str(file)) as hub:
        yield hub


@asynccontextmanager
async def seated(url: str, *tokens: str, **options: Any) -> AsyncIterator[list[Person]]:
    """People with these tokens and the uids 1, 2, ..., who hear whoever speaks."""
    people = [Person(url) for _ in tokens]
    try:
        for uid, (person, text) in enumerate(zip(people, tokens, strict=True), 1):
            assert await person.client.join(text, "lobby", uid, auto_subscribe=True, **options) == uid
        yield people
    finally:
        for person in people:
            await person.client.leave()


@asynccontextmanager
async def speaking(talker: Person, listener: Person) -> AsyncIterator[None]:
    """One of them talks all the time, and in the end the other has missed nothing of it."""
    arrivals: list[float] = []

    def heard(packet: rtp.Packet, arrived_ns: int) -> None:
        arrivals.append(arrived_ns / 1e9)
        listener._heard(packet, arrived_ns)

    listener.client.on("media", heard)
    await talker.client.publish()

    async def talk() -> None:
        while True:
            talker.say()
            await asyncio.sleep(PACKET_S)

    task = asyncio.get_running_loop().create_task(talk())
    try:
        await listener.until(lambda: len(listener.packets) >= 10)
        yield
        before = len(listener.packets)
        await listener.until(lambda: len(listener.packets) >= before + 10)
    finally:
        task.cancel()
    numbers = [(packet.sequence - listener.packets[0].sequence) % 2**16 for packet in listener.packets]
    assert sorted(set(numbers)) == list(range(max(numbers) + 1)), "not a packet is missing"
    assert max(later - earlier for earlier, later in pairwise(arrivals)) < seconds(0.5)


def happened(person: Person, event: str) -> bool:
    return any(name == event for name, _ in person.events)


async def code_of(joining: Any) -> int:
    with pytest.raises(ChannelError) as refused:
        await joining
    return refused.value.code


# Joining


async def test_T2_H3_each_wrong_way_in_has_its_own_code_and_the_right_one_is_open(apps_file: Path) -> None:
    apps_file.write_text(app() + app("", OTHER_APP))
    async with hub_of(apps_file) as hub:
        for text, code in {
            None: errors.TOKEN_MISSING,
            "007rubbish": errors.TOKEN_INVALID,
            token(8): errors.TOKEN_INVALID,
            token(7, made_s=time.time() - 3_601): errors.TOKEN_EXPIRED,
        }.items():
            stranger = Person(hub.url)
            assert await code_of(stranger.client.join(text, "lobby", 7)) == code
            assert stranger.client.status.state is State.JOINING, "a person may change it; it is tried again"
            await stranger.client.leave()
        neighbour = Person(hub.url)
        neighbour.client.init(OTHER_APP)
        await neighbour.client.join(None, "lobby", 7)
        neighbour.client.init("a" * 32)
        assert await code_of(neighbour.client.join(None, "lobby", 7)) == errors.BAD_REQUEST
        await neighbour.client.leave()
        async with seated(hub.url, token(1)):
            assert hub.snapshot()["seats"] == 1


def test_T1_T2_beyond_loopback_a_hub_listens_only_if_each_app_asks_for_a_token(apps_file: Path) -> None:
    Hub("0.0.0.0:0", apps_file=str(apps_file))
    apps_file.write_text(app() + app("", OTHER_APP))
    with pytest.raises(HubError, match="apps_file with a certificate for each App"):
        Hub("0.0.0.0:0", apps_file=str(apps_file))
    Hub("0.0.0.0:0", apps_file=str(apps_file), open=True)
    Hub("127.0.0.1:0", apps_file=str(apps_file))
    apps_file.write_text("[[app]]\nprofile = 7\n")
    with pytest.raises(HubError, match=r"1 profile: .*\n.*1 app_id: is missing"):
        Hub("127.0.0.1:0", apps_file=str(apps_file))


# The end of a token


async def test_A22_B6_a_token_is_renewed_in_the_middle_of_a_word(apps_file: Path) -> None:
    """The longest rights are renewed here after 1 s: it is told 30 s before the end."""
    async with hub_of(apps_file) as hub, seated(hub.url, token(1, join_s=31), token(2)) as (talker, listener):
        listener.events.clear()
        async with speaking(talker, listener):
            await talker.until(lambda: happened(talker, "token-privilege-will-expire"))
            assert await code_of(talker.client.renew_token(token(9))) == errors.TOKEN_INVALID
            await talker.client.renew_token(token(1))
            await talker.client.renew_token(token(1, join_s=3_600))
        assert [event for event, _ in listener.events] == ["stream-added"]
        assert not happened(talker, "token-privilege-did-expire") and not happened(talker, "error")


async def test_B7_T7_whose_right_has_ended_loses_the_seat_and_is_back_as_soon_as_he_has_a_new_token(
    apps_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rights, "EXPIRED_GRACE_S", 0.5)
    async with hub_of(apps_file) as hub, seated(hub.url, token(1, join_s=2), token(2)) as (guest, host):
        await guest.client.publish()
        host.events.clear()
        await guest.until(lambda: guest.client.status.state is State.OFFLINE)
        events = [event for event, _ in guest.events]
        assert events.index("token-privilege-did-expire") < events.index("error")
        problem = guest.client.status.problem
        assert problem is not None and problem.code == errors.TOKEN_EXPIRED
        await host.until(lambda: ("user-left", {"uid": 1, "reason": "dropped"}) in host.events)
        began = time.monotonic()
        await guest.client.renew_token(token(1))
        assert time.monotonic() - began < seconds(5), "nobody waits for a minute to be over"
        assert guest.client.status.state is State.IN_CALL
        await host.hears(guest, 5)


async def test_T8_a_stream_ends_with_the_right_to_publish_and_goes_on_with_a_new_one(apps_file: Path) -> None:
    apps_file.write_text(app(co_host="true"))
    async with hub_of(apps_file) as hub, seated(hub.url, token(1, publish_s=2), token(2)) as (talker, listener):
        await talker.client.publish()
        await listener.hears(talker, 5)
        await talker.until(lambda: happened(talker, "error"))
        assert talker.events[-1][1]["code"] == errors.NOT_ALLOWED_TO_PUBLISH
        await listener.until(lambda: listener.seen("stream-removed") == [1])
        assert await code_of(talker.client.publish()) == errors.NOT_ALLOWED_TO_PUBLISH
        assert talker.client.status.state is State.IN_CALL
        await talker.client.renew_token(token(1))
        await talker.client.publish()
        await listener.hears(talker, 5)


# Roles


async def test_A17_A18_H6_an_audience_is_promoted_heard_and_demoted(apps_file: Path) -> None:
    async with hub_of(apps_file) as hub, seated(hub.url, token(1)) as (host,):
        guest = Person(hub.url)
        await guest.client.set_role("audience")
        await guest.client.join(token(2), "lobby", 2)
        assert await code_of(guest.client.publish()) == errors.AUDIENCE_CANNOT_PUBLISH
        assert not happened(host, "user-joined")
        await guest.client.set_role("broadcaster")
        await guest.client.publish()
        await host.hears(guest)
        await guest.client.rejoin()
        await host.hears(guest)
        await guest.client.set_role("audience")
        await host.until(lambda: happened(host, "user-left"))
        assert ("user-left", {"uid": 2, "reason": "became-audience"}) in host.events
        assert [host.seen(event) for event in ("user-joined", "stream-added", "stream-removed")] == [[2], [2], [2]]
        assert not guest.client.send(b"opus", 0)
        await guest.client.leave()
        assert host.seen("user-left") == [2], "and nobody hears that an audience leaves"


async def test_H5_in_a_communication_nobody_becomes_an_audience(apps_file: Path) -> None:
    apps_file.write_text(app(profile='"communication"'))
    async with hub_of(apps_file) as hub, seated(hub.url, token(1), token(2)) as (one, other):
        assert await code_of(one.client.set_role("audience")) == errors.LOGIN_FAILED
        await one.client.publish()
        await other.hears(one, 5)


# A planned restart


async def test_T9_a_new_apps_file_is_taken_in_the_middle_of_a_call_and_a_wrong_one_is_not(apps_file: Path) -> None:
    apps_file.parent.chmod(0o755)
    config = apps_file.with_name("intercom.toml")
    config.write_text(f'[hub]\napps_file = "{apps_file}"\n')
    with HubDaemon(0, "--config", str(config)) as hub:
        old = token(1, join_s=3_600), token(2, join_s=3_600)
        async with seated(hub.url, *old) as (talker, listener):
            listener.events.clear()
            async with speaking(talker, listener):
                apps_file.write_text(app("planted-secret", profile="7") + app(co_host="1", max_seats="0"))
                os.kill(hub.pid, signal.SIGHUP)
                line = await asyncio.to_thread(hub.wait_for, "this hub goes on")
                assert "the successor ended (exit code 2)" in line
                said = [line for line in hub.log if f"{config}: [hub] apps_file: {apps_file}: [[app]]" in line]
                keys = [line.partition("[[app]] ")[2].partition(":")[0] for line in said]
                assert keys == ["1 profile", "1 certificate", "1 app_id", "2 co_host", "2 max_seats", "2 app_id"]
                assert "planted-secret" not in "\n".join(hub.log)
                newcomer = Person(hub.url)
                await newcomer.client.join(token(3, channel="attic"), "attic", 3)
                await newcomer.client.leave()
                apps_file.write_text(app(SECONDARY))
                await asyncio.to_thread(hub.reload)
                both = [talker.client, listener.client]
                await listener.until(lambda: [client.status.reconnects for client in both] == [1, 1])
            assert [event for event, _ in listener.events] == ["stream-added"]
            assert await code_of(newcomer.client.join(token(3), "lobby", 3)) == errors.TOKEN_INVALID
            await newcomer.client.renew_token(token(3, certificate=SECONDARY))
            assert newcomer.client.status.state is State.IN_CALL
            await newcomer.client.leave()
