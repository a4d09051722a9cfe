"""The two ends of the bridge over which a hub hands everything to its successor: see `bridge` for who says what when.

The old hub keeps the connections that its clients have, and carries them as a desk of its server; its rooms are with
the successor, for which each of these connections is a line like its own.
"""

import asyncio
import json
import socket
import time
from typing import cast

from device import jsonrpc
from device.channel import messages
from device.hub.bridge import Estate, Kind, Message, Reader
from device.hub.exchange import Exchange, Line, give
from device.hub.frames import text_frame

# What may wait on the way between the two, 0.1 s of 200 listeners to eight talkers; more is speech that is late anyway.
MAX_WAITING_BYTES = 1_048_576


class BridgeError(Exception):
    """The other end has gone, or says what it should not. One line."""


class _End(asyncio.Protocol):
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

    def full(self) -> bool:
        """Whether the other end is behind with reading."""
        return self._transport is None or self._transport.get_write_buffer_size() > MAX_WAITING_BYTES

    def close(self) -> None:
        """Nothing more is said."""
        if self._transport is not None:
            self._transport.close()

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


class Successor(_End):
    """The process after this one, as a desk: what happens on our connections happens there.

    takes_over: whether it has everything, and we have nothing any more. drained: set when none of our connections is
    left, or the successor has gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.packets_late = 0
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

    def tell_all(self, exchange: Exchange, key: bytes) -> None:
        """Hand everything over; this has to be its server's desk from this moment on. key: that of the sessions."""
        numbers, estate = exchange.bequeath()
        self._known = frozenset(numbers)
        self.say(Kind.KEY, data=key)
        for line, number in numbers.items():
            self._add(line, number)
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
        """It will not take over: tell those rooms what they have missed. Their server's desk they are already."""
        for line in self._lines.values():
            if line not in self._known:
                exchange.opened(line, now)
        for line in self._lost:
            exchange.closed(line, now)
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
        if line in self._numbers:
            self.say(Kind.TEXT, self._numbers[line], data)

    def media(self, line: Line, data: bytes, now: float) -> None:
        """A binary message came."""
        if line in self._numbers and not self.full():
            self.say(Kind.MEDIA, self._numbers[line], data)

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
            self.packets_late += give(line, message.data, now)
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


class FarLine:
    """A connection that the hub before this one holds."""

    # The old hub keeps what its client does not read in time.
    clear = True

    def __init__(self, number: int, address: str, predecessor: "Predecessor") -> None:
        self.address = address
        self._number = number
        self._predecessor = predecessor

    def write(self, frame: bytes, /) -> int:
        """A media frame goes there, unless the way is full."""
        if not self._predecessor.full():
            self._predecessor.say(Kind.MEDIA, self._number, frame)
        return len(frame)

    def queue(self, rest: bytes) -> None:
        """Nothing is ever left of a frame."""

    def hold(self, frame: bytes, now: float) -> int:
        """Nothing is held back here: it is dropped."""
        return 1

    def tell(self, frame: bytes) -> None:
        """A text frame goes there."""
        self._predecessor.say(Kind.TEXT, self._number, frame)

    def finish(self, code: int, reason: str) -> None:
        """It says why and closes."""
        self._predecessor.say(Kind.CLOSE, self._number, json.dumps([code, reason]).encode())


class Predecessor(_End):
    """The process before this one, whose connections are lines of our exchange."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: dict[int, Line] = {}
        self._exchange: Exchange | None = None
        self._early: list[Message] = []
        self._estate: Estate | None = None

    async def bequest(self) -> bytes:
        """Say that we could serve, and wait for all that it leaves; returns its key. Raises BridgeError."""
        coming = asyncio.gather(self.expect(Kind.KEY), self.expect(Kind.ESTATE))
        self.say(Kind.READY)
        key, estate = await coming
        try:
            self._estate = Estate.read(estate.data)
        except ValueError as error:
            raise BridgeError(str(error)) from error
        return key.data

    def carry_on(self, exchange: Exchange, now: float) -> None:
        """Go on with what it left, after `bequest`."""
        assert self._estate is not None
        early, self._early, self._exchange = self._early, [], exchange
        for line in self._lines.values():
            exchange.inherited(line, now)
        exchange.inherit(self._estate, self._lines, now)
        for message in early:
            self.came(message, now)

    async def leave_to_us(self) -> None:
        """Say that we serve, and wait until it has stopped doing so. Raises BridgeError."""
        yours = self.expect(Kind.YOURS)
        self.say(Kind.SERVING)
        await yours

    def call_over(self) -> None:
        """Tell all whose connection it holds to dial us beside it."""
        frame = text_frame(jsonrpc.notification(messages.UPDATE_URL, {}))
        for line in self._lines.values():
            line.tell(frame)

    def came(self, message: Message, now: float) -> None:
        """Something has happened on one of its connections."""
        if self._exchange is None:
            self._before(message)
        elif message.kind == Kind.OPENED:
            line = self._lines[message.connection] = FarLine(message.connection, message.data.decode(), self)
            self._exchange.inherited(line, now)
        elif message.connection in self._lines:
            self._happened(self._exchange, message, now)

    def ended(self) -> None:
        """It has gone, with its connections."""
        for line in self._lines.values():
            if self._exchange is not None:
                self._exchange.closed(line, time.monotonic())
        self._lines.clear()

    def _before(self, message: Message) -> None:
        """Lines up to the estate are in it; what comes after that has to wait for the rooms."""
        if self._estate_came():
            self._early.append(message)
        elif message.kind == Kind.OPENED:
            self._lines[message.connection] = FarLine(message.connection, message.data.decode(), self)

    def _estate_came(self) -> bool:
        return Kind.ESTATE not in self._expected

    def _happened(self, exchange: Exchange, message: Message, now: float) -> None:
        line = self._lines[message.connection]
        if message.kind == Kind.TEXT:
            exchange.text(line, message.data, now)
        elif message.kind == Kind.MEDIA:
            exchange.media(line, message.data, now)
        elif message.kind == Kind.CLOSED:
            del self._lines[message.connection]
            exchange.closed(line, now)
