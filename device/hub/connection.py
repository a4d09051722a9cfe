"""One websocket of the hub.

Frames are handed to a desk, which is the exchange, as they are parsed, without a queue or a task in between: no client
can hold up another. A media frame goes straight to the transport while that holds nothing back; else it waits in the
listener's backlog, which forgets what is too old. A text is never dropped: who does not even read those is cut off.

What comes from one address waits for the next turn of the loop once that has cost its share of this one (turns.py).
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from websockets.asyncio.server import Server as WebSocketServer
from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import Event, State
from websockets.server import ServerProtocol

from device.hub import limits, sockets
from device.hub.backlog import KEEP_BYTES
from device.hub.exchange import Desk
from device.hub.limits import Pace
from device.hub.out import CLOSE_POLICY, CLOSE_TOO_BIG
from device.hub.pouring import Pouring
from device.hub.turns import Account, Share

logger = logging.getLogger(__name__)

# What may wait for somebody who does not read, his backlog included: all of a full channel may come at once, as after a
# crash, and he is told twice of each. With a third of this who read all the time was cut off (tests/hostile).
MAX_UNREAD_BYTES = 294_912 + KEEP_BYTES
# For all at one address together: more than that is cut off of who leaves most. 250 who are served one after the other
# have a hundredth of it each.
MAX_UNREAD_OF_ADDRESS_BYTES, MUCH_UNREAD_BYTES = 16_777_216, 65_536
# Nobody of ours splits a message; who does it may, within reason.
MAX_FRAGMENTS = 64
# For a peer to take the close frame and answer it.
CLOSE_WITHIN_S = 0.3
# In one piece; the rest may have to wait for its turn. It can be 340 frames of nothing, at 15 us each.
READ_AT_ONCE_BYTES = 2_048
# What the library spends on a handshake after it has read it.
HANDSHAKE_COSTS_S = 0.0005


class House(Protocol):
    """What all connections of a server have in common. desk: who hears of a new one."""

    desk: Desk
    connections: "set[Connection]"

    def share(self, household: str) -> Share:
        """Of the time, for all connections from there together."""


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
        house: "House",
        **options: Any,
    ) -> None:
        super().__init__(protocol, server, **options)
        self.clear = False
        self.refused = ""
        self._house = house
        self._started = self._ending = False
        self.pouring = Pouring(self)
        self._fragments: list[Frame] = []
        self._rarities = Pace(limits.RARITIES_PER_S, limits.RARITY_BURST)
        self._handshake_bytes = 0
        self._account = Account()
        self._unseen = bytearray()
        self._unread = 0

    def start(self) -> None:
        """The handshake is done: frames are taken and given from now on."""
        self._started = True
        self.clear = self.state is State.OPEN and not self.paused

    @property
    def address(self) -> str:
        """The client's IP address, "" where it has gone already."""
        peer = self.remote_address
        return str(peer[0]) if peer else ""

    @property
    def is_open(self) -> bool:
        """Whether he may still be sent something."""
        return self.state is State.OPEN and not self._ending

    def hold(self, frame: bytes, now: float) -> int:
        """Keep a media frame for as long as it is worth hearing; returns how many it dropped."""
        return self.pouring.hold(frame, now) if self.state is State.OPEN else 1

    def tell(self, frame: bytes) -> None:
        """Send a text frame; a client that leaves too many of them unread is cut off."""
        if self.state is not State.OPEN:
            return
        if self._leaves_too_much_unread():
            logger.info("cutting off %s: it does not read", self.address)
            self.abandon()
        else:
            self.queue(frame)

    def queue(self, rest: bytes) -> None:
        """Send as soon as possible."""
        if not self.transport.is_closing():  # lost a moment ago; asyncio would warn of each frame
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
        self._unread_bytes()

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
            # Nor how much it reads and keeps while nobody wants to hear it: 256 kB.
            tls._set_read_buffer_limits(sockets.RECEIVE_BUFFER_BYTES)
        else:
            # Past the transport, which holds nothing while this is called: with 200 listeners a fifth of the time.
            self.write = partial(os.write, transport.get_extra_info("socket").fileno())
            self.transport.set_write_buffer_limits(0)
            # asyncio allocates this much for every read, by default 256 kB fresh from the kernel.
            transport.max_size = sockets.RECEIVE_BUFFER_BYTES  # type: ignore[attr-defined]
        self._house.connections.add(self)
        self._share = self._house.share(limits.household(self.address))
        self.desk = self._house.desk
        self.refused = self.desk.opened(self, time.monotonic())

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, for whatever reason."""
        self.clear = False
        super().connection_lost(exc)
        self._unread_bytes()
        self._house.connections.discard(self)
        self.desk.closed(self, time.monotonic())

    def data_received(self, data: bytes) -> None:
        """Bytes came; `process_event` has seen their frames when this returns, or will have in another turn."""
        if self._unseen:  # TLS had some more
            self._unseen += data
        elif self._share.may_go_on():
            self._read(data)
        else:
            self._wait_with(data)

    def eof_received(self) -> None:
        """The client sends nothing more."""
        super().eof_received()
        self._check_end()

    def process_event(self, event: Event) -> None:
        """One parsed frame, or the request of the handshake."""
        if not self._started:
            super().process_event(event)
        elif isinstance(event, Frame) and not self._ending:
            if event.fin and event.opcode is Opcode.BINARY:
                self.desk.media(self, bytes(event.data), time.monotonic())
            elif event.fin and event.opcode is Opcode.TEXT:
                self.desk.text(self, bytes(event.data), time.monotonic())
            elif event.opcode in DATA_OPCODES:
                self._join_fragments(event)
            elif not self._rarities.take(time.monotonic()):
                self.finish(CLOSE_POLICY, "too many pings")

    def pause_writing(self) -> None:
        """The socket is full."""
        super().pause_writing()
        self.clear = False

    def resume_writing(self) -> None:
        """Everything is with the kernel: send what is still worth hearing."""
        super().resume_writing()
        self._unread_bytes()
        if self._started and self.is_open and not self.pouring.held:
            self.clear = True
            self.pouring.pour(time.monotonic())

    def _leaves_too_much_unread(self) -> bool:
        unread = self._unread_bytes()
        together = self._share.unread_bytes
        return unread > MAX_UNREAD_BYTES or (unread > MUCH_UNREAD_BYTES and together > MAX_UNREAD_OF_ADDRESS_BYTES)

    def _unread_bytes(self) -> int:
        """What waits here; the account of its address has it from now on."""
        before, self._unread = self._unread, self.transport.get_write_buffer_size()
        self._share.unread_bytes += self._unread - before
        return self._unread

    def _wait_with(self, data: bytes) -> None:
        self._unseen += data
        self.transport.pause_reading()
        self._share.wait(self._account, self._read_unseen, time.monotonic())

    def _read_unseen(self) -> None:
        data = bytes(self._unseen)
        self._unseen.clear()
        if not self.transport.is_closing():
            self._read(data)
            if not self._unseen:
                self.transport.resume_reading()

    def _read(self, data: bytes) -> None:
        began_s = time.monotonic()
        if self._started or self._is_within_handshake(data):
            super().data_received(data[:READ_AT_ONCE_BYTES])
            self._check_end()
        now_s = time.monotonic()
        self._share.spent(self._account, now_s - began_s + (0 if self._started else HANDSHAKE_COSTS_S), now_s)
        if len(data) > READ_AT_ONCE_BYTES and not self.transport.is_closing():
            self._wait_with(data[READ_AT_ONCE_BYTES:])

    def _is_within_handshake(self, data: bytes) -> bool:
        """Else it is over: who sends so much has no business here."""
        self._handshake_bytes += len(data[:READ_AT_ONCE_BYTES])
        if self._handshake_bytes > limits.MAX_HANDSHAKE_BYTES:
            logger.info("cutting off %s: its handshake does not end", self.address)
            self.abandon()
        return self._handshake_bytes <= limits.MAX_HANDSHAKE_BYTES

    def _encrypt(self, frame: bytes) -> int:
        self.transport.write(frame)
        return len(frame)

    def _join_fragments(self, frame: Frame) -> None:
        self._fragments.append(frame)
        if len(self._fragments) > MAX_FRAGMENTS or not self._rarities.take(time.monotonic()):
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
