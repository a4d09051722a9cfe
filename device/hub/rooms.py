"""The hub without its network: what every connection may do, and who hears whom.

`Rooms` is told what happened (a connection opened or closed, a text or a packet came, time passed) and answers what is
to be done, as a list of `Send` and `Close`. A connection that it closes is forgotten at once; whatever still comes from
it is ignored. The first request of a connection is `join` or `rejoin`; who gets the seat is `seating`'s business.

A packet is the exception, because there are thousands of them: `media` answers with the connections it goes to, and
what there is to say to its sender is said by the next `tick`. PURE.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from device import jsonrpc
from device.channel import errors, messages, rtp, rules
from device.hub import asides, limits
from device.hub.admission import admit
from device.hub.apps import EVERY, Apps
from device.hub.bridge import Estate
from device.hub.limits import Pace
from device.hub.moderator import Moderator
from device.hub.out import CLOSE_POLICY, Close, Connection, Out, Send, Snapshot
from device.hub.refusals import Refusals
from device.hub.seating import refusal
from device.hub.seats import COMPLAINED, Link, Seat
from device.hub.sessions import Sessions
from device.hub.stage import Stage

# In place of an address: where connections are from that a hub before this one has let in.
_BEFORE = "a hub before this one"


class Rooms:
    """All channels of one hub.

    draw: n random bytes, from a good source. started: the time at which this hub began to listen.
    apps: those that are served.
    """

    def __init__(
        self, signing: Sessions, draw: Callable[[int], bytes], started: float, apps: Apps = EVERY, version: str = ""
    ) -> None:
        self._out: list[Out] = []
        self._seating = Stage(signing, draw, started, self._out, apps)
        self.moderator, self.notices = Moderator(self._seating), self._seating.notices
        self._apps, self._version = apps, version
        self._ticked_at, self._wall_s = started, 0.0
        self._links: dict[Connection, Link] = {}
        self._addresses: Counter[str] = Counter()
        self._packets_in = self._packets_out = self._packets_refused = 0
        self._refusals = Refusals(self._out)
        self._requests: dict[str, Callable[[Link, Seat, jsonrpc.Params], object]] = {
            messages.LEAVE: lambda link, seat, params: self._leave(link, seat),
            messages.PUBLISH: lambda link, seat, params: self._seating.publish(seat, link.heard_at),
            messages.UNPUBLISH: lambda link, seat, params: self._seating.unpublish(seat),
            messages.SUBSCRIBE: lambda link, seat, params: self._seating.subscribe(seat, messages.read_uid(params)),
            messages.UNSUBSCRIBE: lambda link, seat, params: self._seating.unsubscribe(seat, messages.read_uid(params)),
            messages.SET_ROLE: lambda link, seat, params: self._seating.set_role(seat, messages.read_role(params)),
            messages.RENEW_TOKEN: self._renew,
            messages.PING: lambda link, seat, params: None,
            messages.REPORT: self._seating.reports.heard,
            **asides.requests(self._seating),
        }

    def opened(self, connection: Connection, address: str, now: float) -> str:
        """Somebody connected from this address. Returns why there is no place for him, "" where there is."""
        if len(self._links) - self._addresses[_BEFORE] >= limits.MAX_CONNECTIONS:
            return "this hub has no place left"
        address = limits.household(address)
        if self._addresses[address] >= limits.MAX_CONNECTIONS_PER_ADDRESS:
            return "too many connections from this address"
        self._links[connection] = Link(connection, address, opened_at=now, heard_at=now, household=address)
        self._addresses[address] += 1
        return ""

    def inherited(self, connection: Connection, now: float, address: str = "") -> None:
        """A connection that a hub before this one has let in. Whoever moves has two for a moment, so it takes no place
        away from anybody."""
        household = limits.household(address)
        self._links[connection] = Link(connection, _BEFORE, opened_at=now, heard_at=now, household=household)
        self._addresses[_BEFORE] += 1

    def connections(self) -> list[Connection]:
        """Those that are known."""
        return list(self._links)

    def bequeath(self, numbers: Mapping[Connection, int]) -> Estate:
        """All that a successor has to know, which knows the connections by these numbers."""
        return replace(self._seating.bequeath(numbers), rules=self.moderator.rules.dump())

    def inherit(self, estate: Estate, connections: Mapping[int, Connection], now: float) -> None:
        """Go on where the hub before this one was; its connections have been `inherited`."""
        self._ticked_at = now
        self._seating.inherit(estate, {number: self._links[known] for number, known in connections.items()})
        self.moderator.inherit(estate.rules, now)

    def closed(self, connection: Connection, now: float) -> None:
        """A connection is gone. Its seat waits for its owner to come back, and nobody is told yet."""
        link = self._forget(connection)
        if link is not None:
            self._seating.stand_up(link, link.good_until(now))

    def text(self, connection: Connection, data: str | bytes, now: float, wall_s: float) -> list[Out]:
        """A text message came. Above the pace of requests it is refused, and far above it not even read.

        wall_s: seconds since 1970, for what tokens are dated by.
        """
        self._wall_s = wall_s
        link = self._links.get(connection)
        if link is None:
            return []
        link.heard_at = now
        if link.requests.take(now):
            self._answer(link, data, now)
        elif link.refusals.take(now):
            self._refuse(link, data)
        elif not link.unread.take(now):
            self._seating.close(link, CLOSE_POLICY, "too many requests")
        return self._done()

    def media(self, connection: Connection, data: bytes, now: float) -> Sequence[Connection]:
        """A packet came; returns whom it goes to, byte for byte. The list is not the caller's to change."""
        link = self._links.get(connection)
        if link is None:
            return ()
        link.heard_at = now
        seat = link.seat
        if seat is None:
            return self._drop(link, link.bad_packets, now, errors.OUT_OF_ORDER, "join first")
        try:
            ssrc = rtp.ssrc_of(data)
        except ValueError as error:
            return self._drop(link, link.bad_packets, now, errors.MALFORMED, str(error))
        if ssrc != seat.uid:
            return self._drop(link, link.bad_packets, now, errors.OUT_OF_ORDER, "send as yourself: the SSRC is the uid")
        if not seat.live or seat.uid in seat.channel.muted:
            return self._not_live(link, seat, now)
        if not seat.packets.take(now):
            return self._drop(link, link.surplus, now)
        if not seat.window.is_new(data[2] << 8 | data[3]):
            return ()
        listeners = seat.heard_by()
        self._packets_in += 1
        self._packets_out += len(listeners)
        return listeners

    def crowded(self, connection: Connection, now: float) -> None:
        """A packet to it had to go for a fresher one."""
        if connection in self._links:
            self._seating.reports.crowded(self._links[connection], now)

    def tick(self, now: float) -> list[Out]:
        """Time has passed; to be called every TICK_S."""
        gap_s, self._ticked_at = now - self._ticked_at, now
        if gap_s > limits.ABSENT_HUB_S:
            self._excuse(gap_s, now)
            return []
        for link in list(self._links.values()):
            self._inspect(link, now)
        self.moderator.carry_out(now)
        self._seating.reports.tick(now)
        self._seating.age(now)  # second, so that a seat goes with its last silent connection
        return self._done()

    def snapshot(self) -> Snapshot:
        """The counts of this moment."""
        channels, seats, streams = self._seating.counts()
        return Snapshot(
            channels, seats, streams, len(self._links), self._packets_in, self._packets_out, self._packets_refused,
            self._refusals.joins,
        )  # fmt: skip

    def _answer(self, link: Link, data: str | bytes, now: float) -> None:
        try:
            message = jsonrpc.parse(data)
        except jsonrpc.JsonRpcError as error:
            self._reply(link, jsonrpc.failure(error.id, error.code, error.reason))
            return
        if not isinstance(message, jsonrpc.Request):
            if isinstance(message, jsonrpc.Notification) and message.method in self._requests:
                self._complain(link, errors.NO_REQUEST_ID, f"{message.method} needs an id")
            return  # else a notification that only a newer hub knows, or the answer to nothing
        try:
            self._reply(link, jsonrpc.reply(message.id, self._carry_out(link, message, now)))
        except jsonrpc.JsonRpcError as error:
            if message.method in (messages.JOIN, messages.REJOIN):
                self._refusals.add(link, error)
            self._reply(link, jsonrpc.failure(message.id, error.code, error.reason))

    def _carry_out(self, link: Link, request: jsonrpc.Request, now: float) -> jsonrpc.Params:
        if request.method == messages.JOIN:
            return self._join(link, request.params, now)
        if request.method == messages.REJOIN:
            return self._rejoin(link, request.params, now)
        if request.method not in self._requests:
            raise refusal(jsonrpc.METHOD_NOT_FOUND)
        if link.seat is None:
            raise refusal(errors.OUT_OF_ORDER, "join first")
        self.moderator.check(request.method, link, link.seat, now)
        self._requests[request.method](link, link.seat, request.params)
        return {}

    def _join(self, link: Link, params: jsonrpc.Params, now: float) -> jsonrpc.Params:
        join = messages.Join.read(params)
        self._check_welcome(link, join)
        rights = admit(self._apps, join, link.heard_at, self._wall_s)
        return self._seated(self._seating.join(link, join, rights), False, join.known, now)

    def _rejoin(self, link: Link, params: jsonrpc.Params, now: float) -> jsonrpc.Params:
        rejoin = messages.Rejoin.read(params)
        self._check_welcome(link, rejoin.join)
        admitted = partial(admit, self._apps, rejoin.join, now, self._wall_s)
        seat, resumed = self._seating.rejoin(link, rejoin, admitted, now)
        self.moderator.seated(link, seat, now)
        return self._seated(seat, resumed, rejoin.known, now)

    def _check_welcome(self, link: Link, join: messages.Join) -> None:
        if link.seat is not None:
            raise refusal(errors.LOGIN_FAILED, "this connection has joined already")
        self.moderator.check_join(link, join)

    def _seated(self, seat: Seat, resumed: bool, known: tuple[int, ...], now: float) -> jsonrpc.Params:
        streams = tuple(talker.stream() for talker in seat.channel.streams() if talker is not seat)
        announced = [other for other in seat.channel.seats.values() if other.role is rules.Role.BROADCASTER]
        users = [other for other in announced if other is not seat]
        return messages.Seated(
            seat.uid, seat.session, resumed, streams, self._seating.missing(seat, known, now), limits.PING_MS,
            int(limits.SEAT_GRACE_S * 1000), self._version, tuple(user.stream() for user in users),
            tuple(user.uid for user in users if user.uid in user.channel.muted), self._seating.left(seat, known, now),
        ).params()  # fmt: skip

    def _renew(self, link: Link, seat: Seat, params: jsonrpc.Params) -> None:
        join = messages.Join(seat.channel.app_id, seat.channel.name, seat.uid, messages.read_token(params), seat.role)
        self._seating.renew(seat, admit(self._apps, join, link.heard_at, self._wall_s))

    def _leave(self, link: Link, seat: Seat) -> None:
        self._seating.leave(link, seat)
        link.opened_at = link.heard_at  # it may join again, as soon as a new one

    def _refuse(self, link: Link, data: str | bytes) -> None:
        try:
            id = getattr(jsonrpc.parse(data), "id", None)
        except jsonrpc.JsonRpcError as error:
            id = error.id
        self._reply(link, jsonrpc.failure(id, errors.TOO_FREQUENT, errors.TABLE[errors.TOO_FREQUENT].reason))

    def _reply(self, link: Link, text: str) -> None:
        self._out.insert(0, Send((link.connection,), text))  # the answer first, then the news that follows from it

    def _drop(self, link: Link, patience: Pace, now: float, code: int = 0, reason: str = "") -> tuple[()]:
        self._packets_refused += 1
        link.out_of_patience |= not patience.take(now)
        if code and link.complaint is None:
            link.complaint = code, reason
        return ()

    def _not_live(self, link: Link, seat: Seat, now: float) -> tuple[()]:
        """Packets on their way when a stream ends, or is muted, are no abuse; one that was hidden is back by the next
        tick."""
        if seat.role is rules.Role.AUDIENCE:
            return self._drop(link, link.surplus, now, errors.AUDIENCE_CANNOT_PUBLISH, "an audience cannot publish")
        if not seat.publishing and not seat.before.silenced:
            return self._drop(link, link.surplus, now, errors.OUT_OF_ORDER, "publish first")
        return self._drop(link, link.surplus, now)

    def _inspect(self, link: Link, now: float) -> None:
        if link.complaint and link.complaint is not COMPLAINED:
            self._complain(link, *link.complaint)
            link.complaint = COMPLAINED
        if why := link.has_to_go(now):
            self._seating.close(link, CLOSE_POLICY, why)

    def _complain(self, link: Link, code: int, reason: str) -> None:
        text = jsonrpc.notification(messages.ERROR, {"code": code, "reason": reason})
        self._out.append(Send((link.connection,), text))

    def _excuse(self, gap_s: float, now: float) -> None:
        self._seating.excuse(gap_s, now)
        for link in self._links.values():
            link.excuse(gap_s, now)

    def _forget(self, connection: Connection) -> Link | None:
        link = self._links.pop(connection, None)
        if link is not None:
            self._addresses[link.address] -= 1
            if not self._addresses[link.address]:
                del self._addresses[link.address]
        return link

    def _done(self) -> list[Out]:
        out, self._out[:] = self._out.copy(), []
        for one in out:
            if isinstance(one, Close):
                self._forget(one.connection)
        return out
