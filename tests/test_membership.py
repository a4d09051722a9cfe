"""A device's place in its channel, with real hubs on loopback: what happens there in the table's words."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device import belonging, config, jsonrpc, membership
from device.call import Input
from device.channel import errors, messages, tcp
from device.channel.client import Client
from device.config import Channel
from device.hubapp import Hub
from device.membership import Membership
from device.sound import Speaker
from device.state import Held
from tests.channel.fakehub import FakeHub, Visit
from tests.daemon import APP_ID
from tests.timing import seconds

CHANNEL = replace(config.load(Path("/dev/null"), needs_app_id=False).channel, app_id=APP_ID, label="kitchen")
AUDIO = config.load(Path("/dev/null"), needs_app_id=False).audio


class House:
    """Everything around one membership."""

    def __init__(self, hub: str, held: Held | None = None, **channel: Any) -> None:
        self.inputs: asyncio.Queue[Input] = asyncio.Queue()
        self.rings: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.failures: asyncio.Queue[None] = asyncio.Queue()
        self.heard: asyncio.Queue[str] = asyncio.Queue()
        self.codings: list[tuple[int, int]] = []
        wanted: Channel = replace(CHANNEL, hub=(hub,), **channel)
        self.membership = Membership(
            wanted, AUDIO, held, Ear("first", self.heard), self.inputs.put_nowait, self.rings.put_nowait,
            lambda: self.failures.put_nowait(None), lambda *coding: self.codings.append(coding),
        )  # fmt: skip

    async def until(self, wanted: Input) -> None:
        async with asyncio.timeout(seconds(10)):
            while await self.inputs.get() is not wanted:
                pass

    async def hears(self, what: str) -> None:
        async with asyncio.timeout(seconds(10)):
            while await self.heard.get() != what:
                pass


class Ear(Speaker):
    """A speaker that tells what it is told."""

    def __init__(self, name: str, heard: "asyncio.Queue[str]") -> None:
        super().__init__(AUDIO)
        self._name, self._told = name, heard

    def added(self, uid: int) -> None:
        self._told.put_nowait(f"{self._name}: {uid} added")

    def removed(self, uid: int) -> None:
        self._told.put_nowait(f"{self._name}: {uid} removed")

    def received(self, packet: Any, arrived_ns: int) -> None:
        self._told.put_nowait(f"{self._name}: {packet.payload.decode()} of {packet.ssrc}")


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with Hub("127.0.0.1:0") as hub:
        yield hub


async def other(hub: Hub, uid: int) -> Client:
    client = Client([hub.url])
    client.init(APP_ID)
    await client.join(None, CHANNEL.name, uid, label="cellar", auto_subscribe=True)
    await client.publish()
    return client


async def test_streams_come_and_go_in_the_ears_of_whichever_speaker_there_is(hub: Hub) -> None:
    house, cellar = House(hub.url), await other(hub, 7)
    house.membership.join()
    await house.until(Input.JOINED)
    await house.hears("first: 7 added")
    assert house.membership.others.label(7) == "cellar"
    cellar.send(b"hello", 0)
    await house.hears("first: hello of 7")
    house.membership.hear(Ear("second", house.heard))
    await house.hears("second: 7 added")
    cellar.send(b"again", 960)
    await house.hears("second: again of 7")
    await cellar.leave()
    await house.hears("second: 7 removed")
    assert house.membership.others.label(7) == ""
    await house.membership.left()
    await house.until(Input.LEFT_BY_HUB)


async def test_the_process_after_this_one_takes_its_seat_again_in_this_channel_and_this_start_of_the_machine(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = House(hub.url)
    assert first.membership.held is None
    first.membership.join()
    await first.until(Input.JOINED)
    held, uid = first.membership.held, first.membership.status.uid
    assert held is not None and held.uid == uid and held.session not in repr(held)
    cellar = await other(hub, 7)
    seen: list[str] = []
    cellar.on("*", lambda event, params: seen.append(event))
    again = House(hub.url, held=held)
    assert again.membership.held == held, "it is kept also while no hub has answered"
    again.membership.join()
    await again.until(Input.JOINED)
    assert again.membership.status.uid == uid
    assert again.membership.held == held
    assert House(hub.url, held=replace(held, session="")).membership.held is None, "it proves nothing"
    elsewhere = House(hub.url, held=held, name="garden")
    assert elsewhere.membership.held is None
    monkeypatch.setattr(belonging, "BOOT_ID", tmp_path / "boot_id")
    (tmp_path / "boot_id").write_text("another start\n")
    copy = House(hub.url, held=held)
    copy.membership.join()
    await copy.until(Input.JOINED)
    assert copy.membership.status.uid != uid
    assert seen.count("user-joined") == 1, "the copy"
    (tmp_path / "boot_id").unlink()
    assert copy.membership.held is not None and House(hub.url, held=held).membership.held is None
    for house in (copy, again, first):
        await house.membership.left()
        assert house.membership.held is None
    await cellar.leave()


async def test_a_hub_that_does_not_know_the_seat_gives_another(hub: Hub) -> None:
    async with Hub("127.0.0.1:0") as before:
        first = House(before.url)
        first.membership.join()
        await first.until(Input.JOINED)
        held = first.membership.held
        assert held is not None
    moved = House(hub.url, held=replace(held, where=House(hub.url).membership.where))
    moved.membership.join()
    await moved.until(Input.JOINED)
    assert moved.membership.held is not None and moved.membership.held.session != held.session
    await moved.membership.left()
    await first.membership.left()


async def test_who_is_silent_is_known_until_the_stream_ends(hub: Hub) -> None:
    house = House(hub.url)
    house.membership.join()
    cellar = await other(hub, 7)
    await house.hears("first: 7 added")
    assert set(house.membership.others.streams) == {7}
    await cellar.leave()
    await house.hears("first: 7 removed")
    assert not house.membership.others.streams
    await house.membership.left()


async def test_leaving_ends_every_stream(hub: Hub) -> None:
    house, cellar = House(hub.url), await other(hub, 7)
    house.membership.join()
    await house.hears("first: 7 added")
    house.membership.leave()
    await house.hears("first: 7 removed")
    await cellar.leave()


async def test_after_its_end_nothing_of_it_is_told(hub: Hub) -> None:
    house, cellar = House(hub.url), await other(hub, 7)
    house.membership.join()
    await house.until(Input.JOINED)
    await house.hears("first: 7 added")
    await house.membership.end()
    await house.hears("first: 7 removed")
    assert house.membership.status.state == "left"
    assert house.inputs.empty()
    await cellar.leave()


async def test_the_others_know_who_is_muted_also_from_the_start_and_who_talks_again(hub: Hub) -> None:
    house, cellar = House(hub.url), await other(hub, 7)
    told: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
    cellar.on("mute-audio", lambda who: told.put_nowait(("mute", who["uid"])))
    cellar.on("unmute-audio", lambda who: told.put_nowait(("unmute", who["uid"])))
    await cellar.mute_local()
    house.membership.be_silent(True)
    house.membership.join()
    await house.until(Input.JOINED)
    uid = house.membership.status.uid
    assert await asyncio.wait_for(told.get(), seconds(5)) == ("mute", uid)
    assert house.membership.others.muted() == [{"uid": 7, "label": "cellar"}]
    for silent, word in ((False, "unmute"), (False, ""), (True, "mute"), (False, "unmute")):
        house.membership.be_silent(silent)
        assert not word or await asyncio.wait_for(told.get(), seconds(5)) == (word, uid)
    await cellar.unmute_local()
    async with asyncio.timeout(seconds(5)):
        while house.membership.others.muted():
            await asyncio.sleep(0.01)
    await cellar.leave()
    await house.membership.left()


async def test_a_ring_reaches_the_others_and_one_without_a_channel_fails(hub: Hub) -> None:
    house = House(hub.url)
    house.membership.ring(0)
    await asyncio.wait_for(house.failures.get(), seconds(5))
    house.membership.join()
    await house.until(Input.JOINED)
    cellar = await other(hub, 7)
    house.membership.ring(8)
    assert await house.membership.said() == "nobody with that uid is in the channel"
    rung: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    cellar.on("ring", rung.put_nowait)
    house.membership.ring(0)
    assert (await asyncio.wait_for(rung.get(), seconds(5)))["label"] == "kitchen"
    assert await house.membership.said() == ""
    house.membership.answer()
    assert (await asyncio.wait_for(rung.get(), seconds(5)))["answered"]
    await cellar.ring()
    assert (await asyncio.wait_for(house.rings.get(), seconds(5)))["label"] == "cellar"
    await house.membership.left()
    await cellar.leave()


async def test_the_token_is_that_of_its_file_or_of_systemds_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from systemd\n")
    (tmp_path / "own").write_text("from the file\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    async with FakeHub() as hub:
        for token_file, token in (("", "from systemd"), (str(tmp_path / "own"), "from the file")):
            house = House(hub.url, token_file=token_file)
            house.membership.join()
            await house.until(Input.JOINED)
            (join,) = (one for one in hub.visits[-1].texts if one.method == messages.JOIN)
            assert join.params["token"] == token
            await house.membership.left()


@asynccontextmanager
async def with_a_token(folder: Path) -> AsyncIterator[tuple[FakeHub, House, Path]]:
    """A house that has joined a hub with the token of this file, which says "old"."""
    file = folder / "token"
    file.write_text("old\n")
    async with FakeHub() as hub:
        house = House(hub.url, token_file=str(file))
        house.membership.join()
        await house.until(Input.JOINED)
        yield hub, house, file
        await house.membership.left()


async def test_a_new_token_in_the_file_is_used_without_a_word_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "TOKEN_LOOK_S", 0.02)
    async with with_a_token(tmp_path) as (hub, _, file):
        file.write_text("new\n")
        await renewed(hub, 1)
        await asked(hub, messages.PUBLISH, 2)  # the token before may not have allowed that any more
        file.unlink()
        await asyncio.sleep(0.1)
        file.write_text("new\n")
        await asyncio.sleep(0.1)
        assert renewals(hub) == ["new"]


@pytest.mark.parametrize("event", [messages.TOKEN_WILL_EXPIRE, messages.TOKEN_DID_EXPIRE])
async def test_when_its_token_ends_it_looks_at_once_whether_there_is_another(tmp_path: Path, event: str) -> None:
    async with with_a_token(tmp_path) as (hub, _, file):
        file.write_text("new\n")
        await hub.notify(event)
        await renewed(hub, 1)


async def test_a_token_that_can_be_read_at_last_is_joined_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "TOKEN_LOOK_S", 0.02)
    async with FakeHub() as hub:
        house = House(hub.url, token_file=str(tmp_path / "token"))
        house.membership.join()
        await house.until(Input.WRONG_TOKEN)
        (tmp_path / "token").write_text("here\n")
        await house.until(Input.JOINED)
        await house.membership.left()


@pytest.mark.parametrize(("minutes", "what"), [(0, Input.KICKED), (60, Input.BANNED)])
async def test_who_is_put_out_knows_whether_it_may_come_back(minutes: int, what: Input) -> None:
    async with FakeHub() as hub:
        house = House(hub.url)
        house.membership.join()
        await house.until(Input.JOINED)
        await hub.notify(messages.CLIENT_BANNED, minutes=minutes)
        await hub.notify(messages.ERROR, code=errors.BANNED, reason="rule 1")
        assert await asyncio.wait_for(house.inputs.get(), seconds(10)) is what
        await house.membership.left()


async def test_a_redial_with_a_newer_token_keeps_the_seat_and_the_table_right(tmp_path: Path) -> None:
    async with with_a_token(tmp_path) as (hub, house, file):
        file.write_text("new\n")
        house.membership.join()
        async with asyncio.timeout(seconds(10)):
            while hub.visits[-1].texts[0].params["token"] != "new":
                await asyncio.sleep(0.01)
        assert "leave" not in hub.visits[0].methods() and house.inputs.empty()


async def test_of_two_with_one_uid_the_loser_stays_quiet_also_with_a_new_token(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "TOKEN_LOOK_S", 0.02)
    file = tmp_path / "token"
    file.write_text("")
    house = House(hub.url, token_file=str(file), uid=9)
    house.membership.join()
    await house.until(Input.JOINED)
    clone = await other(hub, 9)
    await house.until(Input.UID_CONFLICT)
    file.write_text("new\n")
    await asyncio.sleep(0.2)
    assert clone.is_connected() and not house.membership.held
    await house.membership.left()
    await clone.leave()


@pytest.mark.parametrize("nonsense", ["null\n", "x" * 200_000])
async def test_what_is_no_token_changes_nothing_and_the_next_one_is_used(
    nonsense: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "TOKEN_LOOK_S", 0.02)
    async with with_a_token(tmp_path) as (hub, _, file):
        file.write_text(nonsense)
        await asyncio.sleep(0.1)
        file.write_text("new\n")
        await renewed(hub, 1)
        assert renewals(hub) == ["new"]


def renewals(hub: FakeHub) -> list[str]:
    """The tokens that it was asked to go on with."""
    return [one.params["token"] for visit in hub.visits for one in visit.texts if one.method == messages.RENEW_TOKEN]


async def renewed(hub: FakeHub, times: int) -> None:
    await asked(hub, messages.RENEW_TOKEN, times)


async def asked(hub: FakeHub, method: str, times: int) -> None:
    async with asyncio.timeout(seconds(10)):
        while sum(one.method == method for visit in hub.visits for one in visit.texts) < times:
            await asyncio.sleep(0.01)


async def test_who_is_silenced_when_he_comes_says_so_once_and_stays_in_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with FakeHub() as hub:

        async def silences(visit: Visit, request: jsonrpc.Request) -> str | None:
            if request.method == messages.PUBLISH:
                return jsonrpc.failure(request.id, errors.SILENCED, "a rule of the hub keeps this device from talking")
            return await hub.obeys(visit, request)

        hub.answer = silences
        house = House(hub.url)
        house.membership.join()
        await house.until(Input.JOINED)
        async with asyncio.timeout(seconds(10)):
            while "not heard by the others" not in caplog.text:
                await asyncio.sleep(0.01)
        assert house.inputs.empty()
        assert house.membership.others.unheard == "a rule of the hub keeps this device from talking"
        hub.answer = hub.obeys
        await hub.notify(messages.HEARD_AGAIN)
        async with asyncio.timeout(seconds(10)):
            while house.membership.others.unheard:
                await asyncio.sleep(0.01)
        await house.membership.left()


async def test_a_token_that_cannot_be_read_is_a_wrong_one_and_never_quoted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "token").write_bytes(b"geheim \xff")
    house = House("ws://127.0.0.1:9", token_file=str(tmp_path / "token"))
    with caplog.at_level(logging.DEBUG):
        house.membership.join()
        await house.until(Input.WRONG_TOKEN)
    assert "cannot be read" in caplog.text and "geheim" not in caplog.text


@pytest.mark.parametrize(
    "code",
    [
        errors.LOGIN_FAILED,
        errors.TOKEN_MISSING,
        errors.TOKEN_INVALID,
        errors.TOKEN_EXPIRED,
        errors.TOKEN_UNEXPECTED,
        errors.BAD_REQUEST,
    ],
)
async def test_a_refusal_has_its_input(code: int) -> None:
    async with FakeHub() as hub:
        hub.answer = hub.refuses(code, "no")
        house = House(hub.url)
        house.membership.join()
        await house.until(Input.WRONG_TOKEN)
        await house.membership.left()


async def test_a_machine_without_a_network_is_told_from_one_without_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unplugged(*_: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    house = House("ws://192.0.2.1:8800")
    assert not house.membership.no_network
    monkeypatch.setattr(tcp, "connect", unplugged)
    house.membership.join()
    async with asyncio.timeout(seconds(10)):
        while not house.membership.no_network:
            await asyncio.sleep(0.02)
    await house.membership.left()
