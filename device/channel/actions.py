"""What a session asks its client to do: small values, carried out in order. PURE."""

from dataclasses import dataclass, field

from device import jsonrpc
from device.channel.address import Address
from device.channel.errors import ChannelError


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a connection to this hub and call it `conn` from now on."""

    conn: int
    hub: Address


@dataclass(frozen=True, slots=True)
class Send:
    """Send one text message. It may hold a token or a session, so it has no place in a log."""

    conn: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Close:
    """End a connection, or an attempt to open one; nothing that comes from it later counts.

    abort: forget at once what is not delivered yet (a reset); otherwise with a closing handshake.
    """

    conn: int
    abort: bool


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the handlers of `event`."""

    event: str
    params: jsonrpc.Params


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of the request `request`: its result, or why there is none."""

    request: int
    outcome: jsonrpc.Params | ChannelError = field(repr=False)


@dataclass(frozen=True, slots=True)
class Log:
    """Write one line. level: as in `logging` (10 debug, 20 info, 30 warning). event: what it can be searched for."""

    level: int
    text: str
    event: str = ""


Action = Dial | Send | Close | Emit | Answer | Log

DEBUG, INFO, WARNING = 10, 20, 30
