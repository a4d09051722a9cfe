"""Somebody who receives what a hub's webhook tells, and answers as a test wants."""

import asyncio
import hashlib
import hmac
import json
from typing import Any, Self

from aiohttp import web

from tests.hub.office import HOOK_SECRET
from tests.timing import seconds

PATH = "/planted-secret-in-the-path"


class Receiver:
    """Events in `events`, of those that it took with 200; statuses: what it answers first, before it takes any."""

    def __init__(self, *statuses: int) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked = 0
        self.silent = False
        self._statuses = list(statuses)
        self._something = asyncio.Condition()
        app = web.Application()
        app.router.add_post(PATH, self._hear)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{PATH}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def until(self, *types: int) -> list[dict[str, Any]]:
        """Wait until these have come, in this order and no others; returns their payloads."""
        async with asyncio.timeout(seconds(10)), self._something:
            await self._something.wait_for(lambda: len(self.events) >= len(types))
        assert [event["eventType"] for event in self.events] == list(types)
        return [event["payload"] for event in self.events]

    async def until_asked(self, times: int) -> None:
        """Wait until it has been asked so often."""
        async with asyncio.timeout(seconds(10)), self._something:
            await self._something.wait_for(lambda: self.asked >= times)

    async def _hear(self, request: web.Request) -> web.Response:
        body = await request.read()
        for name, kind in (("Agora-Signature", hashlib.sha1), ("Agora-Signature-V2", hashlib.sha256)):
            expected = hmac.new(HOOK_SECRET.encode(), body, kind).hexdigest()
            assert request.headers[name] == expected
        self.asked += 1
        status = self._statuses.pop(0) if self._statuses else 200
        if status == 200 and not self.silent:
            self.events.append(json.loads(body))
        async with self._something:
            self._something.notify_all()
        if self.silent:
            await asyncio.sleep(seconds(60))  # ended with the receiver
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 302 else {})
