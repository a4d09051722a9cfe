"""The hub's REST API for administrators, on a port of its own: HTTP, and who may ask. What it answers is in answers.py.

It runs in the hub's loop, so everything about it is bounded: how many connect and for how long, how often they ask, how
long a body is, and how much one answer can be about. Strangers hear 401 and nothing else.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from aiohttp import web

from device.hub import limits
from device.hub.answers import Answers, Asked, Body, Wrong
from device.hub.door import Door
from device.hub.limits import Pace
from device.hub.moderator import Moderator

DESCRIPTION = Path(__file__).with_name("openapi.json")
DESCRIPTION_PATH = "/openapi.json"

# aiohttp logs what strangers send, with a traceback.
_SILENCE = logging.Logger("silence", level=logging.CRITICAL + 1)
logger = logging.getLogger(__name__)

# A body follows its headers at once.
BODY_WITHIN_S = 5.0
# For answers that are under way at the end.
STOP_WITHIN_S = 0.2

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """Serves what a moderator knows. secret: who sends it as a bearer token may ask."""

    def __init__(self, moderator: Moderator, secret: bytes) -> None:
        self._digest = hashlib.sha256(secret).digest()
        self._requests = Pace(limits.API_REQUESTS_PER_S, limits.API_REQUEST_BURST)
        self._strangers = Pace(limits.API_STRANGERS_PER_S, limits.API_STRANGER_BURST)
        self._description = DESCRIPTION.read_bytes()
        self._paused = False
        self._server: asyncio.Server | None = None
        self._web: web.Server | None = None
        app = web.Application(middlewares=[self._guard], client_max_size=limits.MAX_API_BODY_BYTES)
        for (method, path), answer in Answers(moderator, _utc).routes.items():
            app.router.add_route(method, path, _handler(answer, self._check_open))
        app.router.add_route("GET", DESCRIPTION_PATH, self._describe)
        self._runner = web.AppRunner(
            app, access_log=None, logger=_SILENCE, keepalive_timeout=limits.API_CONNECTION_S,
            auto_decompress=False,  # which would happen before anybody has shown the secret
        )  # fmt: skip

    async def start(self, sock: Door, tls: ssl.SSLContext | None) -> None:
        """Listen on a bound socket, which is ours from now on."""
        await self._runner.setup()
        self._web = self._runner.server
        await self.resume(sock, tls)

    async def resume(self, sock: Door, tls: ssl.SSLContext | None) -> None:
        """Listen again after `pause`, on another such socket."""
        self._paused = False
        self._server = await asyncio.get_running_loop().create_server(
            self._connected, sock=sock, ssl=tls, ssl_handshake_timeout=BODY_WITHIN_S if tls else None,
            backlog=limits.ACCEPTED_AT_ONCE,
        )  # fmt: skip

    def pause(self) -> None:
        """Let nobody in, and let those who are in do nothing. Another process may listen on the same socket."""
        self._paused = True
        if self._server is not None:
            self._server.close()

    async def stop(self) -> None:
        """Close everything. Harmless when it has not started."""
        self.pause()
        if self._web is not None:
            await self._web.shutdown(STOP_WITHIN_S)
        await self._runner.cleanup()

    def _connected(self) -> asyncio.Protocol:
        assert self._web is not None
        if len(self._web.connections) >= limits.MAX_API_CONNECTIONS:
            return _NoPlace()
        protocol = self._web()
        asyncio.get_running_loop().call_later(limits.API_CONNECTION_S, _end, protocol)
        return protocol

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        now = time.monotonic()
        try:
            known = self._knows_the_secret(request)
            if not (self._requests if known else self._strangers).take(now):
                answer = _answer(429, _message("too many requests"))
                answer.headers["Retry-After"] = "1"
                return answer
            if not known and request.path != DESCRIPTION_PATH:
                return _stranger()
            self._check_open()
            return await handler(request)
        except Wrong as wrong:
            return _answer(wrong.status, _message(wrong.message))
        except web.HTTPException as error:
            answer = _answer(error.status, _message(error.reason))
            if isinstance(error, web.HTTPMethodNotAllowed):
                answer.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
            return answer

    def _check_open(self) -> None:
        """Raises Wrong while another process is to have all of it."""
        if self._paused:
            raise Wrong(503, "the hub is being restarted: ask again")

    def _knows_the_secret(self, request: web.Request) -> bool:
        """Compared as digests, so that neither content nor length can be learnt from the time it takes."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        digest = hashlib.sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        return hmac.compare_digest(digest, self._digest) and scheme.lower() == "bearer"

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._description, content_type="application/json")


def _handler(answer: Callable[[Asked], Body], check_open: Callable[[], None]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = b""
        if request.method != "GET":
            if request.content_type != "application/json":
                raise Wrong(415, "the body has to be application/json")
            try:
                async with asyncio.timeout(BODY_WITHIN_S):
                    body = await request.read()
            except TimeoutError:
                raise Wrong(408, "the body did not come") from None
        check_open()  # the body has taken its time
        return _answer(200, answer(Asked(time.monotonic(), time.time(), request.match_info, request.query, body)))

    return handle


def _answer(status: int, body: Body) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json")


def _message(text: str) -> Body:
    return {"message": text}


def _stranger() -> web.Response:
    answer = _answer(401, _message("send the secret of api_secret_file: Authorization: Bearer SECRET"))
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


class _NoPlace(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is over."""
        cast(asyncio.Transport, transport).abort()


def _end(protocol: web.RequestHandler) -> None:
    if protocol.transport is not None:
        protocol.transport.abort()


def _utc(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
