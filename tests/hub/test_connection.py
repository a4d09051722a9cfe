"""One websocket of the hub: what it takes of a handshake, and that no address keeps the others waiting.

What is refused on an open one stands in test_bad_input.py and test_server.py; who does not read, in
test_slow_listeners.py.
"""

import asyncio
import contextlib
import gc
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any

import pytest

from device import jsonrpc
from device.channel import messages, rtp, rules
from device.hub import connection, limits
from device.hub.backlog import KEEP_BYTES
from device.hub.frames import text_frame
from device.hub.turns import Account, Share
from device.hubapp import Hub
from tests.hub.deaf import deaf, raw
from tests.hub.guest import guest, honest_call
from tests.hub.house import APP
from tests.hub.plain import UPGRADE, masked
from tests.timing import seconds


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """What comes until the hub has closed."""
    async with asyncio.timeout(seconds(10)):
        with contextlib.suppress(ConnectionResetError):
            return await reader.read()
    return b""


@pytest.mark.parametrize("line", [b"X-Y: " + b"z" * 4_000 + b"\r\n", b"X: y\r\n"])
async def test_headers_that_do_not_end_are_cut_off_soon(line: bytes) -> None:
    async with Hub("127.0.0.1:0") as hub, honest_call(hub.url):
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        with contextlib.suppress(ConnectionError):
            writer.write(UPGRADE[:-2])
            for _ in range(limits.MAX_HANDSHAKE_BYTES // len(line) + 1):
                writer.write(line)
                await writer.drain()
        answer = await read_all(reader)
        assert not answer or answer.startswith(b"HTTP/1.1 4")
        writer.close()


async def test_the_headers_of_a_browser_are_no_attack() -> None:
    async with Hub("127.0.0.1:0") as hub:
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(UPGRADE[:-2] + b"Cookie: " + b"c" * 4_000 + b"\r\n\r\n")
        async with asyncio.timeout(seconds(10)):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        writer.close()


@pytest.mark.parametrize("secure", [False, True])
async def test_what_has_to_wait_for_its_turn_comes_whole_and_in_order(
    secure: bool, certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a share of nothing, all of it waits but the first of each turn."""
    monkeypatch.setattr("device.hub.turns.QUANTUM_S", 1e-9)
    waited = 0

    def wait(share: Share, account: Account, serve: Callable[[], None], now_s: float) -> None:
        nonlocal waited
        waited += 1
        really_wait(share, account, serve, now_s)

    really_wait = Share.wait
    monkeypatch.setattr(Share, "wait", wait)
    options: dict[str, Any] = {"tls_cert": certificate[0], "tls_key": certificate[1]} if secure else {}
    trust = {"ssl": ssl.create_default_context(cafile=certificate[0])} if secure else {}
    async with (
        Hub("127.0.0.1:0", **options) as hub,
        guest(hub.url, **trust) as listener,
        guest(hub.url, **trust) as talker,
        guest(hub.url, **trust) as another,
    ):
        await listener.join(1, autoSubscribe=True)
        for uid, someone in ((2, talker), (3, another)):
            await someone.join(uid)
            await someone.ask("publish")
        for sequence in range(100):
            await asyncio.gather(*(someone.speak(sequence, b"p" * 900) for someone in (talker, another)))
        await listener.until(lambda: len(listener.packets) == 200)
        for uid in (2, 3):
            heard = [rtp.unpack(packet) for packet in listener.packets]
            assert [packet.sequence for packet in heard if packet.ssrc == uid] == list(range(100))
        assert waited >= 50


async def test_one_who_is_gone_before_his_turn_is_just_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.hub.turns.QUANTUM_S", 1e-9)
    async with Hub("127.0.0.1:0") as hub, honest_call(hub.url, "lobby") as listener:
        for uid in range(10, 30):
            sock = raw(hub)
            join = jsonrpc.request(1, "join", {"appId": APP, "channel": "lobby", "uid": uid}).encode()
            sock.sendall(UPGRADE + masked(0x81, join) + masked(0x81, b"x" * 9_000))
            sock.close()
        async with asyncio.timeout(seconds(10)):
            while hub.snapshot()["connections"] > 2:
                await asyncio.sleep(0.01)
        assert listener.socket.close_code is None


async def test_a_flood_of_speech_cuts_off_nobody_who_cannot_take_all_of_it() -> None:
    """What waits for him is no text that he has not read; he only hears what fits."""
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as talker, guest(hub.url) as other:
        await talker.join(1)
        await talker.ask("publish")
        sleeper = await deaf(hub, 2)
        for sequence in range(190):
            await talker.speak(sequence, b"p" * 1_200)
        await talker.ask("ping")
        await other.join(3)  # of which he is told
        for sequence in range(190, 380):
            await asyncio.sleep(0.001)
            await talker.speak(sequence, b"p" * 1_200)
        await talker.ask("ping")
        assert hub.snapshot()["connections"] == 3
        sleeper.close()


async def test_nothing_is_left_of_those_who_come_and_go(
    certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python alone would look for it after many hundreds of them."""
    monkeypatch.setattr(limits, "GONE_BEFORE_COLLECTION", 10)
    gc.collect()
    gc.disable()
    try:
        async with Hub("127.0.0.1:0", tls_cert=certificate[0], tls_key=certificate[1]) as hub:
            for _ in range(20):
                reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
                writer.write(b"no TLS")
                await read_all(reader)
                writer.close()
            async with asyncio.timeout(seconds(10)):
                while sum(isinstance(one, SSLProtocol) for one in gc.get_objects()) >= 10:
                    await asyncio.sleep(0.05)
    finally:
        gc.enable()


@pytest.mark.parametrize("label", ["k" * 64, '"' * 64, "é" * 32, "\N{SPEAKER}" * 16])
def test_everybody_of_a_full_channel_may_come_at_once_and_nobody_is_cut_off_for_it(label: str) -> None:
    somebody = messages.Stream(2**32 - 1, rules.check_label(label)).params()
    both = messages.USER_JOINED, messages.STREAM_ADDED
    told_bytes = sum(len(text_frame(jsonrpc.notification(method, somebody))) for method in both)
    assert limits.MAX_SEATS_PER_CHANNEL * told_bytes < connection.MAX_UNREAD_BYTES - KEEP_BYTES


async def test_a_connection_that_was_lost_a_moment_ago_is_written_to_without_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Hub("127.0.0.1:0") as hub:
        with await deaf(hub, 7) as client:
            ours = client.getsockname()
            every = (one for one in gc.get_objects() if type(one) is connection.Connection)
            (lost,) = (one for one in every if one.remote_address == ours and not one.transport.is_closing())
            lost.transport.abort()
            for _ in range(20):
                lost.queue(text_frame("{}"))
        assert "socket.send()" not in caplog.text
