"""One websocket of the client against real servers: every way it opens, carries, and ends."""

import asyncio
import errno
import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from websockets.frames import Close, Frame, Opcode

from device.channel import address, wire
from device.channel.resolver import Resolver
from device.channel.verdicts import Miss
from device.channel.wire import Missed, Wire
from tests.channel.fakehub import (
    Certificates,
    FakeHub,
    cut,
    make_certificate,
    make_certificates,
    raw_server,
    silent_server,
)
from tests.timing import seconds


class Listener:
    """The owner of a wire."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.ended = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()

    def media_came(self, conn: int, data: bytes) -> None:
        assert conn == 5
        self.heard.append(("media", bytes(data)))
        self._changed.set()

    def text_came(self, conn: int, data: bytes) -> None:
        self.heard.append(("text", bytes(data)))
        self._changed.set()

    def wire_ended(self, conn: int, code: int) -> None:
        self.ended.set_result(code)

    async def hears(self, count: int) -> list[tuple[str, bytes]]:
        async with asyncio.timeout(seconds(10)):
            while len(self.heard) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.heard


async def dial(url: str, tls: ssl.SSLContext | None = None) -> Wire:
    async with asyncio.timeout(seconds(10)):
        return await wire.dial(address.read(url), 0, Resolver(), tls, lambda: None)


@asynccontextmanager
async def attached(hub: FakeHub, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Wire, Listener]]:
    it, listener = await dial(hub.url, tls), Listener()
    it.attach(listener, 5)
    try:
        yield it, listener
    finally:
        it.abort()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("ca"))


LIKE_FRAMES = b"\x82\x02xy" * 17_000


# Opening


async def test_tcp_is_told_before_the_handshake_ends() -> None:
    told: list[str] = []
    async with silent_server() as url:
        dialling = asyncio.ensure_future(
            wire.dial(address.read(url), 0, Resolver(), None, lambda: told.append("reached"))
        )
        async with asyncio.timeout(seconds(10)):
            while not told:
                await asyncio.sleep(0)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling


async def refused(url: str, tls: ssl.SSLContext | None = None) -> Missed:
    with pytest.raises(Missed) as missed:
        await dial(url, tls)
    return missed.value


async def test_a_port_where_nobody_listens_refuses() -> None:
    async with silent_server() as url:
        pass
    assert (await refused(url)).miss is Miss.REFUSED


@pytest.mark.parametrize(
    ("error", "miss", "detail"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no"), Miss.DNS, "is it written right?"),
        (socket.gaierror(socket.EAI_AGAIN, "no"), Miss.NO_NETWORK, "no name server answers"),
        (TimeoutError("110"), Miss.TIMEOUT, ""),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), Miss.NO_NETWORK, ""),
        (OSError(errno.ENETDOWN, "Network is down"), Miss.NO_NETWORK, ""),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Miss.UNREACHABLE, "No route to host"),
    ],
)
async def test_before_tcp_connects_each_error_has_its_name(
    monkeypatch: pytest.MonkeyPatch, error: OSError, miss: Miss, detail: str
) -> None:
    async def fails(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("device.channel.tcp.connect", fails)
    missed = await refused("ws://127.0.0.1:1")
    assert missed.miss is miss
    assert detail in missed.detail


@pytest.mark.parametrize("status", [HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY])
async def test_an_http_answer_is_told_with_its_status(status: HTTPStatus) -> None:
    async with FakeHub() as hub:
        hub.http = lambda connection, request: connection.respond(status, "no\n")
        missed = await refused(hub.url)
    assert (missed.miss, missed.http_status) == (Miss.HTTP, status)


async def test_a_redirect_is_not_followed() -> None:
    async with FakeHub() as elsewhere, FakeHub() as hub:

        def redirect(connection, request):  # type: ignore[no-untyped-def]
            response = connection.respond(HTTPStatus.FOUND, "")
            response.headers["Location"] = elsewhere.url
            return response

        hub.http = redirect
        missed = await refused(hub.url)
        assert (missed.miss, missed.http_status) == (Miss.HTTP, 302)
        assert elsewhere.visits == []


async def test_a_websocket_that_speaks_another_protocol_is_a_stranger() -> None:
    async with FakeHub() as hub:
        await hub.stop()
        hub.subprotocols = None
        async with hub:
            assert (await refused(hub.url)).miss is Miss.STRANGER


@pytest.mark.parametrize(
    ("answer", "miss", "status"),
    [
        (b"", Miss.DROPPED, 0),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Miss.NO_WEBSOCKET, 0),
        (b"HTTP/1.0 501 Unsupported method ('GET')\r\nServer: small\r\n\r\nno", Miss.HTTP, 501),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>", Miss.HTTP, 200),
        (b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 2\r\n\r\nno", Miss.HTTP, 501),
        (b"RTSP/1.0 400 Bad Request\r\n\r\n", Miss.NO_WEBSOCKET, 0),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.2\r\n\r\n", Miss.NO_WEBSOCKET, 0),
    ],
)
async def test_only_a_websocket_is_called_one(answer: bytes, miss: Miss, status: int) -> None:
    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with raw_server(serve_one) as url:
        missed = await refused(url)
    assert (missed.miss, missed.http_status) == (miss, status)


async def test_a_reset_before_the_answer_is_accepted_and_dropped() -> None:
    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        cut(writer)

    async with raw_server(serve_one) as url:
        assert (await refused(url)).miss is Miss.DROPPED
    assert "ws://" in Miss.DROPPED and "wss://" in Miss.DROPPED, "what else it mostly is"


async def test_a_certificate_of_a_ca_of_one_s_own_is_trusted(certificates: Certificates) -> None:
    tls = ssl.create_default_context(cafile=certificates.ca_file)
    async with FakeHub(tls=certificates.hub) as hub, attached(hub, tls) as (it, listener):
        await hub.until(lambda: len(hub.visits) == 1)
        for size in (60, 200, 1_200):
            it.send_media(bytes(size))
            await hub.say(bytes(size))
        await hub.until(lambda: len(hub.visits[0].media) == 3)
        assert await listener.hears(3) == [("media", bytes(size)) for size in (60, 200, 1_200)]


async def test_a_certificate_of_an_unknown_authority_says_what_to_do(certificates: Certificates) -> None:
    async with FakeHub(tls=certificates.hub) as hub:
        missed = await refused(hub.url, ssl.create_default_context())
    assert missed.miss is Miss.TLS
    assert "its authority is not known here: set ca_file" in missed.detail


@pytest.mark.parametrize(
    ("made", "remedy"),
    [
        ({"first": "20200101", "last": "20200102"}, "it has expired, by the clock of this machine: renew it"),
        ({"first": "20980101", "last": "20990101"}, "it is not valid yet, by the clock of this machine: set the clock"),
        ({"name": "IP:127.0.0.2", "first": "20200101", "last": "20990101"}, "it is for another name: dial the hub by"),
        ({"name": "DNS:hub", "first": "20200101", "last": "20990101"}, "it is for another name: dial the hub by"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_told_with_its_remedy(
    tmp_path: Path, made: dict[str, str], remedy: str
) -> None:
    ca_file = make_certificates(tmp_path).ca_file
    async with FakeHub(tls=make_certificate(tmp_path, **made)) as hub:
        missed = await refused(hub.url, ssl.create_default_context(cafile=ca_file))
    assert missed.miss is Miss.TLS
    assert missed.detail.startswith("the certificate is not trusted: ") and remedy in missed.detail


async def test_a_hub_without_tls_says_what_to_do(certificates: Certificates) -> None:
    async with FakeHub() as hub:
        missed = await refused(hub.url.replace("ws://", "wss://"), ssl.create_default_context())
    assert missed.miss in (Miss.TLS, Miss.DROPPED)
    if missed.miss is Miss.TLS:
        assert "ws://" in missed.detail


async def test_a_dial_that_the_kernel_gives_up_during_the_handshake_was_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Fails:
        def __init__(self, *arguments: object, sock: socket.socket, **options: object) -> None:
            self.sock = sock

        def __await__(self):  # type: ignore[no-untyped-def]
            self.sock.close()
            raise TimeoutError("110")
            yield

    monkeypatch.setattr(wire, "connect", Fails)
    async with silent_server() as url:
        assert (await refused(url)).miss is Miss.TIMEOUT


# Carrying


@pytest.mark.parametrize("size", [1, 125, 126, 127, 1_300, 65_535])
async def test_media_of_every_length_arrives_as_it_was(size: int) -> None:
    packet = bytes(n % 251 for n in range(size))
    async with FakeHub() as hub, attached(hub) as (it, listener):
        await hub.until(lambda: len(hub.visits) == 1)
        it.send_media(packet)
        await hub.until(lambda: hub.visits[0].media == [packet])
        await hub.say(packet)
        assert await listener.hears(1) == [("media", packet)]


async def test_text_and_media_keep_their_order() -> None:
    async with FakeHub() as hub, attached(hub) as (_, listener):
        await hub.until(lambda: len(hub.visits) == 1)
        ws = hub.visits[0].ws
        wanted = []
        for n in range(200):
            text = n % 3 == 0
            data = f"{n}" * (n % 50 + 1)
            await ws.send(data if text else data.encode())
            wanted.append(("text" if text else "media", data.encode()))
        assert await listener.hears(200) == wanted


async def test_frames_are_found_however_tcp_cuts_them() -> None:
    """In pieces of many sizes; with pings, fragments and long frames in between, and media that looks like frames."""
    frames = [
        Frame(Opcode.BINARY, b"a" * 80),
        Frame(Opcode.TEXT, b"hello"),
        Frame(Opcode.BINARY, b"b" * 300),
        Frame(Opcode.BINARY, b"c" * 10, fin=False),
        Frame(Opcode.PING, b"are you there"),
        Frame(Opcode.CONT, b"d" * 10),
        Frame(Opcode.TEXT, b"e", fin=False),
        Frame(Opcode.CONT, b"f"),
        Frame(Opcode.BINARY, LIKE_FRAMES),
        Frame(Opcode.BINARY, b"h"),
        Frame(Opcode.BINARY, b""),
        Frame(Opcode.BINARY, b"i" * 80),
    ]
    wanted = [
        ("media", b"a" * 80), ("text", b"hello"), ("media", b"b" * 300), ("media", b"c" * 10 + b"d" * 10),
        ("text", b"ef"), ("media", LIKE_FRAMES), ("media", b"h"), ("media", b""), ("media", b"i" * 80),
    ]  # fmt: skip
    stream = b"".join(frame.serialize(mask=False) for frame in frames)
    for size in (1, 3, 4, 7, 50, 1_000, 20_000, len(stream)):
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        async with FakeHub() as hub, attached(hub) as (it, listener):
            for piece in pieces:
                it.data_received(piece)
            assert listener.heard == wanted
            it.data_received(Frame(Opcode.BINARY, b"after").serialize(mask=False))
            assert listener.heard[-1] == ("media", b"after")


async def test_what_a_hub_never_sends_ends_the_connection() -> None:
    for junk in (b"\x82\x85abcdefghi", b"\xff" * 20, b"\x82\x7f" + struct.pack("!Q", 10**12)):
        async with FakeHub() as hub, attached(hub) as (it, listener):
            it.data_received(junk)
            async with asyncio.timeout(seconds(10)):
                assert await listener.ended == 1006
            it.send_media(b"x")
            it.send_text("x")


async def test_a_message_longer_than_any_of_a_hub_ends_the_connection() -> None:
    async with FakeHub() as hub, attached(hub) as (_, listener):
        await hub.until(lambda: len(hub.visits) == 1)
        await hub.say("x" * (wire.MAX_MESSAGE_BYTES + 1))
        async with asyncio.timeout(seconds(10)):
            assert await listener.ended == 1006
        assert listener.heard == []


async def test_an_owner_who_has_had_enough_hears_no_more() -> None:
    class Impatient(Listener):
        def media_came(self, conn: int, data: bytes) -> None:
            super().media_came(conn, data)
            it.detach()

    async with FakeHub() as hub, attached(hub) as (it, _):
        listener = Impatient()
        it.attach(listener, 5)
        frame = Frame(Opcode.BINARY, b"a").serialize(mask=False)
        it.data_received(frame * 3)
        it.data_received(Frame(Opcode.TEXT, b"b").serialize(mask=False))
        assert listener.heard == [("media", b"a")]


async def test_secrets_are_not_logged_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with FakeHub() as hub:
            it = await dial(hub.url)
            it.send_text('{"jsonrpc":"2.0","id":1,"method":"join","params":{"token":"SECRET","uid":0}}')
            await hub.until(lambda: hub.visits != [] and hub.visits[0].texts != [])
            it.abort()
    mine = [record for record in caplog.records if record.name.startswith(("device", "websockets.client"))]
    assert not any("SECRET" in record.getMessage() for record in mine)


# Ending


async def test_a_close_frame_is_told_with_its_code() -> None:
    async with FakeHub() as hub, attached(hub) as (_, listener):
        await hub.until(lambda: len(hub.visits) == 1)
        closing = asyncio.ensure_future(hub.visits[0].ws.close(4001, "another device"))
        async with asyncio.timeout(seconds(10)):
            assert await listener.ended == 4001
        await closing


async def test_a_close_frame_is_told_at_once_also_if_the_hub_keeps_the_connection() -> None:
    async with FakeHub() as hub, attached(hub) as (it, listener):
        it.data_received(Frame(Opcode.CLOSE, Close(4001, "another device").serialize()).serialize(mask=False))
        assert listener.ended.result() == 4001


async def test_a_connection_that_ended_before_it_had_an_owner_ends_at_once() -> None:
    async with FakeHub() as hub:
        it = await dial(hub.url)
        hub.visits[0].ws.transport.abort()
        async with asyncio.timeout(seconds(10)):
            await it.wait_closed()
        listener = Listener()
        it.attach(listener, 5)
        assert listener.ended.result() == 1006


async def test_an_abort_is_a_reset() -> None:
    async with FakeHub() as hub:
        it = await dial(hub.url)
        it.send_media(bytes(100))
        it.abort()
        await hub.until(lambda: hub.visits[0].ended.is_set())
        assert hub.visits[0].reset


async def test_a_goodbye_delivers_and_closes() -> None:
    async with FakeHub() as hub:
        it = await dial(hub.url)
        it.send_text('{"jsonrpc":"2.0","id":1,"method":"leave"}')
        await it.say_goodbye()
        await hub.until(lambda: hub.visits[0].ended.is_set())
        assert (hub.visits[0].methods(), hub.visits[0].code, hub.visits[0].reset) == (["leave"], 1000, False)
        await it.say_goodbye()


async def test_a_goodbye_that_nobody_answers_ends_nevertheless() -> None:
    async with FakeHub() as hub:
        hub.deaf = True
        it = await dial(hub.url)
        async with asyncio.timeout(seconds(5)):
            await it.say_goodbye()
            await it.wait_closed()


async def test_last_words_arrive_also_if_the_hub_reads_them_later() -> None:
    async with FakeHub() as hub:
        it = await dial(hub.url)
        await hub.until(lambda: len(hub.visits) == 1)
        hub.visits[0].ws.transport.pause_reading()
        it.send_text('{"jsonrpc":"2.0","id":1,"method":"leave"}')
        await it.say_goodbye()
        await it.wait_closed()
        hub.visits[0].ws.transport.resume_reading()
        await hub.until(lambda: hub.visits[0].ended.is_set())
        assert (hub.visits[0].methods(), hub.visits[0].reset) == (["leave"], False)


async def test_what_is_written_and_has_not_arrived_is_counted() -> None:
    async with FakeHub() as hub:
        hub.deaf = True
        it = await dial(hub.url)
        assert it.unacknowledged_bytes() == 0
        for _ in range(2_000):
            it.send_media(bytes(60_000))
            if it.transport.get_write_buffer_size() > 200_000:
                break
        assert it.unacknowledged_bytes() > 200_000
        it.abort()


def test_no_ca_is_ours_by_accident(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    assert ssl.create_default_context(cafile=made.ca_file).cert_store_stats()["x509_ca"] == 1
