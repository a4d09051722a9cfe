"""The hub's websockets, and `/healthz`. The only file of the hub that touches the websockets library.

Frames are handed to a desk, which is the exchange, as they are parsed, without a queue or a task in between: no client
can hold up another. A media frame goes straight to the transport while that holds nothing back; else it waits in the
listener's backlog, which forgets what is too old. A text is never dropped: who does not even read those is cut off.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, cast

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Event, State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from device.channel import rules
from device.hub import limits, sockets
from device.hub.backlog import Backlog
from device.hub.exchange import Desk
from device.hub.limits import Pace
from device.hub.out import CLOSE_GOING_AWAY, CLOSE_POLICY, CLOSE_TOO_BIG

logger = logging.getLogger(__name__)

# websockets logs every frame, sessions and tokens included, and a traceback for every stranger's garbage.
_SILENCE = logging.Logger("silence", level=logging.CRITICAL + 1)

# TLS and HTTP handshake together.
OPEN_WITHIN_S = 5.0
# After this it is over whatever clients do. The close frames have had CLOSE_WITHIN_S.
STOP_WITHIN_S = 0.45
# Clients that dial again at the same moment after a restart.
LISTEN_QUEUE = 512
# What may wait for somebody who does not read, beside his backlog: a few hundred notifications.
MAX_UNREAD_TEXT_BYTES = 65_536
# Nobody of ours splits a message; who does it may, within reason.
MAX_FRAGMENTS = 64
# For a peer to take the close frame and answer it.
CLOSE_WITHIN_S = 0.3


class Connection(ServerConnection):
    """One client.

    clear and write: see exchange.Line. desk: who hears of it. refused: why there is no place for this client, "" where
    there is.
    """

    # In the object itself: the dictionary of a websockets connection is a cold place to look 10,000 times a second.
    __slots__ = ("clear", "write")
    clear: bool
    desk: Desk
    write: Callable[[bytes], int]

    def __init__(
        self,
        protocol: ServerProtocol,
        server: WebSocketServer,
        desk: Callable[[], Desk],
        lines: set["Connection"],
        **options: Any,
    ) -> None:
        super().__init__(protocol, server, **options)
        self.clear = False
        self.refused = ""
        self._desk_now, self._lines = desk, lines
        self._started = self._ending = False
        self._backlog = Backlog()
        self._fragments: list[Frame] = []
        self._control_frames = Pace(limits.CONTROL_FRAMES_PER_S, limits.CONTROL_FRAME_BURST)

    def start(self) -> None:
        """The handshake is done: frames are taken and given from now on."""
        self._started = True
        self.clear = self.state is State.OPEN and not self.paused

    @property
    def address(self) -> str:
        """The client's IP address, "" where it has gone already."""
        peer = self.remote_address
        return str(peer[0]) if peer else ""

    def hold(self, frame: bytes, now: float) -> int:
        """Keep a media frame for as long as it is worth hearing; returns how many it dropped."""
        return self._backlog.put(frame, now) if self.state is State.OPEN else 1

    def tell(self, frame: bytes) -> None:
        """Send a text frame; a client that leaves too many of them unread is cut off."""
        if self.state is not State.OPEN:
            return
        if self.transport.get_write_buffer_size() > MAX_UNREAD_TEXT_BYTES:
            logger.info("cutting off %s: it does not read", self.address)
            self.abandon()
        else:
            self.queue(frame)

    def queue(self, rest: bytes) -> None:
        """Send as soon as possible."""
        self.transport.write(rest)

    def finish(self, code: int, reason: str) -> None:
        """Say why and close; a client that does not answer in time, or does not read, is cut off."""
        if self._ending:
            return
        if self.state is State.OPEN and not self.paused:
            self.protocol.send_close(code, reason)
            self.send_data()
            self._end()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Close at once, and throw away what is unsent: the kernel would go on sending it for minutes."""
        self.clear = False
        sockets.forget_unsent(self.transport.get_extra_info("socket"))
        self.transport.abort()

    # What asyncio and websockets call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected, with TLS done."""
        super().connection_made(transport)
        # asyncio's TLS keeps what it has encrypted in a second transport, with 64 kB of its own before anybody hears
        # of it: 10 s of speech. There is no public way to it.
        tls = getattr(transport, "_ssl_protocol", None)
        if tls is not None:
            self.write = self._encrypt
            tls._transport.set_write_buffer_limits(0)
        else:
            # Past the transport, which holds nothing while this is called: with 200 listeners a fifth of the time.
            self.write = partial(os.write, transport.get_extra_info("socket").fileno())
            self.transport.set_write_buffer_limits(0)
            # asyncio allocates this much for every read, by default 256 kB fresh from the kernel.
            transport.max_size = sockets.RECEIVE_BUFFER_BYTES  # type: ignore[attr-defined]
        self._lines.add(self)
        self.desk = self._desk_now()
        self.refused = self.desk.opened(self, time.monotonic())

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, for whatever reason."""
        self.clear = False
        super().connection_lost(exc)
        self._lines.discard(self)
        self.desk.closed(self, time.monotonic())

    def data_received(self, data: bytes) -> None:
        """Bytes came; `process_event` has seen their frames when this returns."""
        super().data_received(data)
        self._check_end()

    def eof_received(self) -> None:
        """The client sends nothing more."""
        super().eof_received()
        self._check_end()

    def process_event(self, event: Event) -> None:
        """One parsed frame, or the request of the handshake."""
        if not self._started:
            super().process_event(event)
        elif isinstance(event, Frame):
            if event.fin and event.opcode is Opcode.BINARY:
                self.desk.media(self, bytes(event.data), time.monotonic())
            elif event.fin and event.opcode is Opcode.TEXT:
                self.desk.text(self, bytes(event.data), time.monotonic())
            elif event.opcode in DATA_OPCODES:
                self._join_fragments(event)
            elif not self._control_frames.take(time.monotonic()):
                self.finish(CLOSE_POLICY, "too many pings")

    def pause_writing(self) -> None:
        """The socket is full."""
        super().pause_writing()
        self.clear = False

    def resume_writing(self) -> None:
        """Everything is with the kernel: send what is still worth hearing."""
        super().resume_writing()
        if self._started and self.state is State.OPEN:
            self.clear = True
            fresh, late = self._backlog.take(time.monotonic())
            self.desk.packets_late += late
            if fresh:
                self.queue(fresh)

    def _encrypt(self, frame: bytes) -> int:
        self.transport.write(frame)
        return len(frame)

    def _join_fragments(self, frame: Frame) -> None:
        self._fragments.append(frame)
        if len(self._fragments) > MAX_FRAGMENTS:
            self.finish(CLOSE_TOO_BIG, "too many fragments")
        elif frame.fin:
            kind, data = self._fragments[0].opcode, b"".join(bytes(part.data) for part in self._fragments)
            self._fragments.clear()
            take = self.desk.media if kind is Opcode.BINARY else self.desk.text
            take(self, data, time.monotonic())

    def _check_end(self) -> None:
        if self._started and self.state is not State.OPEN:
            self._end()

    def _end(self) -> None:
        """The closing handshake is under way; nobody waits for it longer than CLOSE_WITHIN_S."""
        self.clear = False
        if not self._ending:
            self._ending = True
            self.loop.call_later(CLOSE_WITHIN_S, self.abandon)


class Server:
    """Listens, and carries everything between its clients and a desk, which is the exchange."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._connections: set[Connection] = set()
        self._server: WebSocketServer | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a bound socket, which is ours from now on."""
        self._server = await serve(
            self._handle,
            start_serving=False, sock=sock, ssl=tls, backlog=LISTEN_QUEUE, logger=_SILENCE, server_header=None,
            subprotocols=[Subprotocol(rules.SUBPROTOCOL)], compression=None, process_request=self._process_request,
            open_timeout=OPEN_WITHIN_S, ping_interval=None, close_timeout=CLOSE_WITHIN_S,
            max_size=rules.MAX_TEXT_BYTES,
            write_limit=(1, 0),  # one byte of TLS that the kernel did not take counts as full; without TLS see above
            create_connection=cast(Any, partial(Connection, desk=lambda: self._desk, lines=self._connections)),
        )  # fmt: skip
        self._tick()
        await self._server.start_serving()

    def turn_to(self, desk: Desk) -> None:
        """From now on another desk hears of everything, also of what happens on the connections there are."""
        self._desk = desk
        for connection in self._connections:
            connection.desk = desk

    def stop_listening(self) -> None:
        """Let nobody in any more; those who are in stay. Another process may go on listening on the same socket."""
        if self._server is not None:
            self._server.close(close_connections=False)

    async def stop(self) -> None:
        """Tell everybody and close, within half a second whatever they do. Harmless when it is not running."""
        if self._timer is not None:
            self._timer.cancel()
        if self._server is None:
            return
        self._server.close(close_connections=False)
        for connection in list(self._connections):
            connection.finish(CLOSE_GOING_AWAY, "the hub is stopping")
        with contextlib.suppress(TimeoutError):  # a TLS handshake under way is not ours to end
            await asyncio.wait_for(self._server.wait_closed(), STOP_WITHIN_S)
        self._server = None

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(limits.TICK_S, self._tick)
        self._desk.tick(time.monotonic())

    async def _handle(self, connection: ServerConnection) -> None:
        cast(Connection, connection).start()
        await connection.wait_closed()

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            response = connection.respond(HTTPStatus.OK, json.dumps({"status": "ok", **self._desk.snapshot()}) + "\n")
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/json"
            return response
        if path != rules.PATH:
            return connection.respond(
                HTTPStatus.NOT_FOUND, f"The channel is at {rules.PATH}, the health at /healthz.\n"
            )
        refused = cast(Connection, connection).refused
        if refused:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, f"{refused}\n")
        return None
