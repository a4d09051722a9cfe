"""What a client asks for in its seat, with a real hub: each call, and what the others hear of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.channel import errors, rules
from device.channel.calls import Played
from device.channel.client import Client
from device.channel.errors import ChannelError
from device.channel.news import State
from device.hub import limits
from device.hub.seating import Seating
from device.hubapp import Hub
from tests.channel.test_client_with_hub import APP_ID, Person, call
from tests.timing import seconds


@asynccontextmanager
async def two() -> AsyncIterator[tuple[Hub, Person, Person]]:
    async with Hub("127.0.0.1:0") as hub, call(hub) as (kitchen, hall):
        yield hub, kitchen, hall


def events(person: Person, *names: str) -> list[tuple[str, Any]]:
    return [(name, params) for name, params in person.events if name in names]


async def refused(outcome: Any) -> int:
    with pytest.raises(ChannelError) as error:
        await outcome
    assert error.value.reason
    return error.value.code


# As the documented examples have it


async def test_A28_the_example_of_the_documentation_with_callbacks_alone() -> None:
    """init, join, publish, and in the handler of stream-added subscribe; nothing is awaited but what they tell."""
    async with two() as (hub, kitchen, _):
        client, heard = Client([hub.url]), asyncio.get_running_loop().create_future()
        published = asyncio.get_running_loop().create_future()

        def failed(error: ChannelError) -> None:
            heard.set_exception(error)

        def subscribe(stream: dict[str, Any]) -> None:
            client.subscribe(
                stream["uid"],
                lambda url, rotation: heard.set_result((url, rotation)) if stream["uid"] == 1 else None,
                failed,
            )

        def joined(uid: int) -> None:
            client.publish(published.set_result, failed)

        client.on("stream-added", subscribe)
        client.init(APP_ID, lambda: client.join(None, "lobby", 3, joined, failed), failed)
        async with asyncio.timeout(seconds(10)):
            assert await heard == (f"{hub.url}/v1/lobby/1", 0)
            assert await published == f"{hub.url}/v1/lobby/3"
        await kitchen.until(lambda: 3 in kitchen.seen("stream-added"))
        left = asyncio.Event()
        client.leave(left.set)
        async with asyncio.timeout(seconds(10)):
            await left.wait()
        await kitchen.until(lambda: 3 in kitchen.seen("user-left"))


async def test_A28_a_call_that_nobody_awaits_runs_all_the_same() -> None:
    async with two() as (_, kitchen, hall):
        kitchen.client.unpublish()
        await hall.until(lambda: hall.seen("stream-removed") == [1])


async def test_A9_A12_publish_and_subscribe_name_the_stream() -> None:
    async with two() as (hub, kitchen, hall):
        assert await kitchen.client.publish() == f"{hub.url}/v1/lobby/1"
        played = await hall.client.subscribe(1, video=False)
        assert played == Played(f"{hub.url}/v1/lobby/1", 0)
        url, rotation = played
        assert (url, rotation) == (played.url, played.rotation)


async def test_A10_B2_who_unpublishes_stays_and_is_heard_no_more() -> None:
    async with two() as (_, kitchen, hall):
        await kitchen.client.unpublish()
        await hall.until(lambda: hall.seen("stream-removed") == [1])
        assert hall.seen("user-left") == []
        await kitchen.client.publish()
        await hall.until(lambda: hall.seen("stream-added") == [1, 1])


async def test_A13_B1_an_unsubscribed_stream_is_silent_and_the_others_are_not() -> None:
    async with two() as (hub, kitchen, hall):
        third = Person(hub.url)
        await third.client.join(None, "lobby", 3)
        assert sorted(third.seen("stream-added")) == [1, 2], "those of before are told at join"
        for uid in (1, 2):
            await third.client.subscribe(uid)
        await third.client.unsubscribe(1)
        kitchen.say()
        await third.hears(hall, 3)
        assert {packet.ssrc for packet in third.packets} == {2}
        await third.client.leave()


# Seats


async def test_A4_a_uid_that_is_not_named_is_assigned_and_returned() -> None:
    async with Hub("127.0.0.1:0") as hub:
        one, other = Person(hub.url), Person(hub.url)
        uids = [await one.client.join(None, "lobby", None), await other.client.join(None, "lobby", 0)]
        assert len(set(uids)) == 2 and all(1 <= uid <= rules.UID_MAX for uid in uids)
        assert [person.client.status.uid for person in (one, other)] == uids
        await asyncio.gather(one.client.leave(), other.client.leave())


async def test_A5_a_call_is_audio_only_in_any_case_and_uids_may_be_digits() -> None:
    async with Hub("127.0.0.1:0") as hub:
        person = Person(hub.url)
        assert await person.client.join(None, "lobby", "77", is_audio_only=True, uid_type=0) == 77
        await person.client.leave()


async def test_A6_joining_twice_is_one_seat_and_joining_elsewhere_leaves_first() -> None:
    async with two() as (hub, kitchen, hall):
        assert await kitchen.client.join(None, "lobby", 1, label="person 1", auto_subscribe=True) == 1
        assert hub.snapshot()["seats"] == 2 and hall.seen("user-left") == []
        assert await kitchen.client.join(None, "cellar", 1) == 1
        await hall.until(lambda: hall.seen("user-left") == [1])
        assert (hub.snapshot()["seats"], hub.snapshot()["channels"]) == (2, 2)


async def test_A1_several_clients_in_one_process_share_nothing() -> None:
    async with Hub("127.0.0.1:0") as one, Hub("127.0.0.1:0") as other:
        people = [Person(one.url), Person(one.url), Person(other.url)]
        for uid, person in enumerate(people, 1):
            await person.client.join(None, "lobby", uid, auto_subscribe=True)
            await person.client.publish()
        await people[1].hears(people[0])
        await people[0].client.mute(2)
        await people[0].client.leave()
        await people[1].until(lambda: people[1].seen("user-left") == [1])
        assert [person.client.is_connected() for person in people] == [False, True, True]
        assert people[2].events and not people[2].packets, "another hub is another world"
        await asyncio.gather(*(person.client.leave() for person in people))


async def test_A14_leaving_is_harmless_without_a_seat_and_ends_a_join_that_is_not_done() -> None:
    client = Client(["ws://127.0.0.1:9"])
    client.init(APP_ID)
    await client.leave()
    joining = client.join(None, "lobby")
    await client.leave()
    assert await refused(joining) == errors.OUT_OF_ORDER
    async with Hub("127.0.0.1:0") as hub:
        again = Person(hub.url)
        for _ in range(2):
            await again.client.join(None, "lobby")
            await again.client.leave()


async def test_A15_a_destroyed_client_has_no_sockets_no_handlers_and_no_more_calls() -> None:
    async with two() as (hub, kitchen, _):
        person = Person(hub.url)
        await person.client.join(None, "lobby", 3)
        destroyed = asyncio.Event()
        told = len(person.events)
        await person.client.destroy(destroyed.set)
        await kitchen.until(lambda: kitchen.seen("user-left") == [3])
        async with asyncio.timeout(seconds(10)):
            await destroyed.wait()
            while hub.snapshot()["connections"] != 2:
                await asyncio.sleep(0.005)
        assert len(person.events) <= told + 2, "nothing but that it has left"
        for outcome in (person.client.join(None, "lobby", 3), person.client.publish(), person.client.rejoin()):
            assert await refused(outcome) == errors.OUT_OF_ORDER
        assert not person.client.is_connected()


async def test_A16_whether_it_is_connected_and_where() -> None:
    async with Hub("127.0.0.1:0") as hub:
        person = Person(hub.url)
        assert not person.client.is_connected()
        await person.client.join(None, "lobby", 5)
        status = person.client.status
        assert person.client.is_connected()
        assert (status.state, status.uid, status.channel, status.hub) == (State.IN_CALL, 5, "lobby", hub.url)
        await person.client.leave()
        assert not person.client.is_connected()


async def test_A23_B3_a_stream_moves_to_a_new_connection_without_a_gap() -> None:
    async with two() as (hub, kitchen, hall):
        await hall.hears(kitchen)
        assert await kitchen.client.update_push_url() == f"{hub.url}/v1/lobby/1"
        await hall.hears(kitchen)
        assert hall.seen("stream-removed") == hall.seen("user-left") == hall.seen("update-url") == []
        stranger = Client([hub.url])
        assert await refused(stranger.update_push_url()) == errors.OUT_OF_ORDER


# Coming back with a list


@pytest.fixture
def long_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that has just started waits before it says who is missing; these have been there for long."""
    monkeypatch.setattr(limits, "SETTLE_S", 0.0)
    monkeypatch.setattr(Seating, "_complete_at", property(lambda seating: seating._started))


@pytest.mark.usefixtures("long_running")
async def test_A8_a_new_client_comes_back_with_a_list_and_hears_the_difference() -> None:
    """The client of before is destroyed, as the documented example does it; meanwhile one goes and one comes."""
    async with two() as (hub, kitchen, hall):
        before = Person(hub.url)
        await before.client.join(None, "lobby", 9)
        await before.client.destroy()
        await hall.client.leave()
        await kitchen.until(lambda: 2 in kitchen.seen("user-left"))
        newcomer = Person(hub.url)
        await newcomer.client.join(None, "lobby", 4, label="cellar")
        await newcomer.client.publish()

        after = Person(hub.url)
        assert await after.client.rejoin(None, "lobby", 9, [1, 2, 9]) == 9
        await after.client.publish()
        assert events(after, "stream-added", "stream-removed", "user-joined", "user-left") == [
            ("user-joined", {"uid": 4, "label": "cellar"}),
            ("stream-removed", {"uid": 2}),
            ("stream-added", {"uid": 4, "label": "cellar"}),
            ("user-left", {"uid": 2, "reason": "dropped"}),
        ]
        assert events(after, "update-url") == [("update-url", {"uid": 1, "url": f"{hub.url}/v1/lobby/1"})]
        await after.hears(kitchen)  # who was known is subscribed again
        newcomer.say()
        await kitchen.hears(after)
        assert {packet.ssrc for packet in after.packets} == {1}
        await asyncio.gather(after.client.leave(), newcomer.client.leave())


async def test_A8_on_a_client_that_sits_there_it_is_the_same_seat_with_a_new_token() -> None:
    async with two() as (_, kitchen, hall):
        session = kitchen.client.status.ticket
        uid = await kitchen.client.rejoin("another token", "lobby", 1, [2], label="person 1", auto_subscribe=True)
        assert uid == 1 and kitchen.client.status.ticket == session
        await hall.hears(kitchen)
        assert hall.seen("user-left") == hall.seen("stream-removed") == []
        assert kitchen.seen("stream-added") == [2]


@pytest.mark.usefixtures("long_running")
async def test_A8_anywhere_else_it_is_another_seat() -> None:
    async with two() as (_, kitchen, hall):
        assert await kitchen.client.rejoin(None, "cellar", 1, [2]) == 1
        await hall.until(lambda: hall.seen("user-left") == [1])
        assert kitchen.client.status.channel == "cellar"
        assert kitchen.seen("stream-removed") == [2] and kitchen.seen("user-left") == [2]


# Silence


async def test_A20_E3_a_muted_stream_is_received_no_more_and_stays_subscribed() -> None:
    async with two() as (hub, kitchen, hall):
        third = Person(hub.url)
        await third.client.join(None, "lobby", 3)
        assert await refused(third.client.mute(1)) == errors.MALFORMED == 430, "subscribe first"
        await third.client.subscribe(1)
        await third.hears(kitchen)
        await third.client.mute(1)
        before = len(third.packets)
        await hall.hears(kitchen)
        await third.client.unsubscribe(2)
        assert len(third.packets) == before
        await third.client.mute(1, "video")
        await third.client.unmute(1)
        await third.hears(kitchen)
        await third.client.leave()


async def test_A20_what_is_muted_is_not_heard_after_the_hub_has_started_anew(tmp_path: Path) -> None:
    async with Hub("127.0.0.1:0", state_dir=tmp_path) as hub, call(hub) as (kitchen, hall):
        await hall.client.mute(1)
        await hub.stop()
        await hall.until(lambda: hall.client.status.state is State.OFFLINE)
        async with Hub(f"127.0.0.1:{hub.port}", state_dir=tmp_path):
            for person in (kitchen, hall):
                await person.until(lambda person=person: person.client.is_connected())  # type: ignore[misc]
            await kitchen.hears(hall)
            for _ in range(20):
                kitchen.say()
            await kitchen.client.send_stream_message(b"that was all")
            await hall.until(lambda: hall.seen("stream-message") == [1])
            assert hall.packets == []
            await hall.client.unmute(1)
            await hall.hears(kitchen)


async def test_A12_a_subscription_without_audio_is_silent_until_it_is_unmuted() -> None:
    async with two() as (hub, kitchen, hall):
        third = Person(hub.url)
        await third.client.join(None, "lobby", 3)
        assert (await third.client.subscribe(1, audio=False)).rotation == 0
        await hall.hears(kitchen)
        await third.client.unsubscribe(2)
        assert third.packets == []
        await third.client.unmute(1)
        await third.hears(kitchen)
        await third.client.leave()


async def test_A19_B4_who_mutes_himself_sends_nothing_and_stays_published() -> None:
    async with two() as (_, kitchen, hall):
        await kitchen.client.mute_local()
        await hall.until(lambda: hall.seen("mute-audio") == [1])
        assert not kitchen.client.send(b"opus", 0)
        assert hall.seen("stream-removed") == []
        await kitchen.client.rejoin()
        assert not kitchen.client.send(b"opus", 0)
        await kitchen.client.unmute_local("all")
        await hall.until(lambda: hall.seen("unmute-audio") == [1])
        await hall.hears(kitchen)
        assert len(hall.seen("mute-audio")) == 1


async def test_B18_who_joins_muted_is_there_for_those_of_before_and_those_who_come_later() -> None:
    async with two() as (hub, kitchen, _):
        quiet, later = Person(hub.url), Person(hub.url)
        await quiet.client.join(None, "lobby", 8, label="quiet", muted=True)
        await kitchen.until(lambda: 8 in kitchen.seen("mute-audio"))
        assert events(kitchen, "user-joined")[-1] == ("user-joined", {"uid": 8, "label": "quiet"})
        await later.client.join(None, "lobby", 9)
        assert sorted(later.seen("user-joined")) == [1, 2, 8]
        assert later.seen("mute-audio") == [8]
        await quiet.client.publish()
        assert not quiet.client.send(b"opus", 0)
        await asyncio.gather(quiet.client.leave(), later.client.leave())


# Stream messages, volume and quality


async def test_B15_a_stream_message_reaches_everybody_else_once() -> None:
    async with two() as (hub, kitchen, hall):
        listener = Person(hub.url)
        await listener.client.join(None, "lobby", 3, role=rules.Role.AUDIENCE)
        await kitchen.client.send_stream_message(bytes(range(256)), 5)
        for person in (hall, listener):
            await person.until(lambda person=person: bool(person.seen("stream-message")))  # type: ignore[misc]
            assert events(person, "stream-message") == [
                ("stream-message", {"uid": 1, "stream": 5, "data": bytes(range(256))})
            ]
        assert kitchen.seen("stream-message") == []
        assert await refused(listener.client.send_stream_message(b"x")) == errors.AUDIENCE_CANNOT_PUBLISH
        await listener.client.leave()


async def test_B13_levels_of_packets_are_told_as_often_as_asked_for() -> None:
    async with two() as (_, kitchen, hall):
        hall.client.enable_volume_indication(20)
        kitchen.client.enable_volume_indication(20)
        await hall.hears(kitchen)

        def loud(person: Person, uid: int) -> bool:
            told = [one for _, params in events(person, "volume-indication") for one in params["speakers"]]
            return any(one["uid"] == uid and one["level_dbov"] == -30 and one["speaking"] for one in told)

        await hall.until(lambda: loud(hall, 1))
        await kitchen.until(lambda: loud(kitchen, 1))
        hall.client.enable_volume_indication(0)
        before = len(events(hall, "volume-indication"))
        await hall.hears(kitchen, 30)
        assert len(events(hall, "volume-indication")) == before


async def test_B14_the_quality_of_a_good_way_is_told_to_who_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.channel.quality.EVERY_S", 0.1)
    async with two() as (hub, _, _):
        told: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        wants = Client([hub.url])
        wants.init(APP_ID)
        await wants.join(None, "lobby", 3, auto_subscribe=True)
        wants.on("network-quality", lambda params: None if told.done() else told.set_result(params))
        async with asyncio.timeout(seconds(10)):
            quality = await told
        assert (quality["uplink"], quality["downlink"]) == (1, 1)
        assert quality["users"] == 2 and quality["rtt_ms"] < 100
        wants.off("network-quality")
        await wants.leave()


# Codes


async def test_E1_E5_E6_E7_each_refusal_has_its_code() -> None:
    async with Hub("127.0.0.1:0", app_ids=["f" * 32]) as hub:
        stranger = Person(hub.url)
        assert await refused(stranger.client.join(None, "lobby")) == errors.BAD_REQUEST == 401
        await stranger.client.leave()
    async with two() as (hub, _, _):
        listener = Person(hub.url)
        assert await refused(listener.client.publish()) == errors.OUT_OF_ORDER == 434
        await listener.client.join(None, "lobby", 3, role="audience")
        assert await refused(listener.client.subscribe(99)) == errors.NOT_A_BROADCASTER == 432
        for call_of in (listener.client.publish, listener.client.unpublish):
            assert await refused(call_of()) == errors.AUDIENCE_CANNOT_PUBLISH == 433
        await listener.client.leave()


async def test_E2_who_asks_too_often_is_told_so() -> None:
    async with two() as (_, kitchen, _):
        codes = list[int]()
        for _ in range(20):
            kitchen.client.ring(0, None, lambda error: codes.append(error.code))
        assert await refused(kitchen.client.ring()) == errors.TOO_FREQUENT == 429
        assert set(codes) == {429}


async def test_B5_E12_a_lost_connection_is_904_and_the_call_goes_on() -> None:
    async with two() as (hub, kitchen, hall):
        await hub.stop()
        await hall.until(lambda: bool(events(hall, "error")))
        assert events(hall, "error")[0][1]["code"] == errors.DISCONNECTED == 904
        assert 503 not in [params["code"] for _, params in events(hall, "error")]
        assert "reconnecting" in [name for name, _ in hall.events]
        async with Hub(f"127.0.0.1:{hub.port}"):
            await hall.until(lambda: bool(events(hall, "rejoined")))
            await kitchen.until(lambda: kitchen.client.is_connected())
            await hall.hears(kitchen)
        changes = [params["state"] for _, params in events(hall, "connection-state-change")]
        assert changes[:4] == ["connecting", "connected", "reconnecting", "connected"]
