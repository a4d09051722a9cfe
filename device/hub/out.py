"""What rooms tell the server: what to do (send a text, close a connection), and how busy they are. PURE."""

from collections.abc import Hashable
from dataclasses import dataclass

# Whatever the server calls a connection; rooms only hand it back.
Connection = Hashable

# Close codes of WebSocket, RFC 6455 section 7.4.1; from 4000 on they are ours, see also channel/messages.py.
CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_POLICY = 1008
CLOSE_TOO_BIG = 1009
CLOSE_REPLACED = 4002  # the same device has opened two newer connections
CLOSE_BANNED = 4003  # a rule of the hub, or its administrator, put it out


@dataclass(frozen=True, slots=True)
class Send:
    """One text message, the same for each of these connections."""

    to: tuple[Connection, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close this connection and say why, as a WebSocket close frame does: code, and a reason of at most 123 bytes."""

    connection: Connection
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the hub's log about this connection."""

    connection: Connection
    text: str


Out = Send | Close | Note


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How busy it is. Packets and refused joins are counted since the start; packets are refused that broke a rule or
    a limit."""

    channels: int
    seats: int
    streams: int
    connections: int
    packets_in: int
    packets_out: int
    packets_refused: int
    joins_refused: int
