"""The client's websockets: one connection to a hub, from its socket to its frames.

`dial` opens one or says why not. A Wire hands each message over as it is read, without the queue of `recv` and the task
that would wait on it. Media frames, most of what goes over it, are also read and written here: both are a header and
the packet (RFC 6455 section 5.2), and the general way through the library takes several times as long. Everything else
is the library's: handshake, text, fragments, ping, close, and whatever is not exactly one media frame after another.
"""

import asyncio
import contextlib
import logging
import os
import re
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State
from websockets.typing import Subprotocol

from device.channel import rules, tcp, verdicts
from device.channel.address import Address
from device.channel.doubling import Path
from device.channel.resolver import Resolver
from device.channel.verdicts import Miss

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiler where it was installed
    from websockets.utils import apply_mask

# The answer to `join` in a full channel: 500 streams with labels of 64 bytes, escaped, are 227 kB.
MAX_MESSAGE_BYTES = 262_144
# A closing handshake takes one round trip; with a hub that does not answer it is not waited for.
GOODBYE_S = 0.2
# asyncio allocates what it may read before each read; with its own 256 kB that costs more than the rest of a packet.
_READ_BYTES = 16_384
_CLOSED_WITHOUT_CODE = 1006
# How many small web servers answer; the library reads HTTP/1.1 alone, and quotes this line when it refuses it.
_HTTP_1_0 = re.compile(r"\bHTTP/1\.0 (\d{3})\b")

_MEDIA = 0x82  # FIN, binary
_MASKED, _LONG = 0x80, 126
_SHORT_HEADER = struct.Struct("!BB")
_LONG_HEADER = struct.Struct("!BBH")

# At DEBUG the library logs every frame, and with them tokens and sessions.
_log = logging.Logger(__name__, logging.INFO)
_log.parent = logging.getLogger(__name__)


class Owner(Protocol):
    """Who hears of a wire."""

    def media_came(self, conn: int, data: bytes) -> None:
        """A binary message."""

    def text_came(self, conn: int, data: bytes) -> None:
        """A text message, UTF-8."""

    def wire_ended(self, conn: int, code: int) -> None:
        """It is closed, with this code of the close frame; nothing comes any more."""


class Missed(Exception):
    """No connection came about. detail: one line for people where `miss` does not say enough."""

    def __init__(self, miss: Miss, http_status: int = 0, detail: str = "") -> None:
        super().__init__(detail or str(miss))
        self.miss = miss
        self.http_status = http_status
        self.detail = detail


async def dial(
    hub: Address, first_target: int, resolver: Resolver, tls: ssl.SSLContext | None, reached: Callable[[], None]
) -> "Wire":
    """Open a connection; `reached` is called when TCP has connected. Waits for as long as it takes. Raises Missed."""
    try:
        sock = await tcp.connect(await resolver.look_up(hub.host, hub.port), first_target)
    except OSError as error:
        raise _before_tcp(error) from error
    reached()
    try:
        wire = await connect(
            hub.url,
            sock=sock,
            ssl=tls if hub.secure else None,
            subprotocols=[Subprotocol(rules.SUBPROTOCOL)],
            compression=None,
            proxy=None,
            user_agent_header=None,
            open_timeout=None,
            ping_interval=None,
            close_timeout=GOODBYE_S,
            max_size=MAX_MESSAGE_BYTES,
            logger=_log,
            create_connection=Wire,
        )
    except (OSError, WebSocketException, ValueError) as error:
        raise _after_tcp(error) from error
    assert isinstance(wire, Wire)
    if wire.subprotocol != rules.SUBPROTOCOL:
        wire.abort()
        raise Missed(Miss.STRANGER)
    return wire


class Wire(ClientConnection):
    """One WebSocket that is open, of `owner` as soon as there is one."""

    _owner: Owner | None = None
    _conn = 0
    # Bytes that the library has and has not made a frame of: at 0 the next byte begins one.
    _unparsed = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fragments: list[Frame] = []

    @property
    def date(self) -> str:
        """The hub's clock when it answered (RFC 9110 section 6.6.1), "" where it did not say."""
        return self.response.headers.get("Date", "") if self.response else ""

    def attach(self, owner: Owner, conn: int) -> None:
        """From now on what comes goes to this owner."""
        self._owner, self._conn = owner, conn
        self._check_state()

    def detach(self) -> None:
        """From now on what comes goes nowhere."""
        self._owner = None

    def send_media(self, packet: bytes) -> None:
        """Send one binary message of 1 to 65,535 bytes, at once or into the buffer; nothing on a closing connection."""
        if self.protocol.state is not State.OPEN:
            return
        size, mask = len(packet), os.urandom(4)
        if size < _LONG:
            header = _SHORT_HEADER.pack(_MEDIA, _MASKED | size)
        else:
            header = _LONG_HEADER.pack(_MEDIA, _MASKED | _LONG, size)
        self.transport.write(header + mask + apply_mask(packet, mask))

    def send_text(self, text: str) -> None:
        """Send one text message, likewise."""
        if self.protocol.state is State.OPEN:
            self.protocol.send_text(text.encode())
            self.send_data()

    def unacknowledged_bytes(self) -> int:
        """What was written and is not known to have arrived."""
        return self.transport.get_write_buffer_size() + tcp.unacknowledged(self._socket)

    def path(self) -> Path:
        """How the way to the hub is."""
        return tcp.path(self._socket)

    def abort(self) -> None:
        """End it at once; what is not delivered is forgotten."""
        self.detach()
        self.transport.abort()

    async def say_goodbye(self) -> None:
        """Deliver what is written, close, and end it at the latest after GOODBYE_S."""
        self.detach()
        try:
            tcp.end_well(self._socket)
            async with asyncio.timeout(GOODBYE_S):
                await self.close()
        except OSError:  # too late, or gone already
            pass
        finally:
            self.transport.abort()

    # What asyncio and the library call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Reads become smaller, where the transport lets them."""
        super().connection_made(transport)
        self._socket: socket.socket = transport.get_extra_info("socket")
        with contextlib.suppress(AttributeError):
            transport.max_size = _READ_BYTES  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Bytes came: media frames are read here, as long as nothing else has begun."""
        read = 0 if self._unparsed else self._read_media(data)
        if read < len(data):
            self._unparsed += len(data) - read
            super().data_received(data[read:])
            self._check_state()

    def process_event(self, event: Event) -> None:
        """The library has read the handshake's response, which stays its own, or a frame."""
        if not isinstance(event, Frame):
            super().process_event(event)
            self._unparsed = len(self.protocol.reader.buffer)
            return
        size = len(event.data)
        self._unparsed -= size + (2 if size < _LONG else 4 if size < 65_536 else 10)
        if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._fragments.append(event)
            if event.fin:
                self._pass_on(self._fragments)
                self._fragments = []

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        super().connection_lost(exc)
        self._check_state()

    def _read_media(self, data: bytes) -> int:
        at, end = 0, len(data)
        while self._owner is not None and end - at > 2 and data[at] == _MEDIA:
            size, start = data[at + 1], at + 2
            if size == _LONG:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size > _LONG:  # far longer than a packet, or masked, which a hub never does
                break
            if start + size > end:
                break
            at = start + size
            self._owner.media_came(self._conn, data[start:at])
        return at

    def _pass_on(self, fragments: list[Frame]) -> None:
        if self._owner is not None:
            text = fragments[0].opcode is Opcode.TEXT
            came = self._owner.text_came if text else self._owner.media_came
            came(self._conn, b"".join(bytes(frame.data) for frame in fragments))

    def _check_state(self) -> None:
        owner, received = self._owner, self.protocol.close_rcvd
        if owner is not None and self.protocol.state is not State.OPEN:
            self.detach()
            owner.wire_ended(self._conn, received.code if received else _CLOSED_WITHOUT_CODE)


def _before_tcp(error: OSError) -> Missed:
    if isinstance(error, socket.gaierror):
        if error.errno == socket.EAI_AGAIN:
            return Missed(Miss.NO_NETWORK, detail=f"{Miss.DNS}: no name server answers")
        return Missed(Miss.DNS, detail=f"{Miss.DNS}: nobody knows it; is it written right?")
    if error.errno in tcp.NO_NETWORK:
        return Missed(Miss.NO_NETWORK)
    if isinstance(error, ConnectionRefusedError):
        return Missed(Miss.REFUSED)
    if isinstance(error, TimeoutError):
        return Missed(Miss.TIMEOUT)
    return Missed(Miss.UNREACHABLE, detail=f"{Miss.UNREACHABLE} ({error.strerror})")


def _after_tcp(error: Exception) -> Missed:
    status = next((one for one in (error, error.__cause__) if isinstance(one, InvalidStatus)), None)
    if status is not None:  # a redirect is the cause of a ValueError: with a socket of ours it is not followed
        return Missed(Miss.HTTP, status.response.status_code)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Missed(Miss.TLS, detail=verdicts.of_certificate(error.verify_code, error.verify_message))
    if isinstance(error, ssl.SSLError):
        return Missed(Miss.TLS, detail=f"no TLS there ({error.reason}): is it a ws:// hub?")
    if isinstance(error, TimeoutError):
        return Missed(Miss.TIMEOUT)
    if isinstance(error, OSError) or isinstance(error.__cause__, EOFError):
        return Missed(Miss.DROPPED)
    old = _HTTP_1_0.search(str(error.__cause__))
    return Missed(Miss.HTTP, int(old[1])) if old else Missed(Miss.NO_WEBSOCKET)
