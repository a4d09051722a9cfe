"""The successor's end of the bridge: the hub before this one, and the connections that it still holds."""

import asyncio
import json
import time

from device import jsonrpc
from device.channel import messages
from device.hub.bridge import Estate, Kind, Message
from device.hub.exchange import Exchange, Line
from device.hub.frames import text_frame
from device.hub.succession import BridgeError, End


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


class Predecessor(End):
    """The process before this one, whose connections are lines of our exchange. events: that its webhook has not got;
    empty where it left none, or is of a version that leaves none."""

    def __init__(self) -> None:
        super().__init__()
        self.events = b""
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
        if message.kind == Kind.EVENTS:
            self.events = message.data
        elif self._estate_came():
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
