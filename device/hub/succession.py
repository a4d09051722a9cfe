"""The bridge between a hub and its successor, and the old hub's end of it: see `bridge` for who says what when.

The old hub keeps the connections that its clients have, and carries them as a desk of its server; its rooms are with
the successor, for which each of these connections is a line like its own (`predecessor`).
"""

import asyncio
import json
import math
import socket
import time
from typing import cast

from device.hub.bridge import Kind, Message, Reader
from device.hub.exchange import Exchange, Line, give
from device.hub.out import CLOSE_POLICY

# What may wait on the way between the two, 0.1 s of 200 listeners to eight talkers; more is speech that is late anyway.
MAX_WAITING_BYTES = 1_048_576
# Requests are not dropped; but whoever still talks to a successor that does not read has to dial again. What honest
# clients say until it is given up is a small part of this.
MAX_WAITING_WITH_TEXTS_BYTES = 8 * MAX_WAITING_BYTES


class BridgeError(Exception):
    """The other end has gone, or says what it should not. One line."""


class End(asyncio.Protocol):
    """One end. `came` is called with each message that is not expected."""

    def __init__(self) -> None:
        self._gone = False
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self._expected: dict[int, asyncio.Future[Message]] = {}

    async def open(self, sock: socket.socket) -> None:
        """Take this end of the bridge."""
        await asyncio.get_running_loop().create_connection(lambda: self, sock=sock)

    def expect(self, kind: Kind) -> "asyncio.Future[Message]":
        """The next message of this kind; BridgeError when the other end has gone instead."""
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        if self._gone:
            future.set_exception(BridgeError("it has gone"))
        else:
            self._expected[kind] = future
        return future

    def say(self, kind: Kind, connection: int = 0, data: bytes = b"") -> None:
        """Send a message."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(Message(kind, connection, data).pack())

    def waiting_bytes(self) -> float:
        """How far the other end is behind with reading; infinity where there is none."""
        return self._transport.get_write_buffer_size() if self._transport is not None else math.inf

    def full(self) -> bool:
        """Whether that is too far for speech."""
        return self.waiting_bytes() > MAX_WAITING_BYTES

    def close(self) -> None:
        """Nothing more is said; what has not gone out yet is forgotten."""
        if self._transport is not None:
            self._transport.abort()

    def came(self, message: Message, now: float) -> None:
        """A message that nobody waits for."""

    def ended(self) -> None:
        """The other end has gone."""

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The bridge stands."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        now = time.monotonic()
        for message in self._reader.feed(data):
            waiting = self._expected.pop(message.kind, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            else:
                self.came(message, now)

    def connection_lost(self, exc: Exception | None) -> None:
        """It stands no more."""
        self._gone = True
        for waiting in self._expected.values():
            if not waiting.done():
                waiting.set_exception(BridgeError("it has gone"))
        self.ended()


class Successor(End):
    """The process after this one, as a desk: what happens on our connections happens there.

    takes_over: whether it has everything, and we have nothing any more. drained: set when none of our connections is
    left, or the successor has gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.drained = asyncio.Event()
        self._numbers: dict[Line, int] = {}
        self._lines: dict[int, Line] = {}
        self._known: frozenset[Line] = frozenset()
        self._last = 0
        self._lost: list[Line] = []
        self.takes_over = False

    async def ready(self) -> None:
        """Wait until it could serve. Raises BridgeError."""
        await self.expect(Kind.READY)

    def tell_all(self, exchange: Exchange, key: bytes, events: bytes) -> None:
        """Hand everything over; this has to be its server's desk from this moment on. key: that of the sessions.
        events: that no webhook has got yet."""
        numbers, estate = exchange.bequeath()
        self._known = frozenset(numbers)
        self.say(Kind.KEY, data=key)
        for line, number in numbers.items():
            self._add(line, number)
        self.say(Kind.EVENTS, data=events)
        self.say(Kind.ESTATE, data=estate.pack())

    async def serving(self) -> None:
        """Wait until it has taken over. Raises BridgeError."""
        await self.expect(Kind.SERVING)

    def all_yours(self) -> None:
        """Nothing is left to do for it but to carry what the connections bring."""
        self.takes_over = True
        self.say(Kind.YOURS)
        self._look()

    def give_back(self, exchange: Exchange, now: float) -> None:
        """It will not take over: tell those rooms what they have missed, and who has no place there that he has to go.
        Their server's desk they are already."""
        for line in self._lost:  # first, as their places may be needed
            exchange.closed(line, now)
        for line in self._lines.values():
            if line not in self._known and (why := exchange.opened(line, now)):
                line.finish(CLOSE_POLICY, why)
        self.close()

    # What a server tells its desk

    def opened(self, line: Line, now: float) -> str:
        """A client has connected, or is through with TLS."""
        self._add(line, self._last + 1)
        return ""

    def closed(self, line: Line, now: float) -> None:
        """A connection is gone."""
        number = self._numbers.pop(line, None)
        if number is not None:
            del self._lines[number]
            self._lost.append(line)
            self.say(Kind.CLOSED, number)
        self._look()

    def text(self, line: Line, data: bytes, now: float) -> None:
        """A text message came."""
        if line in self._numbers and self.waiting_bytes() > MAX_WAITING_WITH_TEXTS_BYTES:
            line.finish(CLOSE_POLICY, "the next hub is behind")
        elif line in self._numbers:
            self.say(Kind.TEXT, self._numbers[line], data)

    def media(self, line: Line, data: bytes, now: float) -> None:
        """A binary message came."""
        if line in self._numbers and not self.full():
            self.say(Kind.MEDIA, self._numbers[line], data)

    def late(self, packets: int) -> None:
        """What had to go is counted by nobody: it is seconds until the clients are there."""

    def crowded(self, line: Line, now: float) -> None:
        """Nor is anybody told of it."""

    def tick(self, now: float) -> None:
        """Time has passed, which is the successor's business."""

    def snapshot(self) -> dict[str, int]:
        """How busy it is: nobody new comes here to ask."""
        return {}

    # What the successor says

    def came(self, message: Message, now: float) -> None:
        """Something is to be done on one of our connections."""
        line = self._lines.get(message.connection)
        if line is None:
            return
        if message.kind == Kind.MEDIA:
            give(line, message.data, now)
        elif message.kind == Kind.TEXT:
            line.tell(message.data)
        elif message.kind == Kind.CLOSE:
            code, reason = json.loads(message.data)
            line.finish(code, reason)

    def ended(self) -> None:
        """It has gone."""
        self.drained.set()

    def _add(self, line: Line, number: int) -> None:
        self._numbers[line], self._lines[number] = number, line
        self._last = max(self._last, number)
        self.say(Kind.OPENED, number, line.address.encode())

    def _look(self) -> None:
        if self.takes_over and not self._lines:
            self.drained.set()
