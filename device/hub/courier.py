"""Carries events to the webhook: the only file that sends HTTP. It waits for nobody but the receiver.

Names are looked up as the client does (channel/resolver.py), so that a dead DNS does not hold the exit.
"""

import asyncio
import contextlib
import logging
import math
import socket
import time
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from device.channel.resolver import Resolver
from device.hub import limits
from device.hub.notices import Notices
from device.hub.webhooks import Delivery, Webhooks

logger = logging.getLogger(__name__)

# "Your server sends a response within 10 seconds".
ANSWER_WITHIN_S = 10.0
# At the end, for what has just happened.
FAREWELL_S = 0.3


class Courier:
    """notices: what happens. url: of the receiver; whatever follows its host may be a secret, and is never shown."""

    def __init__(self, notices: Notices, webhooks: Webhooks, url: str) -> None:
        self._notices, self._webhooks, self._url = notices, webhooks, url
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._failing_since = 0.0

    def start(self) -> None:
        """From now on everything that happens, and what has happened since it was `wanted`, is told."""
        self._begin(self._collect(), self._deliver())

    async def stop(self) -> None:
        """Tell what has just happened, if the receiver takes it at once; done within 0.4 s."""
        self._take()
        if not self._failing_since:
            deadline = time.monotonic() + FAREWELL_S
            while self._webhooks.waiting() and time.monotonic() < deadline and not self._failing_since:
                await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._notices.wanted = False
        left = self._webhooks.waiting()
        if left:
            logger.warning("%d events were not delivered to the webhook at %s", left, self._host)

    def undelivered(self) -> bytes:
        """What the receiver has not got yet, for the courier of another hub; nothing is told until `resume`."""
        self._pause()
        self._take()
        return self._webhooks.pack()

    def resume(self) -> None:
        """There is no other courier: as before."""
        self._pause()
        self._begin(self._collect(), self._deliver())

    def forget(self) -> None:
        """That courier tells it from now on."""
        self._pause()
        self._notices.wanted = False
        self._webhooks.clear()

    def counts(self) -> dict[str, int]:
        """How many wait, and how many nobody has got."""
        lost = self._webhooks.given_up + self._notices.dropped
        return {"webhooks_waiting": self._webhooks.waiting(), "webhooks_lost": lost}

    def _begin(self, *work: Coroutine[Any, Any, None]) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(each) for each in work]

    def _pause(self) -> None:
        for task in self._tasks:
            task.cancel()

    @property
    def _host(self) -> str:
        return urlsplit(self._url).hostname or ""

    def _take(self) -> None:
        now, wall_s = time.monotonic(), time.time()
        for notice in self._notices.take():
            self._webhooks.tell(notice, now, wall_s)
            self._news.set()

    async def _collect(self) -> None:
        while True:
            self._take()
            await asyncio.sleep(limits.TICK_S)

    async def _deliver(self) -> None:
        connector = aiohttp.TCPConnector(limit=1, resolver=_Names(), use_dns_cache=False)
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        cookies = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=cookies) as session:
            while True:
                delivery = self._webhooks.due(time.monotonic(), time.time())
                if delivery is not None:
                    status = await self._post(session, delivery)
                    self._webhooks.answered(delivery.event, status, time.monotonic())
                else:
                    await self._wait(self._webhooks.due_at())

    async def _wait(self, due_at: float) -> None:
        """For something new, or until the last one is to be tried again."""
        self._news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(due_at - time.monotonic() if due_at < math.inf else None):
                await self._news.wait()

    async def _post(self, session: aiohttp.ClientSession, delivery: Delivery) -> int:
        """The receiver's HTTP status, 0 for none."""
        try:
            async with session.post(
                self._url, data=delivery.body, headers=delivery.headers, allow_redirects=False
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__  # its text may have the URL in it
            self._failed(f"{reason}: is it running there?")
            return 0
        if 200 <= status < 300:
            self._worked()
        else:
            self._failed(f"HTTP {status}")
        return status

    def _failed(self, why: str) -> None:
        level = logging.DEBUG if self._failing_since else logging.WARNING
        logger.log(level, "the webhook at %s does not take events (%s); trying on", self._host, why)
        self._failing_since = self._failing_since or time.monotonic()

    def _worked(self) -> None:
        if self._failing_since:
            lost = self.counts()["webhooks_lost"]
            outage_s = time.monotonic() - self._failing_since
            logger.info("the webhook at %s takes events after %.1f s; lost: %d", self._host, outage_s, lost)
            self._failing_since = 0.0


class _Names(AbstractResolver):
    """The client's resolver, as aiohttp asks one."""

    def __init__(self) -> None:
        self._resolver = Resolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Where this host is. Raises OSError."""
        found = await self._resolver.look_up(host, port)
        return [_result(host, port, family, address) for family, address in found]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, port: int, family: int, address: tuple[Any, ...]) -> ResolveResult:
    return ResolveResult(
        hostname=host, host=str(address[0]), port=port, family=family, proto=0,
        flags=int(socket.AI_NUMERICHOST | socket.AI_NUMERICSERV),
    )  # fmt: skip
