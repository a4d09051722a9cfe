"""What a listener tells the hub of what arrives, and the hub those whose packets they are. PURE."""

from dataclasses import dataclass
from typing import NamedTuple, Self

from device import jsonrpc
from device.channel import members, messages, reception, rules

# In place of a uid: nobody hears who is in an audience.
AUDIENCE = 0


@dataclass(frozen=True, slots=True)
class Report:
    """The request `report`. lost: (uid, percent of its packets) of talkers."""

    lost: tuple[tuple[int, int], ...]

    def params(self) -> jsonrpc.Params:
        """What goes on the wire."""
        return {"streams": [{"uid": uid, "lost": percent} for uid, percent in self.lost]}

    @classmethod
    def read(cls, params: jsonrpc.Params) -> Self:
        """Raises JsonRpcError(INVALID_PARAMS)."""
        streams = members.member(params, "streams", list)
        if len(streams) > reception.MOST_TOLD:
            raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, f"streams: more than {reception.MOST_TOLD}")
        checked = [members.member({"streams": one}, "streams", dict) for one in streams]
        lost = tuple((messages.read_uid(one), _percent(one)) for one in checked)
        if len(dict(lost)) < len(lost):
            raise jsonrpc.JsonRpcError(jsonrpc.INVALID_PARAMS, "streams: a uid twice")
        return cls(lost)


class Told(NamedTuple):
    """The notification `report`. uid: of the listener, AUDIENCE for what so many of the audience have that they are a
    quarter of all who listen. lost: percent of our packets.

    crowded: the hub held some of them back, as the way to that listener is full.
    """

    uid: int
    lost: int
    crowded: bool

    def params(self) -> jsonrpc.Params:
        """What goes on the wire."""
        return self._asdict()

    @classmethod
    def read(cls, params: jsonrpc.Params) -> "Told":
        """Raises JsonRpcError(INVALID_PARAMS)."""
        uid = members.checked("uid", rules.check_uid, members.member(params, "uid", int))
        return Told(uid, _percent(params), members.member(params, "crowded", bool, False))


def _percent(params: jsonrpc.Params) -> int:
    percent: int = members.checked("lost", members.between(0, 100), members.member(params, "lost", int))
    return percent
