"""A hub in virtual time: `Rooms` with people in it, and what each of their connections got."""

import random
from collections import defaultdict
from typing import Any

import pytest

from device import jsonrpc
from device.channel import rtp
from device.hub import limits
from device.hub.apps import EVERY, Apps
from device.hub.bridge import Estate
from device.hub.out import Close, Note, Out
from device.hub.rooms import Rooms
from device.hub.sessions import Sessions

APP = "0123456789abcdef0123456789abcdef"
OTHER_APP = "f" * 32
KEY = b"k" * 32
# When a story begins, by the wall clock: seconds since 1970.
NOON = 1_800_000_000.0


class Refused(Exception):
    """A request that was answered with an error."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code


class House:
    """Connections are called by any name; each has an inbox, and may have been closed with (code, reason). notes: lines
    for the log.

    now: the monotonic clock. wall_s: the wall clock, which a story may set.
    """

    def __init__(self, seed: int = 1, started: float = -60.0, apps: Apps = EVERY) -> None:
        self.now = 0.0
        self.wall_s = NOON
        self.inbox: dict[Any, list[jsonrpc.Message]] = defaultdict(list)
        self.closed: dict[Any, tuple[int, str]] = {}
        self.notes: list[str] = []
        self._addresses: dict[Any, str] = {}
        self._sequence = 0
        self._random = random.Random(seed)
        self.rooms = Rooms(Sessions(KEY), self._random.randbytes, started, apps, "test")
        self.rooms.tick(self.now)

    def hand_over(self, apps: Apps = EVERY) -> None:
        """The next process takes over, with the connections that there are."""
        old = self.rooms
        self.rooms = Rooms(Sessions(KEY), self._random.randbytes, self.now, apps, "test")
        connections = dict(enumerate(old.connections()))
        for connection in connections.values():
            self.rooms.inherited(connection, self.now, self._addresses[connection])
        estate = old.bequeath({connection: number for number, connection in connections.items()})
        self.rooms.inherit(Estate.read(estate.pack()), connections, self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, with every tick."""
        end = self.now + seconds
        while self.now < end:
            step_s = min(end - self.now, limits.TICK_S)
            self.now, self.wall_s = self.now + step_s, self.wall_s + step_s
            self.take(self.rooms.tick(self.now))

    def take(self, out: list[Out]) -> None:
        """Deliver."""
        for one in out:
            if isinstance(one, Note):
                self.notes.append(one.text)
                continue
            if isinstance(one, Close):
                self.closed[one.connection] = (one.code, one.reason)
                continue
            for connection in one.to:
                assert connection not in self.closed, "nothing follows a close"
                self.inbox[connection].append(jsonrpc.parse(one.text))

    def open(self, *connections: Any, address: str = "10.0.0.1") -> None:
        """Connect; there has to be a place."""
        for connection in connections:
            assert self.rooms.opened(connection, address, self.now) == ""
            self._addresses[connection] = address

    def drop(self, *connections: Any) -> None:
        """These connections are lost."""
        for connection in connections:
            self.rooms.closed(connection, self.now)

    def text(self, connection: Any, text: str | bytes) -> list[jsonrpc.Message]:
        """Send any text; returns what this connection got at once."""
        before = len(self.inbox[connection])
        self.take(self.rooms.text(connection, text, self.now, self.wall_s))
        return self.inbox[connection][before:]

    def ask(self, connection: Any, method: str, **params: Any) -> dict[str, Any]:
        """A request; returns its result or raises Refused. The answer is removed from the inbox."""
        answer = self.text(connection, jsonrpc.request(7, method, params))[0]
        self.inbox[connection].remove(answer)
        if isinstance(answer, jsonrpc.Failure):
            assert answer.id == 7
            raise Refused(answer.code, answer.reason)
        assert isinstance(answer, jsonrpc.Reply) and answer.id == 7
        return answer.result

    def join(self, connection: Any, uid: int = 0, channel: str = "lobby", **more: Any) -> dict[str, Any]:
        """Connect and join; returns the answer."""
        self.open(connection)
        return self.ask(connection, "join", appId=APP, channel=channel, uid=uid, **more)

    def rejoin(self, connection: Any, seat: dict[str, Any], channel: str = "lobby", **more: Any) -> dict[str, Any]:
        """Connect and take this seat again."""
        self.open(connection)
        claim = {"appId": APP, "channel": channel, "uid": seat["uid"], "session": seat["session"], **more}
        return self.ask(connection, "rejoin", **claim)

    def talker(self, connection: Any, uid: int, channel: str = "lobby", **more: Any) -> dict[str, Any]:
        """Join and publish."""
        seat = self.join(connection, uid, channel, **more)
        self.ask(connection, "publish")
        return seat

    def speak(self, connection: Any, uid: int, sequence: int | None = None) -> list[Any]:
        """Send one packet; returns the connections that get it."""
        if sequence is None:
            self._sequence = sequence = self._sequence + 1 & 0xFFFF
        data = rtp.Packet(uid, sequence, sequence * 960, b"opus").pack()
        return list(self.rooms.media(connection, data, self.now))

    def news(self, connection: Any) -> list[tuple[str, dict[str, Any]]]:
        """The notifications that came since the last look, as (method, params)."""
        got, self.inbox[connection] = self.inbox[connection], []
        return [(one.method, one.params) for one in got if isinstance(one, jsonrpc.Notification)]

    def heartbeat(self, *connections: Any, seconds: float) -> None:
        """Let time pass while these connections ping once a second."""
        for _ in range(round(seconds)):
            self.wait(1.0)
            for connection in connections:
                self.ask(connection, "ping")


def refused(house: House, connection: Any, method: str, **params: Any) -> int:
    """The code of the error that answers this request."""
    with pytest.raises(Refused) as error:
        house.ask(connection, method, **params)
    return error.value.code


def call() -> House:
    """1 and 2 talk and hear each other; 3 is an audience that hears both."""
    house = House()
    house.talker("a", 1, autoSubscribe=True)
    house.talker("b", 2, autoSubscribe=True)
    house.join("c", 3, role="audience", autoSubscribe=True)
    for connection in "abc":
        house.news(connection)
    return house
