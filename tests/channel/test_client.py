"""Client, as people import it, against a hub that does what a test says."""

import asyncio
import contextlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from device import jsonrpc
from device.channel import address, errors, messages, resolver, rtp, rules
from device.channel.client import LEAVE_S, Client
from device.channel.errors import ChannelError
from device.channel.messages import Stream
from device.channel.news import State
from tests.channel.fakehub import Certificates, FakeHub, Visit, make_certificates, silent_server
from tests.timing import seconds, until

APP_ID = "0123456789abcdef0123456789abcdef"


def client_of(*urls: str, **options: Any) -> Client:
    client = Client(urls, **options)
    client.init(APP_ID)
    return client


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("ca"))


async def left_in_time(client: Client) -> None:
    began = time.monotonic()
    await client.leave()
    names = {getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()}
    assert not names & {"Driver._dial", "Wire.say_goodbye"}, "nothing of it goes on afterwards"
    assert time.monotonic() - began < seconds(LEAVE_S + 0.2)
    assert client.status.state is State.LEFT


# A call


async def test_A3_A11_a_call_from_the_first_word_to_the_last() -> None:
    async with FakeHub() as hub:
        hub.streams = (Stream(3, "hall"),)
        client = client_of(hub.url)
        heard: list[Any] = []
        got_media = asyncio.Event()
        heard_events: list[tuple[str, dict[str, Any]]] = []

        def everything(event: str, params: dict[str, Any]) -> None:
            (heard_events if event == "connection-state-change" else heard).append((event, params))

        client.on("*", everything)

        def media(packet: rtp.Packet, arrived_ns: int) -> None:
            heard.append(packet)
            got_media.set()

        client.on("media", media)
        assert await client.join(None, "lobby", label="kitchen", role=rules.Role.BROADCASTER) == 4_711
        await client.publish()
        await client.subscribe(3)
        assert client.send(b"opus", 960, level_dbov=-30, first_of_spurt=True)
        await hub.say(rtp.Packet(3, 1, 2, b"hello").pack())
        async with asyncio.timeout(seconds(10)):
            await got_media.wait()
        status = client.status
        await client.unsubscribe(3)
        await client.unpublish()
        assert not client.send(b"opus", 1_920)
        await left_in_time(client)
        await hub.until(lambda: hub.visits[0].ended.is_set())
    visit = hub.visits[0]
    assert visit.methods() == ["join", "publish", "subscribe", "unsubscribe", "unpublish", "leave"]
    assert visit.texts[0].params == {
        "appId": APP_ID, "channel": "lobby", "uid": 0, "token": "", "role": "broadcaster", "label": "kitchen",
        "autoSubscribe": False,
    }  # fmt: skip
    sent = rtp.unpack(visit.media[0])
    assert (sent.ssrc, sent.timestamp, sent.payload, sent.marker, sent.level_dbov) == (4_711, 960, b"opus", True, -30)
    assert (visit.code, visit.reset) == (1000, False)
    assert (status.state, status.uid, status.channel, status.hub) == (State.IN_CALL, 4_711, "lobby", hub.url)
    changes = [params["state"] for event, params in heard_events if event == "connection-state-change"]
    assert changes == ["connecting", "connected", "disconnected"]
    assert heard == [
        ("connection-state", {"state": "joining"}),
        ("connection-state", {"state": "in-call"}),
        ("stream-added", {"uid": 3, "label": "hall"}),
        rtp.Packet(3, 1, 2, b"hello"),
        ("connection-state", {"state": "left"}),
    ]


async def test_A11_handlers_come_and_go() -> None:
    async with FakeHub() as hub:
        client, heard = client_of(hub.url), list[str]()
        client.on("connection-state", lambda params: heard.append(params["state"]))
        client.on("media", lambda packet, arrived_ns: heard.append("media"))
        await client.join(None, "lobby")
        client.off("connection-state")
        client.off("media")
        await hub.say(rtp.Packet(3, 1, 2, b"hello").pack())
        await client.publish()
        await client.leave()
        assert heard == ["joining", "in-call"]


async def test_A8_rejoin_is_a_new_connection_to_the_same_seat() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        await client.join(None, "lobby", uid=9)
        assert await client.rejoin() == 9
        assert [visit.methods()[0] for visit in hub.visits] == ["join", "rejoin"]
        assert hub.visits[1].texts[0].params["session"] == "a session"
        await left_in_time(client)


async def test_A7_E4_an_error_has_its_code_and_reason() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        hub.answer = hub.refuses(errors.LOGIN_FAILED, "token expired")
        with pytest.raises(ChannelError) as refused:
            await client.join("a token", "lobby")
        assert (refused.value.code, refused.value.reason) == (errors.LOGIN_FAILED, "token expired")
        assert client.status.state is State.JOINING, "tried again every 60 s"
        hub.answer = hub.obeys
        assert await client.rejoin()
        await left_in_time(client)


async def test_E8_a_hub_that_is_overloaded_is_asked_again() -> None:
    async with FakeHub() as hub:
        hub.http = lambda connection, request: connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        client = client_of(hub.url)
        joining = asyncio.ensure_future(client.join(None, "lobby"))
        await asyncio.sleep(seconds(0.4))
        hub.http = lambda connection, request: None
        async with asyncio.timeout(seconds(10)):
            assert await joining
        await left_in_time(client)


# What can be wrong before anything is sent


def test_E11_addresses_that_are_none_are_refused() -> None:
    for hubs in ([], ["http://hub"], ["ws://127.0.0.1", "hub"]):
        with pytest.raises(ChannelError) as refused:
            Client(hubs)
        assert refused.value.code == errors.NO_SERVER


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_cannot_be_read_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ChannelError, match=r"ca\.pem") as refused:
        Client(["wss://hub.example.org"], ca_file=str(path))
    assert "\n" not in str(refused.value)
    Client(["ws://127.0.0.1"], ca_file=str(path))


async def test_a_token_does_not_go_in_clear_to_another_machine(caplog: pytest.LogCaptureFixture) -> None:
    client = client_of("wss://hub.example.org", "ws://192.0.2.1:8800")
    with pytest.raises(ChannelError) as refused:
        await client.join("SECRET", "lobby")
    assert refused.value.code == errors.IN_CLEAR
    assert "insecure = true" in refused.value.reason
    assert client.status.state is State.LEFT
    insecure = client_of("ws://192.0.2.1:8800", insecure=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await insecure.join("SECRET", "lobby")
    assert "the token goes in clear to ws://192.0.2.1:8800" in caplog.text
    assert "SECRET" not in caplog.text


async def test_A2_E13_wrong_arguments_are_refused_at_once_without_a_code() -> None:
    client = Client(["ws://127.0.0.1:1"])
    with pytest.raises(ChannelError, match="init first"):
        await client.join(None, "lobby")
    for app_id in ("x", "", "null", None):
        with pytest.raises(ValueError, match="Invalid appId") as refused:
            client.init(app_id)  # type: ignore[arg-type]
        assert str(refused.value) == "Invalid appId"
    client.init(APP_ID)
    wrong: list[tuple[str, Callable[[], object]]] = [
        ("Invalid channel", lambda: client.join(None, "a/b")),
        ("Invalid channelKey", lambda: client.join("null", "lobby")),
        ("Invalid uid type", lambda: client.join(None, "lobby", uid=-1)),
        ("Invalid uid type", lambda: client.join(None, "lobby", uid="kitchen")),
        ("uid empty", lambda: client.join(None, "lobby", uid=" ", uid_type=1)),
        ("a label cannot contain control characters", lambda: client.join(None, "lobby", label="\n")),
        ("Invalid role", lambda: client.join(None, "lobby", role="king")),
        ("isAudioOnly should be boolean", lambda: client.join(None, "lobby", is_audio_only=1)),  # type: ignore[arg-type]
        ("Invalid uid type", lambda: client.rejoin(None, "lobby", 7, [0])),
        ("Invalid uid type", lambda: client.subscribe(0)),
        ("Invalid uid type", lambda: client.subscribe(True)),
        ("Invalid uid type", lambda: client.unsubscribe(2**32)),
        ('target should be "video", "audio" or "all"', lambda: client.mute(3, "smell")),
        ('target should be "video", "audio" or "all"', lambda: client.mute_local("")),
        ("a stream is 1 to 5", lambda: client.send_stream_message(b"x", 6)),
        ("a stream message has 1 to 1024 bytes, this one 1025", lambda: client.send_stream_message(bytes(1_025))),
        ("an interval is 0 (off), or more than 10 ms", lambda: client.enable_volume_indication(10)),
        ("the codec is opus: others are not offered", lambda: client.set_audio_codec(9)),
    ]
    for text, call in wrong:
        with pytest.raises(ValueError, match=re.escape(text)) as refused:
            call()
        assert str(refused.value) == text, "what is right is a note below it"
        assert not hasattr(refused.value, "code")
    with pytest.raises(ChannelError, match="join first"):
        await client.publish()
    with pytest.raises(ChannelError, match="join first"):
        await client.rejoin()
    await client.leave()


# TLS


async def test_a_call_over_tls(certificates: Certificates) -> None:
    async with FakeHub(tls=certificates.hub) as hub:
        client = client_of(hub.url, ca_file=certificates.ca_file)
        await client.join("a token", "lobby")
        await client.publish()
        assert client.send(bytes(60), 960)
        await hub.until(lambda: len(hub.visits[0].media) == 1)
        hub.visits[0].ws.transport.abort()
        await hub.until(lambda: len(hub.visits) == 2)
        await left_in_time(client)


async def test_a_hub_that_is_not_trusted_is_told_with_the_remedy(certificates: Certificates) -> None:
    async with FakeHub(tls=certificates.hub) as hub:
        client = client_of(hub.url)
        told: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        client.on("error", told.set_result)
        joining = asyncio.ensure_future(client.join("a token", "lobby"))
        async with asyncio.timeout(seconds(10)):
            error = await told
        assert error["code"] == errors.UNREACHABLE
        assert "set ca_file" in error["reason"]
        await left_in_time(client)
        with pytest.raises(ChannelError, match="left"):
            await joining


def resolver_threads() -> int:
    return sum(thread.name == "resolver" for thread in threading.enumerate())


async def test_a_name_server_that_is_back_is_asked_at_once_whoever_still_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was asked before is lost, and would be asked again after 5 s."""
    back, over, real = threading.Event(), threading.Event(), socket.getaddrinfo

    def network(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if host != "hub.example.org" or options.get("flags"):
            return real(host, port, *arguments, **options)
        if back.is_set():
            return real("127.0.0.1", port, *arguments, **options)
        assert over.wait(seconds(20))
        raise socket.gaierror(socket.EAI_AGAIN, "no name server")

    monkeypatch.setattr(socket, "getaddrinfo", network)
    async with FakeHub() as hub:
        client = client_of(f"ws://hub.example.org:{address.read(hub.url).port}")
        joining = asyncio.ensure_future(client.join(None, "lobby"))
        await asyncio.sleep(seconds(1.0))
        assert not joining.done()
        back.set()
        async with asyncio.timeout(seconds(1.0)):
            await joining
        await client.leave()
        over.set()
        await asyncio.to_thread(until, lambda: not resolver_threads())


# Leaving whatever the link does


async def test_A14_leaving_while_dns_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    may_answer, real = threading.Event(), socket.getaddrinfo

    def hangs(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if options.get("flags"):
            return real(host, port, *arguments, **options)
        assert may_answer.wait(seconds(20))
        raise socket.gaierror(socket.EAI_AGAIN, "no name server")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    client = client_of("ws://hub.example.org:8800")
    joining = asyncio.ensure_future(client.join(None, "lobby"))
    await asyncio.sleep(seconds(0.6))
    assert 1 <= resolver_threads() <= resolver.MAX_THREADS
    await left_in_time(client)
    may_answer.set()
    with pytest.raises(ChannelError, match="left"):
        await joining
    await asyncio.to_thread(until, lambda: not resolver_threads())


async def test_A14_leaving_while_the_hub_stands_still() -> None:
    async with silent_server() as url:
        client = client_of(url)
        joining = asyncio.ensure_future(client.join(None, "lobby"))
        await asyncio.sleep(seconds(0.3))
        await left_in_time(client)
        with pytest.raises(ChannelError, match="left"):
            await joining


async def test_A14_leaving_a_hub_that_reads_nothing_any_more() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        await client.join(None, "lobby")
        hub.visits[0].ws.transport.pause_reading()
        await left_in_time(client)


async def test_a_connection_half_open_is_replaced_and_the_old_one_reset() -> None:
    """The hub's process neither reads nor writes on it any more; its kernel still acknowledges."""
    async with FakeHub() as hub:
        hub.ping_ms = 100
        client = client_of(hub.url)
        await client.join(None, "lobby")
        hub.visits[0].ws.transport.pause_reading()
        await hub.until(lambda: len(hub.visits) == 2 and hub.visits[1].methods() != [])
        assert hub.visits[1].methods()[0] == "rejoin"
        async with asyncio.timeout(seconds(10)):
            while client.status.reconnects == 0:
                await asyncio.sleep(0.001)
        hub.visits[0].ws.transport.resume_reading()
        await hub.until(lambda: hub.visits[0].ended.is_set())
        assert hub.visits[0].reset
        assert client.status.state is State.IN_CALL
        await left_in_time(client)


async def test_A14_a_join_that_is_cancelled_leaves() -> None:
    async with silent_server() as url:
        client = client_of(url)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds(0.05)):
                await client.join(None, "lobby")
        assert client.status.state is State.LEFT
        await left_in_time(client)


async def test_a_rejoin_that_is_cancelled_in_a_call_does_not_leave() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        await client.join(None, "lobby")
        hub.answer = lambda visit, request: asyncio.sleep(0, None)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds(0.05)):
                await client.rejoin()
        assert client.status.state.value == "in-call"
        hub.answer = hub.obeys
        async with asyncio.timeout(seconds(10)):
            assert await client.rejoin() == client.status.uid
        await left_in_time(client)


async def test_H7_another_device_with_this_uid_ends_it_for_good() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        gone = asyncio.Event()
        await client.join(None, "lobby", uid=9)
        client.on("error", lambda params: gone.set() if params["code"] == errors.UID_CONFLICT else None)
        await hub.notify("error", code=errors.UID_CONFLICT, reason="another device joined with this uid")
        async with asyncio.timeout(seconds(10)):
            await gone.wait()
        await asyncio.sleep(seconds(0.5))
        assert (client.status.state, len(hub.visits)) == (State.LEFT, 1)


async def test_a_goodbye_that_comes_with_the_reason_for_it_is_heard_once() -> None:
    """The hub says why and closes in one segment: the client is done with the connection when the close is read."""
    async with FakeHub() as hub:
        client, failures = client_of(hub.url), list[object]()
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
        await client.join(None, "lobby", uid=9)
        ws = hub.visits[0].ws
        reason = jsonrpc.notification("error", {"code": errors.UID_CONFLICT, "reason": "another device"})
        ws.protocol.send_text(reason.encode())
        ws.protocol.send_close(messages.CLOSE_UID_CONFLICT, "another device")
        ws.transport.write(b"".join(ws.protocol.data_to_send()))
        async with asyncio.timeout(seconds(10)):
            await hub.visits[0].ended.wait()
        assert (client.status.state, failures) == (State.LEFT, [])


# What it costs


def test_the_library_needs_no_sound_and_little_else() -> None:
    code = "import sys, device.channel.client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    foreign = {name.split(".")[0] for name in loaded} & {"alsaaudio", "opuslib", "gpiozero", "systemd", "numpy"}
    assert foreign == set()
    assert not {"device.audio", "device.hub", "websockets.legacy", "websockets.sync"} & set(loaded)


async def test_a_handshake_context_is_made_once(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    made = list[ssl.SSLContext]()
    real = ssl.create_default_context

    def make(**options: Any) -> ssl.SSLContext:
        made.append(real(**options))
        return made[-1]

    monkeypatch.setattr(ssl, "create_default_context", make)
    async with FakeHub(tls=certificates.hub) as hub:
        client = client_of(hub.url, ca_file=certificates.ca_file)
        await client.join(None, "lobby")
        await client.rejoin()
        await client.leave()
    assert len(made) == 1


async def test_requests_that_a_hub_answers_strangely_raise_nothing_else() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        await client.join(None, "lobby")
        hub.answer = lambda visit, request: asyncio.sleep(0, jsonrpc.failure(request.id, 12_345, "\x1b[2J" * 1_000))
        with pytest.raises(ChannelError) as refused:
            await client.publish()
        assert refused.value.reason.startswith("?[2J?")
        assert len(refused.value.reason) == errors.REASON_MAX_CHARACTERS
        await left_in_time(client)


# Role and token


async def test_A17_the_role_that_was_set_before_is_that_of_the_join_unless_it_names_another() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        roles = []
        for role, named in (("audience", None), ("audience", "broadcaster"), ("broadcaster", None)):
            await client.set_role(role)
            await client.join(None, "lobby", role=rules.Role(named) if named else None)
            roles.append(hub.visits[-1].texts[0].params["role"])
            await client.leave()
        assert roles == ["audience", "broadcaster", "broadcaster"]
        for wrong in ("host", "", "Audience"):
            with pytest.raises(ValueError, match=r"^Invalid role"):
                await client.set_role(wrong)


async def test_A22_a_new_token_needs_a_seat_that_is_wanted_and_a_way_that_nobody_listens_to() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        with pytest.raises(ChannelError) as refused:
            await client.renew_token("007")
        assert refused.value.code == errors.OUT_OF_ORDER
        with pytest.raises(ValueError, match="a token is needed"):
            await client.renew_token("")
        await client.leave()
    far = client_of("ws://192.0.2.1:1")
    with pytest.raises(ChannelError) as refused:
        await far.renew_token("007")
    assert refused.value.code == errors.IN_CLEAR


async def test_A22_a_rejoin_has_the_newest_token_whichever_call_brought_it() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)

        def asked_with() -> str:
            token: str = [one for visit in hub.visits for one in visit.texts if "token" in one.params][-1].params[
                "token"
            ]
            return token

        await client.join("first", "lobby", 7)
        await client.renew_token("second")
        await client.rejoin("third", "lobby", 7)
        assert asked_with() == "third"
        await client.renew_token("fourth")
        await client.leave()
        await client.rejoin()
        assert asked_with() == "fourth"
        await client.leave()


async def test_A22_a_renewal_that_is_refused_at_the_door_leaves_the_old_token_good() -> None:
    async with FakeHub() as hub:

        async def answer(visit: Visit, request: jsonrpc.Request) -> str | None:
            if request.params.get("token") == "bad":
                return jsonrpc.failure(request.id, errors.TOKEN_INVALID, "no")
            return await hub.obeys(visit, request)

        hub.answer = answer
        client = client_of(hub.url)
        await client.join("good", "lobby", 7)
        await hub.stop()
        renewal = client.renew_token("bad")
        await hub.__aenter__()
        with pytest.raises(ChannelError) as error:
            await renewal
        assert error.value.code == errors.TOKEN_INVALID
        async with asyncio.timeout(seconds(10)):
            while not client.is_connected():
                await asyncio.sleep(0.01)
        await client.leave()


async def test_A14_a_join_that_was_given_up_does_not_end_the_next_one() -> None:
    async with FakeHub() as hub:
        client = client_of(hub.url)
        client.join(None, "lobby", 1).cancel()
        assert await client.join(None, "attic", 1)
        await client.leave()


async def test_A15_a_destroyed_client_does_nothing_more_also_where_nobody_has_to_be_asked() -> None:
    client = client_of("ws://127.0.0.1:9")
    await client.destroy()
    for outcome in (client.set_role("audience"), client.mute_local("video")):
        with pytest.raises(ChannelError) as error:
            await outcome
        assert error.value.code == errors.OUT_OF_ORDER


async def test_what_a_handler_asks_for_comes_after_what_has_happened() -> None:
    async with FakeHub() as hub:
        client, states = client_of(hub.url), list[str]()
        client.on("connection-state", lambda told: client.leave() if told["state"] == "in-call" else None)
        client.on("*", lambda event, told: states.append(told["state"]) if event == "connection-state" else None)
        with contextlib.suppress(ChannelError):
            await client.join(None, "lobby", 1)
        assert states == ["joining", "in-call", "left"]
