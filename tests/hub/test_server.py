"""The hub on real sockets: what passes, what is refused, and what one client can do to the others."""

import asyncio
import contextlib
import json
import socket
import ssl
import time
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from device import jsonrpc
from device.channel import rtp, rules
from device.hub import limits
from device.hubapp import Hub
from tests.hub.deaf import deaf, raw
from tests.hub.guest import Guest, guest, honest_call
from tests.hub.house import APP
from tests.hub.plain import UPGRADE
from tests.timing import seconds


async def get(hub: Hub, path: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of a page."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
    async with asyncio.timeout(seconds(10)):
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    status, *lines = head.split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in lines), body


async def test_an_honest_call_loses_nothing() -> None:
    async with Hub("127.0.0.1:0") as hub, honest_call(hub.url):
        pass


async def test_a_call_through_tls_loses_nothing(certificate: tuple[str, str]) -> None:
    trust = ssl.create_default_context(cafile=certificate[0])
    async with Hub("127.0.0.1:0", tls_cert=certificate[0], tls_key=certificate[1]) as hub:
        assert hub.url.startswith("wss://")
        async with honest_call(hub.url, tls=trust):
            pass


async def test_packets_pass_byte_for_byte_whatever_their_length() -> None:
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as talker, guest(hub.url) as listener:
        await listener.join(autoSubscribe=True)
        await talker.join(7)
        await talker.ask("publish")
        sent = []
        for sequence, size in enumerate((1, 105, 106, 113, 114, 1_288)):
            await talker.speak(sequence, b"p" * size)
            sent.append(rtp.Packet(7, sequence, sequence * 960, b"p" * size).pack())
        await listener.until(lambda: len(listener.packets) == len(sent))
        assert listener.packets == sent and len(sent[-1]) == rtp.MAX_PACKET_BYTES


async def test_healthz_tells_how_busy_it_is() -> None:
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as someone:
        await someone.join()
        status, headers, body = await get(hub, "/healthz")
        assert (status, headers["Content-Type"]) == (200, "application/json")
        health = json.loads(body)
        assert health["joins_refused"] == 0
        assert health["status"] == "ok" and (health["channels"], health["seats"], health["streams"]) == (1, 1, 0)


async def test_other_pages_say_where_to_go() -> None:
    async with Hub("127.0.0.1:0") as hub:
        status, _, body = await get(hub, "/")
        assert status == 404 and body == "The channel is at /v1, the health at /healthz.\n"


async def test_another_subprotocol_is_refused() -> None:
    async with Hub("127.0.0.1:0") as hub:
        for offer in (None, [Subprotocol("chat")]):
            with pytest.raises(InvalidStatus) as refusal:
                async with guest(hub.url, subprotocols=offer):
                    pass
            assert refusal.value.response.status_code == 400


async def test_a_full_hub_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS_PER_ADDRESS", 1)
    async with Hub("127.0.0.1:0") as hub:
        async with guest(hub.url):
            with pytest.raises(InvalidStatus) as refusal:
                async with guest(hub.url):
                    pass
            response = refusal.value.response
            assert (response.status_code, response.body) == (503, b"too many connections from this address\n")
        async with asyncio.timeout(seconds(10)):
            while hub.snapshot()["connections"]:
                await asyncio.sleep(0)
        async with guest(hub.url) as someone:
            await someone.join()


async def test_a_lost_connection_keeps_its_seat() -> None:
    async with Hub("127.0.0.1:0") as hub, honest_call(hub.url, "lobby") as listener:
        async with guest(hub.url) as someone:
            seat = await someone.join(7, autoSubscribe=True)
            someone.socket.transport.abort()
            await someone.closed()
        async with guest(hub.url) as someone:
            claim = {"appId": APP, "channel": "lobby", "uid": 7, "session": seat["session"]}
            assert (await someone.ask("rejoin", **claim))["resumed"]
            await someone.until(lambda: someone.packets)
        assert [news for news in listener.news if news[1].get("uid") == 7] == [("user-joined", {"uid": 7, "label": ""})]


async def test_leaving_and_closing_in_one_breath_frees_the_seat() -> None:
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as other:
        await other.join()
        async with guest(hub.url) as someone:
            await someone.join(7)
            await someone.socket.send(jsonrpc.request("bye", "leave", {}))
        await other.until(lambda: ("user-left", {"uid": 7, "reason": "quit"}) in other.news)


async def test_a_message_may_come_in_pieces() -> None:
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as talker, guest(hub.url) as listener:
        await listener.join(autoSubscribe=True)
        text = jsonrpc.request(99, "join", {"appId": APP, "channel": "lobby", "uid": 7})
        await talker.socket.send([text[:10], text[10:20], text[20:]])
        await talker.ask("publish")
        packet = rtp.Packet(7, 1, 960, b"opus").pack()
        await talker.socket.send([packet[:5], packet[5:]])
        await listener.until(lambda: listener.packets == [packet])


async def pieces(someone: Guest) -> None:
    await someone.socket.send(["x"] * 200)


async def pings(someone: Guest) -> None:
    with contextlib.suppress(Exception):  # closed in the middle of it
        for _ in range(limits.RARITY_BURST * 2):
            await someone.socket.ping()


async def a_long_text(someone: Guest) -> None:
    await someone.socket.send("x" * (rules.MAX_TEXT_BYTES + 1))


@pytest.mark.parametrize(("abuse", "code"), [(pieces, 1009), (pings, 1008), (a_long_text, 1009)])
async def test_abuse_of_the_websocket_is_closed_with_a_reason(abuse: Any, code: int) -> None:
    async with Hub("127.0.0.1:0") as hub, honest_call(hub.url), guest(hub.url) as someone:
        await abuse(someone)
        got, reason = await someone.closed()
        assert got == code and reason


async def test_who_never_joins_is_closed_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JOIN_WITHIN_S", 0.1)
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as someone:
        code, reason = await someone.closed()
        assert code == 1008 and reason and reason.startswith("no join within")


async def test_who_does_not_even_shake_hands_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JOIN_WITHIN_S", 0.1)
    async with Hub("127.0.0.1:0") as hub:
        sock = raw(hub)
        reader, writer = await asyncio.open_connection(sock=sock)
        async with asyncio.timeout(seconds(10)):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


async def test_stopping_takes_less_than_half_a_second_whatever_clients_do(certificate: tuple[str, str]) -> None:
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as someone:
        await someone.join(1)
        await someone.ask("publish")
        sleeper, stranger, halfway = await deaf(hub, 2), raw(hub), raw(hub)
        halfway.sendall(UPGRADE[:50])
        for sequence in range(150):
            await someone.speak(sequence, b"p" * 1_200)
        await someone.ask("ping")
        began = time.monotonic()
        await hub.stop()
        assert time.monotonic() - began < seconds(0.5)
        assert await someone.closed() == (1001, "the hub is stopping")
        for sock in (sleeper, stranger, halfway):
            sock.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", hub.port))
    await hub.stop()  # again, harmless


async def test_stopping_does_not_wait_for_a_tls_handshake(certificate: tuple[str, str]) -> None:
    async with Hub("127.0.0.1:0", tls_cert=certificate[0], tls_key=certificate[1]) as hub:
        before = asyncio.all_tasks()
        sock = raw(hub)
        while not (handshake := asyncio.all_tasks() - before):
            await asyncio.sleep(0)
        began = time.monotonic()
        await hub.stop()
        assert time.monotonic() - began < seconds(0.6)
        sock.close()
        await asyncio.wait(handshake, timeout=seconds(10))


async def test_two_hubs_live_in_one_process() -> None:
    async with (
        Hub("127.0.0.1:0") as one,
        Hub("127.0.0.1:0") as two,
        honest_call(one.url) as first,
        honest_call(two.url) as second,
    ):
        assert first.packets and second.packets and one.port != two.port
