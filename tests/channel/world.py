"""A session in virtual time, with as many hubs, networks and accidents as a story needs.

    world = World()
    world.network = world.black_hole
    world.session.join(JOIN, world.now)
    world.run(3.0)
    assert ...

A `network` decides what becomes of a dial, `world.answer` what a hub says to a join. What the session does is checked
at each step against what must hold at any time: never more than two connections seated and eight attempts, a deadline
ahead.
"""

import heapq
import json
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count, pairwise
from random import Random
from typing import Any

from device import jsonrpc
from device.channel import address, messages
from device.channel.actions import Action, Answer, Close, Dial, Emit, Log, Send
from device.channel.dialling import MAX_PENDING
from device.channel.doubling import Path
from device.channel.errors import ChannelError
from device.channel.messages import Join, Seated, Stream
from device.channel.news import State
from device.channel.session import Session
from device.channel.verdicts import Miss

JOIN = Join("0123456789abcdef0123456789abcdef", "lobby", uid=7, token="SECRET-TOKEN", label="kitchen")
OPUS = bytes(60)
FRAME_BYTES = 6

Network = Callable[[int], None]


@dataclass
class Connection:
    """One connection as the world sees it.

    held: what is written and not acknowledged, in bytes, with who reads it. losses: so far, as its kernel counts them.
    """

    conn: int
    hub: int
    dialled_at: float
    alive: bool = True
    losses: int = 0
    held: list[tuple[int, str | bytes]] = field(default_factory=list)


class World:
    """One session and everything around it."""

    def __init__(self, hubs: int = 1, seed: int = 1, rtt_s: float = 0.02, scheme: str = "ws") -> None:
        self.now = 1_000.0
        self.session = Session([address.read(f"{scheme}://hub{n}:8800") for n in range(hubs)], Random(seed))
        self.rtt_s = rtt_s
        self.network: Network = self.works
        self.answer: Callable[[int, jsonrpc.Request], None] = self.gives_seat
        self.dead = False  # nothing passes on any connection
        self.losing = False  # every connection loses something between two looks; what is lost is not played here
        self.crowded = False  # what is sent has to queue, on any connection
        self.streams: dict[int, Stream] = {}
        self.resumes = True
        self.unknown: set[str] = set()  # requests that the hub does not know
        self.ping_ms = 1_000
        self.connections: dict[int, Connection] = {}
        self.dials: list[tuple[float, int]] = []  # (when, hub)
        self.closes: dict[int, bool] = {}  # conn: abort
        self.requests: list[tuple[int, str, dict[str, Any]]] = []  # (conn, method, params)
        self.answers: dict[int, Any] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.logs: list[tuple[int, str]] = []
        self.media: dict[int, list[bytes]] = defaultdict(list)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    # Networks: what becomes of a dial

    def works(self, conn: int) -> None:
        """TCP, handshake, join: a round trip each."""
        self.after(self.rtt_s, lambda: self.if_open(conn, lambda: self.session.reached(conn, self.now)))
        self.after(2 * self.rtt_s, lambda: self.if_open(conn, lambda: self.session.opened(conn, self.now)))

    def black_hole(self, conn: int) -> None:
        """Nothing comes back, ever."""

    def stands_still(self, conn: int) -> None:
        """The kernel of the hub answers, its process does not."""
        self.after(self.rtt_s, lambda: self.if_open(conn, lambda: self.session.reached(conn, self.now)))

    def fails(self, miss: Miss, http_status: int = 0) -> Network:
        """Every dial ends so, a round trip later."""

        def network(conn: int) -> None:
            fail = lambda: self.session.failed(conn, miss, self.now, http_status)  # noqa: E731
            self.after(self.rtt_s, lambda: self.if_open(conn, fail))

        return network

    def drops(self, conn: int) -> None:
        """Accepted, and closed before it could ask."""
        self.works(conn)
        self.after(2 * self.rtt_s, lambda: self.hub_closes(conn, 1011))

    # Hubs: what becomes of a join or rejoin

    def gives_seat(self, conn: int, request: jsonrpc.Request) -> None:
        """The seat, as it was left where it is asked for again."""
        resumed = request.method == messages.REJOIN and self.resumes
        known = set(request.params.get("known", []))
        removed = tuple(sorted(known - set(self.streams))) if request.method == messages.REJOIN else ()
        uid = request.params["uid"] or 4_711
        seated = Seated(uid, f"s{conn}", resumed, tuple(self.streams.values()), removed, self.ping_ms, 20_000, "1")
        self.say(conn, jsonrpc.reply(request.id, seated.params()))

    def refuses(self, code: int, *, only: str = "") -> Callable[[int, jsonrpc.Request], None]:
        """This error, to every join and rejoin or only to this one of the two."""

        def answer(conn: int, request: jsonrpc.Request) -> None:
            if only in ("", request.method):
                self.say(conn, jsonrpc.failure(request.id, code, ""))
            else:
                self.gives_seat(conn, request)

        return answer

    def ignores(self, conn: int, request: jsonrpc.Request) -> None:
        """No answer."""

    # Time

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._order), what))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self._carry_out()
        while True:
            wake_at = min(self.session.deadline(), self._due[0][0] if self._due else math.inf)
            if wake_at > end:
                break
            self.now = max(self.now, wake_at)
            while self._due and self._due[0][0] <= self.now:
                heapq.heappop(self._due)[2]()
                self._carry_out()
            if self.session.deadline() <= self.now:
                self._tell_connections()
                self.session.tick(self.now)
                self._carry_out()
                assert self.session.deadline() > self.now, "a deadline that has passed makes a busy loop"
        self.now = end

    def talk(self, seconds: float, frame_s: float = 0.02) -> None:
        """The same, with a frame sent every 20 ms."""
        for frame in range(round(seconds / frame_s)):
            self.run(frame_s)
            self._tell_connections()
            sending = self.session.send(OPUS, round(self.now * 48_000), -20, frame == 0, self.now)
            data, conns = sending or (b"", [])
            for conn in conns:
                self._written(conn, data)

    # What the other end does

    def say(self, conn: int, text: str | bytes) -> None:
        """The hub sends this, half a round trip from now."""
        self.after(self.rtt_s / 2, lambda: self.deliver(conn, text))

    def notify(self, method: str, **params: Any) -> None:
        """The hub notifies the seat, now, on each of its connections."""
        assert self.session.conns
        for conn in self.session.conns:
            self.deliver(conn, jsonrpc.notification(method, params))

    def deliver(self, conn: int, data: str | bytes) -> None:
        """This arrives now, unless the connection is closed or dead."""
        if conn in self.connections and self.connections[conn].alive and not self.dead:
            self.session.text(conn, data, self.now)
            self._carry_out()

    def hub_closes(self, conn: int | None, code: int = 1006) -> None:
        """The connection is closed by the other end, or reset."""
        assert conn is not None
        self._carry_out()
        if self.connections.pop(conn, None):
            self.session.closed(conn, code, self.now)
            self._carry_out()

    def says(self, method: str, **params: Any) -> None:
        """The hub notifies the seat if there is a connection."""
        if self.session.conns:
            self.notify(method, **params)

    def resets(self) -> None:
        """Everything that is open is reset."""
        for conn in list(self.connections):
            self.hub_closes(conn)

    def revive(self) -> None:
        """The path is back: what was held arrives, after TCP has repeated it."""
        self.dead = False
        for connection in list(self.connections.values()):
            if connection.alive:
                held, connection.held = connection.held, []
                for _, data in held:
                    self._transfer(connection, data)

    def if_open(self, conn: int, what: Callable[[], None]) -> None:
        if conn in self.connections:
            what()
            self._carry_out()

    # What came of it

    @property
    def open(self) -> list[int]:
        return list(self.connections)

    def methods(self, conn: int | None = None) -> list[str]:
        return [method for on, method, _ in self.requests if conn in (None, on)]

    def states(self) -> list[str]:
        return [params["state"] for event, params in self.events if event == "connection-state"]

    def errors(self) -> list[int]:
        return [params["code"] for event, params in self.events if event == "error"]

    def pace(self) -> list[float]:
        """Seconds from each dial to the next."""
        times = [at for at, _ in self.dials]
        return [later - earlier for earlier, later in pairwise(times)]

    def _carry_out(self) -> None:
        while actions := self.session.actions():
            for action in actions:
                self._do(action)
        seated = self.session.conns
        assert len(set(seated)) == len(seated) <= 2
        assert len(set(self.connections) - set(seated)) <= MAX_PENDING
        assert set(seated) <= set(self.connections)
        assert self.session.state is State.LEFT or self.session.deadline() < float("inf")
        assert self.session.state is not State.IN_CALL or self.session.conn is not None

    def _do(self, action: Action) -> None:
        match action:
            case Dial(conn, hub):
                self.connections[conn] = Connection(conn, int(hub.host.removeprefix("hub")), self.now)
                self.dials.append((self.now, self.connections[conn].hub))
                self.network(conn)
            case Send(conn, text):
                assert conn in self.connections, "a text for a connection that is closed"
                message = json.loads(text)
                self.requests.append((conn, message["method"], message["params"]))
                self._written(conn, text)
            case Close(conn, abort):
                assert conn not in self.closes, "closed twice"
                self.connections.pop(conn, None)
                self.closes[conn] = abort
            case Emit(event, params):
                self.events.append((event, params))
            case Answer(request, outcome):
                assert request not in self.answers, "answered twice"
                self.answers[request] = outcome.code if isinstance(outcome, ChannelError) else outcome
            case Log(level, text):
                assert "SECRET" not in text
                self.logs.append((level, text))

    def _tell_connections(self) -> None:
        for conn in self.session.conns:
            connection = self.connections[conn]
            connection.losses += self.losing
            self.session.unacknowledged(conn, sum(size for size, _ in connection.held), self.now)
            rtt_s = self.rtt_s + 1.0 if self.crowded else self.rtt_s
            self.session.path(conn, Path(connection.losses, rtt_s, self.rtt_s), self.now)

    def _written(self, conn: int, data: str | bytes) -> None:
        connection = self.connections[conn]
        if connection.alive and not self.dead:
            self._transfer(connection, data)
        else:
            connection.held.append((len(data) + FRAME_BYTES, data))

    def _transfer(self, connection: Connection, data: str | bytes) -> None:
        item = (len(data) + FRAME_BYTES, data)
        connection.held.append(item)

        def arrive() -> None:
            delivered = connection.conn in self.connections or self.closes.get(connection.conn) is False
            if connection.alive and not self.dead and delivered:
                self._read(connection, data)

        def acknowledge() -> None:
            if connection.alive and not self.dead and item in connection.held:
                connection.held.remove(item)

        self.after(self.rtt_s / 2, arrive)
        self.after(self.rtt_s, acknowledge)

    def _read(self, connection: Connection, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.media[connection.conn].append(data)
            return
        request = jsonrpc.parse(data)
        assert isinstance(request, jsonrpc.Request)
        if request.method in (messages.JOIN, messages.REJOIN):
            self.answer(connection.conn, request)
        elif request.method in self.unknown:
            self.say(connection.conn, jsonrpc.failure(request.id, jsonrpc.METHOD_NOT_FOUND, "unknown"))
        else:
            self.say(connection.conn, jsonrpc.reply(request.id, {}))


def in_call(world: World, seconds: float = 10.0) -> World:
    """A call that has lasted for a while, and whose past is forgotten."""
    request = world.session.join(JOIN, world.now)
    world.session.call("publish", {}, world.now)
    world.run(seconds)
    assert world.answers[request] == {"uid": 7}
    assert world.session.state is State.IN_CALL
    world.events.clear()
    world.dials.clear()
    return world
