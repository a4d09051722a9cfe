"""A hub that does what a test says: real websockets on loopback, and servers that are no hub at all."""

import asyncio
import contextlib
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from device import jsonrpc
from device.channel import messages, rules
from device.channel.messages import Seated, Stream
from tests.timing import seconds


@dataclass
class Visit:
    """One connection, as the hub sees it."""

    ws: ServerConnection
    texts: list[jsonrpc.Request] = field(default_factory=list)
    media: list[bytes] = field(default_factory=list)
    reset: bool = False
    code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def methods(self) -> list[str]:
        return [request.method for request in self.texts]


class FakeHub:
    """Gives everybody who asks the seat with his uid, or 4711. `answer` replaces what it says to a request."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.visits: list[Visit] = []
        self.streams: tuple[Stream, ...] = ()
        self.resumed = True
        self.ping_ms = 1_000
        self.http: Callable[[ServerConnection, Request], Response | None] = lambda connection, request: None
        self.answer: Callable[[Visit, jsonrpc.Request], Awaitable[str | None]] = self.obeys
        self.subprotocols: list[Subprotocol] | None = [Subprotocol(rules.SUBPROTOCOL)]
        self.deaf = False  # reads nothing that comes after the handshake
        self._tls, self._host, self._port = tls, host, port
        self._server: Server | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._visit, self._host, self._port, ssl=self._tls, compression=None, subprotocols=self.subprotocols,
            ping_interval=None, close_timeout=0.2, process_request=lambda ws, request: self.http(ws, request),
        )  # fmt: skip
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Gone: connections are cut, and nobody listens any more."""
        if self._server is not None:
            for visit in self.visits:
                visit.ws.transport.abort()
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    @property
    def url(self) -> str:
        return f"{'wss' if self._tls else 'ws'}://{self._host}:{self._port}"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the hub sees."""
        async with asyncio.timeout(seconds(10)):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def say(self, data: str | bytes) -> None:
        """To the newest visitor."""
        await self.visits[-1].ws.send(data)

    async def notify(self, method: str, **params: Any) -> None:
        """Likewise."""
        await self.say(jsonrpc.notification(method, params))

    async def obeys(self, visit: Visit, request: jsonrpc.Request) -> str | None:
        """What a hub does."""
        if request.method not in (messages.JOIN, messages.REJOIN):
            return jsonrpc.reply(request.id, {})
        resumed = request.method == messages.REJOIN and self.resumed
        uid = request.params["uid"] or 4_711
        seated = Seated(uid, "a session", resumed, self.streams, (), self.ping_ms, 20_000, "fake")
        return jsonrpc.reply(request.id, seated.params())

    def refuses(self, code: int, reason: str = "") -> Callable[[Visit, jsonrpc.Request], Awaitable[str | None]]:
        """An answer to everything."""

        async def answer(visit: Visit, request: jsonrpc.Request) -> str | None:
            return jsonrpc.failure(request.id, code, reason)

        return answer

    async def _visit(self, ws: ServerConnection) -> None:
        visit = Visit(ws)
        self.visits.append(visit)
        self._changed.set()
        try:
            if self.deaf:
                ws.transport.pause_reading()
                await ws.wait_closed()
            async for data in ws:
                await self._read(visit, data)
        except ConnectionClosed as closed:
            visit.reset = isinstance(closed.__cause__, ConnectionResetError)
        finally:
            visit.code = ws.close_code
            visit.ended.set()
            self._changed.set()

    async def _read(self, visit: Visit, data: str | bytes) -> None:
        if isinstance(data, bytes):
            visit.media.append(data)
        else:
            request = jsonrpc.parse(data)
            assert isinstance(request, jsonrpc.Request)
            visit.texts.append(request)
            self._changed.set()
            answer = await self.answer(visit, request)
            if answer is not None:
                await visit.ws.send(answer)
        self._changed.set()


@contextlib.asynccontextmanager
async def silent_server(backlog: int = 100) -> AsyncIterator[str]:
    """Accepts TCP and says nothing: the process of a hub that stands still behind its kernel."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as sock:
        yield f"ws://127.0.0.1:{sock.getsockname()[1]}"


@contextlib.asynccontextmanager
async def raw_server(
    serve_one: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A TCP server that does this with each connection, and then cuts it."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await serve_one(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            tasks.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def cut(writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass(frozen=True)
class Certificates:
    """A CA of our own, and a hub's certificate that it has signed for 127.0.0.1."""

    ca_file: str
    hub: ssl.SSLContext


def make_certificates(folder: Path) -> Certificates:
    """With the openssl command."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    usage = "keyUsage=critical,keyCertSign,cRLSign"
    openssl(
        "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=our own CA", "-days", "2",
        "-addext", usage,
    )  # fmt: skip
    openssl("req", *curve, "-keyout", "hub.key", "-out", "hub.csr", "-subj", "/CN=hub")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl(
        "x509", "-req", "-in", "hub.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "san", "-out", "hub.pem",
    )  # fmt: skip
    hub = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    hub.load_cert_chain(folder / "hub.pem", folder / "hub.key")
    return Certificates(str(folder / "ca.pem"), hub)


_CA = """
[ca]
default_ca = ours
[ours]
database = {folder}/issued
new_certs_dir = {folder}
serial = {folder}/serial
default_md = sha256
unique_subject = no
policy = anybody
[anybody]
commonName = supplied
"""


def make_certificate(folder: Path, *, name: str = "IP:127.0.0.1", first: str, last: str) -> ssl.SSLContext:
    """A hub's certificate of the CA in that folder (`make_certificates`), for this name and from the one day to the
    other (YYYYMMDD)."""
    (folder / "ca.cnf").write_text(_CA.format(folder=folder))
    (folder / "issued").write_text("")
    (folder / "serial").write_text("0100")
    (folder / "name").write_text(f"subjectAltName={name}\n")
    subprocess.run(
        ["openssl", "ca", "-batch", "-config", "ca.cnf", "-in", "hub.csr", "-cert", "ca.pem", "-keyfile", "ca.key",
         "-startdate", f"{first}000000Z", "-enddate", f"{last}000000Z", "-extfile", "name", "-out", "other.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    hub = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    hub.load_cert_chain(folder / "other.pem", folder / "hub.key")
    return hub
