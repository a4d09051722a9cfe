"""What a hub and its successor say to each other while the one takes over from the other. PURE.

    successor   READY                        it has read its configuration, and could serve
    old hub     KEY, OPENED..., EVENTS,      all it has; from now on what clients send goes to the successor
                ESTATE
    successor   SERVING                      it has all of it, and listens
    old hub     YOURS                        it listens no more, and whoever started it knows
    old hub     OPENED, TEXT, MEDIA, CLOSED  what happens on the connections that it still holds
    successor   TEXT, MEDIA, CLOSE           what is to be done there

If the successor fails before SERVING, the old hub goes on with the seats that it had; what was asked or said in that
moment is lost. A client on an old connection and one on a new one sit in the same rooms at any time, and nobody has to
hurry.

A message is its kind, the number of a connection and a length, and so many bytes. What a reader does not know it
ignores: the two may be of different versions.
"""

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, Self

_HEADER = struct.Struct("!BII")


class Kind(IntEnum):
    """What a message is. OPENED carries the client's address; CLOSE a close code and a reason; EVENTS what a webhook
    has not got yet."""

    READY = 1
    KEY = 2
    OPENED = 3
    ESTATE = 4
    SERVING = 5
    YOURS = 6
    TEXT = 7
    MEDIA = 8
    CLOSED = 9
    CLOSE = 10
    EVENTS = 11


@dataclass(frozen=True, slots=True)
class Message:
    """One of them. connection: its number, 0 where it is about none."""

    kind: int
    connection: int = 0
    data: bytes = field(default=b"", repr=False)

    def pack(self) -> bytes:
        """What goes over the bridge."""
        return _HEADER.pack(self.kind, self.connection, len(self.data)) + self.data


class Reader:
    """Makes messages of the bytes that come."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Those that are complete now."""
        self._rest += data
        while len(self._rest) >= _HEADER.size:
            kind, connection, size = _HEADER.unpack_from(self._rest)
            end = _HEADER.size + size
            if len(self._rest) < end:
                return
            content = bytes(self._rest[_HEADER.size : end])
            del self._rest[:end]
            yield Message(kind, connection, content)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRights:
    """What a seat may do, as `rights.Rights` has it. JSON as Python writes it has infinity."""

    role: str = "broadcaster"
    join_until: float = math.inf
    publish_until: float = math.inf
    told: str = ""


@dataclass(frozen=True, slots=True)
class HeldSeat(HeldRights):
    """A seat as `seats.Seat` has it. subscribers: uids. connections: numbers, oldest first. The session is a secret."""

    app_id: str
    channel: str
    uid: int
    session: str = field(repr=False)
    label: str = ""
    auto_subscribe: bool = False
    publishing: bool = False
    live: bool = False
    absent_since: float = 0.0
    back: bool = False
    awaited: tuple[int, ...] = ()
    expected: tuple[int, ...] = ()
    subscribers: tuple[int, ...] = ()
    connections: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldChannel:
    """Who is silent in a channel, as `seats.Channel` has it."""

    app_id: str
    channel: str
    muted: tuple[int, ...] = ()
    deaf: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Estate:
    """All that the rooms of a hub know. started: when it began to listen, in monotonic seconds of this machine.

    joined: since when each seat has been taken, silenced: the places of those among them that a rule keeps from
    publishing; rules: those of its moderation, as they write themselves. None of this comes from a hub that knows none.
    """

    started: float
    seats: tuple[HeldSeat, ...]
    channels: tuple[HeldChannel, ...] = ()
    joined: tuple[float, ...] = ()
    silenced: tuple[int, ...] = ()
    rules: str = ""

    def stay(self, place: int) -> tuple[float, bool]:
        """Since when the seat at this place has been taken, and whether it is silenced."""
        return self.joined[place] if self.joined else self.started, place in self.silenced

    def pack(self) -> bytes:
        """As a message carries it."""
        # Not asdict: that copies each of what may be 100,000 numbers, while nobody is heard.
        seats = [{name: getattr(seat, name) for name in HeldSeat.__dataclass_fields__} for seat in self.seats]
        channels = [asdict(channel) for channel in self.channels if channel.muted or channel.deaf]
        more = {"channels": channels, "joined": self.joined, "silenced": self.silenced, "rules": self.rules}
        return json.dumps({"started": self.started, "seats": seats, **more}).encode()

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The estate in a message. Raises ValueError for what is none."""
        try:
            content = json.loads(data)
            seats = tuple(_seat(held) for held in content["seats"])
            channels = tuple(_channel(held) for held in content.get("channels", []))
            joined = tuple(float(moment) for moment in content.get("joined", ()))
            silenced = tuple(int(place) for place in content.get("silenced", ()))
            return cls(float(content["started"]), seats, channels, joined, silenced, str(content.get("rules", "")))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an estate: {error!r}") from error


def _channel(held: dict[str, Any]) -> HeldChannel:
    deaf = tuple((int(listener), int(talker)) for listener, talker in held["deaf"])
    return HeldChannel(str(held["app_id"]), str(held["channel"]), tuple(held["muted"]), deaf)


def _seat(held: dict[str, object]) -> HeldSeat:
    known = {name: tuple(value) if isinstance(value, list) else value for name, value in held.items()
             if name in HeldSeat.__dataclass_fields__}  # fmt: skip
    return HeldSeat(**known)  # type: ignore[arg-type]
