"""The hub listens: websockets, and `/healthz`. What goes on on a connection is connection.py's business."""

import asyncio
import contextlib
import gc
import json
import logging
import ssl
import time
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, cast
from weakref import WeakValueDictionary

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from device.channel import rules
from device.hub import limits, sockets
from device.hub.connection import CLOSE_WITHIN_S, Connection
from device.hub.door import Door
from device.hub.exchange import Desk
from device.hub.out import CLOSE_GOING_AWAY
from device.hub.turns import Share

# websockets logs every frame, sessions and tokens included, and a traceback for every stranger's garbage.
_SILENCE = logging.Logger("silence", level=logging.CRITICAL + 1)

# TLS, and then HTTP.
OPEN_WITHIN_S = 5.0
# After this it is over whatever clients do. The close frames have had CLOSE_WITHIN_S.
STOP_WITHIN_S = 0.45
# Clients that dial again at the same moment after a restart.
LISTEN_QUEUE = 512


class Server:
    """Listens, and carries everything between its clients and a desk, which is the exchange. It is their House.

    counts: what `/healthz` tells beside the desk's.
    """

    def __init__(self, desk: Desk, counts: Callable[[], Mapping[str, int]] = dict) -> None:
        self.desk = desk
        self._counts = counts
        self.connections: set[Connection] = set()
        self._server: WebSocketServer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._shares = WeakValueDictionary[str, Share]()

    async def start(self, sock: Door, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a bound socket, which is ours from now on."""
        # Of each connection, from its first byte on. With asyncio's own 256 kB a thousand of them would be 250 MB.
        SSLProtocol.max_size = sockets.RECEIVE_BUFFER_BYTES
        self._server = await serve(
            self._handle,
            start_serving=False, sock=sock, ssl=tls, backlog=limits.ACCEPTED_AT_ONCE,
            logger=_SILENCE, server_header=None, subprotocols=[Subprotocol(rules.SUBPROTOCOL)], compression=None,
            process_request=self._process_request, open_timeout=OPEN_WITHIN_S, ping_interval=None,
            close_timeout=CLOSE_WITHIN_S,
            max_size=rules.MAX_TEXT_BYTES,
            write_limit=(1, 0),  # one byte of TLS that the kernel did not take counts as full; without TLS see above
            create_connection=cast(Any, partial(Connection, house=self)),
            ssl_handshake_timeout=OPEN_WITHIN_S if tls else None,
        )  # fmt: skip
        self._tick(sock, sock.visitors)
        await self._server.start_serving()
        sock.listen(LISTEN_QUEUE)  # asyncio has one number for this, and for how many it lets in at once

    def turn_to(self, desk: Desk) -> None:
        """From now on another desk hears of everything, also of what happens on the connections there are."""
        self.desk = desk
        for connection in self.connections:
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
        for connection in list(self.connections):
            connection.finish(CLOSE_GOING_AWAY, "the hub is stopping")
        with contextlib.suppress(TimeoutError):  # a TLS handshake under way is not ours to end
            await asyncio.wait_for(self._server.wait_closed(), STOP_WITHIN_S)
        self._server = None

    def share(self, household: str) -> Share:
        """Of the time, for all connections from there together."""
        share = self._shares.get(household)
        if share is None:
            loop = asyncio.get_running_loop()
            share = self._shares[household] = Share(lambda share: loop.call_soon(share.next_turn))
        return share

    def _tick(self, door: Door, collected: int) -> None:
        """collected: the last of the visitors whose remains were looked for."""
        if door.visitors - collected >= limits.GONE_BEFORE_COLLECTION:
            collected = door.visitors
            gc.collect()
        self._timer = asyncio.get_running_loop().call_later(limits.TICK_S, self._tick, door, collected)
        now = time.monotonic()
        for connection in self.connections:
            connection.pouring.look(now)
        self.desk.tick(now)

    async def _handle(self, connection: ServerConnection) -> None:
        cast(Connection, connection).start()
        await connection.wait_closed()

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            health = {"status": "ok", **self.desk.snapshot(), **self._counts()}
            response = connection.respond(HTTPStatus.OK, json.dumps(health) + "\n")
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
