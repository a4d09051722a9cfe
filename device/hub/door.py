"""The socket that a hub listens on: who comes too often, or with too many, is turned away before that costs anything.

A connection costs the hub a millisecond, with TLS several, and 100 kB before it has said a word; here it is 20 us. It
counts every socket from its first packet on, also one that never ends its TLS handshake.
"""

import socket
import time
from collections import Counter, OrderedDict
from typing import Any, Self

from device.hub import limits
from device.hub.limits import Pace


class Visitor(socket.socket):
    """The socket of a client. The door hears when it goes."""

    _door: "Door | None" = None
    _household = ""

    @classmethod
    def of(cls, door: "Door", sock: socket.socket, household: str) -> Self:
        """This one has come in."""
        visitor = cls(sock.family, sock.type, sock.proto, sock.detach())
        visitor._door, visitor._household = door, household
        return visitor

    def close(self) -> None:
        """And not come back."""
        door, self._door = self._door, None
        if door is not None:
            door.gone(self._household)
        super().close()


class Door(socket.socket):
    """A socket to listen on. Arguments as any socket's. visitors: how many it has let in so far."""

    def __init__(self, *arguments: int, **options: int) -> None:
        super().__init__(*arguments, **options)
        self.visitors = 0
        self._inside = Counter[str]()
        self._paces = OrderedDict[str, Pace]()

    @classmethod
    def of(cls, sock: socket.socket) -> Self:
        """In place of this one, which is closed."""
        return cls(sock.family, sock.type, sock.proto, sock.detach())

    def accept(self) -> tuple[socket.socket, Any]:
        """The next one who may come in, and where he is from. Raises OSError: BlockingIOError, where there is nobody,
        or so many have been turned away that the others should have their turn."""
        for _ in range(limits.TURNED_AWAY_AT_ONCE):
            sock, address = super().accept()
            household = limits.household(address[0])
            if self._may_come_in(household, time.monotonic()):
                self._inside[household] += 1
                self.visitors += 1
                return Visitor.of(self, sock, household), address
            sock.close()
        raise BlockingIOError

    def gone(self, household: str) -> None:
        """One has left."""
        self._inside[household] -= 1
        if not self._inside[household]:
            del self._inside[household]

    def _may_come_in(self, household: str, now: float) -> bool:
        pace = self._paces.get(household)
        if pace is None:
            pace = self._paces[household] = Pace(limits.CONNECTS_PER_S, limits.CONNECT_BURST)
            if len(self._paces) > limits.MAX_HOUSEHOLDS:
                self._paces.popitem(last=False)
        self._paces.move_to_end(household)
        return self._inside[household] < limits.MAX_SOCKETS_PER_ADDRESS and pace.take(now)
