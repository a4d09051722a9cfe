"""A client of a real hub, as plain as can be, and an honest call to go on beside whatever a test does to the hub."""

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from device import jsonrpc
from device.channel import rtp, rules
from tests.hub.house import APP, Refused
from tests.timing import seconds

PACKET_S = 0.02


class Guest:
    """One connection. packets: what came, in order. news: notifications as (method, params)."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.packets: list[bytes] = []
        self.news: list[tuple[str, dict[str, Any]]] = []
        self.uid = 0
        self._answers: dict[Any, asyncio.Future[jsonrpc.Message]] = {}
        self._ids = itertools.count(1)
        self._something = asyncio.Condition()
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in self.socket:
                self._take(message)
                async with self._something:
                    self._something.notify_all()
        for answer in self._answers.values():
            answer.cancel()
        async with self._something:
            self._something.notify_all()

    def _take(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.packets.append(data)
            return
        message = jsonrpc.parse(data)
        if isinstance(message, jsonrpc.Notification):
            self.news.append((message.method, message.params))
        elif isinstance(message, jsonrpc.Reply | jsonrpc.Failure) and message.id in self._answers:
            self._answers.pop(message.id).set_result(message)
        elif isinstance(message, jsonrpc.Failure):
            self.news.append(("failure", {"id": message.id, "code": message.code}))

    async def until(self, condition: Any) -> None:
        """Wait for something that comes over the connection."""
        async with asyncio.timeout(seconds(10)), self._something:
            await self._something.wait_for(condition)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """A request; returns its result or raises Refused."""
        id = next(self._ids)
        answer = self._answers[id] = asyncio.get_running_loop().create_future()
        await self.socket.send(jsonrpc.request(id, method, params))
        async with asyncio.timeout(seconds(10)):
            message = await answer
        if isinstance(message, jsonrpc.Failure):
            raise Refused(message.code, message.reason)
        assert isinstance(message, jsonrpc.Reply)
        return message.result

    async def join(self, uid: int = 0, channel: str = "lobby", **more: Any) -> dict[str, Any]:
        """Take a seat."""
        seat = await self.ask("join", appId=APP, channel=channel, uid=uid, **more)
        self.uid = seat["uid"]
        return seat

    async def speak(self, sequence: int, payload: bytes = b"opus") -> None:
        """Send one packet as oneself."""
        await self.socket.send(rtp.Packet(self.uid, sequence, sequence * 960 % 2**32, payload).pack())

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait for the end of the connection: code and reason."""
        async with asyncio.timeout(seconds(10)):
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason


@contextlib.asynccontextmanager
async def guest(url: str, **options: Any) -> AsyncIterator[Guest]:
    """A connection to the hub at this URL that has not joined. options: those of websockets' connect."""
    settings = {"subprotocols": [Subprotocol(rules.SUBPROTOCOL)], "compression": None, "proxy": None, **options}
    settings.setdefault("open_timeout", seconds(10))
    async with connect(url + rules.PATH, ping_interval=None, close_timeout=seconds(1), **settings) as socket:
        someone = Guest(socket)
        try:
            yield someone
        finally:
            await socket.close()
            await someone._reader


@contextlib.asynccontextmanager
async def honest_call(url: str, channel: str = "honest", tls: ssl.SSLContext | None = None) -> AsyncIterator[Guest]:
    """Somebody talks to somebody, 50 packets a second, for as long as this lasts; not one of them may be lost."""
    options = {"ssl": tls} if tls else {}
    async with guest(url, **options) as talker, guest(url, **options) as listener:
        await talker.join(1, channel)
        await listener.join(2, channel, autoSubscribe=True)
        await talker.ask("publish")
        spoken = 0

        async def talk() -> None:
            nonlocal spoken
            while True:
                await talker.speak(spoken)
                spoken += 1
                await asyncio.sleep(PACKET_S)

        task = asyncio.get_running_loop().create_task(talk())
        try:
            await listener.until(lambda: len(listener.packets) >= 5)
            yield listener
            before = len(listener.packets)
            await listener.until(lambda: len(listener.packets) >= before + 5)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await talker.ask("ping")  # everything before it has passed
        await listener.ask("ping")
        packets = [rtp.unpack(packet) for packet in listener.packets]
        heard = [packet.sequence for packet in packets if packet.ssrc == talker.uid]
        assert heard == list(range(len(heard))) and spoken <= len(heard) <= spoken + 1
