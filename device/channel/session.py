"""One client's side of the channel: the seat it wants, the connection it has, what goes over it. PURE.

    client: opened, reached, text, media, closed, tick, ...  ->  Session  ->  Dial, Send, Close, Emit, Answer, Log

After any call but `send` and `media`, carry out `actions()` in order, and call `tick` at `deadline()` at the latest. A
connection has the number in its `Dial`, and is forgotten after its `Close`; what comes late is ignored here.

    session    join, leave, doubt and loss: which connection is the one
    approach   the way of one connection to a seat         dialling   when to try which hub
    seat       what is asked and heard in the seat         liveness   whether its connection still carries anything
    news       what the owner gets to see                  verdicts   what a failure means for the next attempt
    moving     when to look for a better place

At most one connection is seated. While it is in doubt others are dialled beside it, and whichever delivers first is the
seat's: if the first is heard again the others are closed, if another is seated the first is. Media is sent on the
seated one; it may arrive twice around such a change, and the jitter buffer, which looks at sequence numbers anyway,
drops the second.
"""

from collections import deque
from collections.abc import Sequence
from itertools import count
from random import Random

from device import jsonrpc
from device.channel import errors, messages, rtp
from device.channel.actions import DEBUG, Action, Answer, Close
from device.channel.address import Address
from device.channel.approach import Approach, Arrival, Outcome, Setback
from device.channel.dialling import Dialling
from device.channel.errors import ChannelError, Remedy
from device.channel.link import OFFLINE_S, Link
from device.channel.liveness import Liveness
from device.channel.messages import Join
from device.channel.moving import Moving
from device.channel.news import News, State, Status
from device.channel.seat import Seat
from device.channel.verdicts import Miss, Verdict


class Session:
    """All of it. hubs: at least one, in order of preference. random: for times and numbers that must differ."""

    def __init__(self, hubs: Sequence[Address], random: Random) -> None:
        self._hubs = tuple(hubs)
        self._join: Join | None = None
        self._joins: list[int] = []  # requests for it that are still unanswered
        self._actions: list[Action] = []
        self._numbers = count(1)
        self._reconnects = 0
        self._news = News(self._actions)
        self._moving = Moving(self._hubs, random)
        self._seat = Seat(random, self._actions, self._news, self._numbers, self._moving)
        self._dialling = Dialling(len(self._hubs), random)
        self._approach = Approach(self._hubs, self._dialling, self._moving, self._actions, self._numbers)

    @property
    def state(self) -> State:
        """What connection-state said last."""
        return self._news.state

    @property
    def conn(self) -> int | None:
        """The connection that is seated, and that media goes to."""
        return self._seat.link.conn if self._seat.link else None

    @property
    def status(self) -> Status:
        """This moment."""
        link = self._seat.link
        hub, rtt_ms = (str(self._hubs[link.hub]), link.liveness.rtt_s * 1_000) if link else (None, None)
        news, seat = self._news, self._seat
        told = (news.state, seat.uid, news.channel, hub, rtt_ms, self._reconnects, seat.skipped, news.problem)
        return Status(*told, ticket=seat.ticket)

    def actions(self) -> list[Action]:
        """What is to be done now, in this order; asked again, only what has come since."""
        actions = self._actions.copy()
        self._actions.clear()
        return actions

    def deadline(self) -> float:
        """When to call `tick`, infinity for never. `send` may bring it as near as DOUBT_S from then, `media` not."""
        link = self._seat.link
        offline_at = link.offline_at() if link is not None and self.state is State.IN_CALL else float("inf")
        return min(self._approach.deadline(), self._seat.deadline(), offline_at)

    # What the owner wants

    def join(self, join: Join, now: float) -> int:
        """Take a seat, and keep it until `leave`; returns the number whose Answer is {uid}.

        It is answered when seated, or with the refusal once every hub has refused. The wish outlives a refusal, unless
        another device has the seat. Asked again for the same it is answered again, and no refusal is waited out any
        longer; asked for something else it leaves first.
        """
        number = next(self._numbers)
        self._dialling.forgive()
        if self.state is not State.LEFT and self._join == join:
            self._joins.append(number)
            if self._seat.link is not None:
                self._answer_joins({"uid": self._seat.uid})
            return number
        self.leave(now)
        self._join, self._joins = join, [number]
        self._news.joining(join.channel, now)
        self._dialling.start(0)
        return number

    def rejoin(self, now: float) -> int:
        """The last join once more, on a new connection; the old one carries on until then. Raises ChannelError."""
        if self._join is None:
            raise ChannelError(errors.OUT_OF_ORDER, "join first")
        if self._seat.link is None:
            return self.join(self._join, now)
        self._joins.append(next(self._numbers))
        self._dialling.forgive()
        self._dialling.start(self._seat.link.hub)
        return self._joins[-1]

    def leave(self, now: float) -> None:
        """Give the seat up: the hub is told if it can be, and nothing is waited for."""
        if self._seat.link is not None:
            self._seat.link.send(jsonrpc.request(next(self._numbers), messages.LEAVE, {}), now)
        if self.state is not State.LEFT:
            self._stop(ChannelError(errors.OUT_OF_ORDER, "left the channel"), None)

    def call(self, method: str, params: jsonrpc.Params, now: float) -> int:
        """Any other request; returns the number of its Answer, which comes within 10 s. Offline it waits for a seat.

        What publish, unpublish, subscribe and unsubscribe ask for is wanted from now on, also if the answer is late.
        """
        if self.state is not State.LEFT:
            return self._seat.call(method, params, now)
        number = next(self._numbers)
        self._actions.append(Answer(number, ChannelError(errors.OUT_OF_ORDER, "join first")))
        return number

    def is_clogged(self, now: float) -> bool:
        """Whether the next frame would be skipped, unless `unacknowledged` has something better to tell."""
        return self._seat.is_clogged(now)

    def send(self, payload: bytes, timestamp: int, level_dbov: int | None, marker: bool, now: float) -> bytes | None:
        """One frame; returns the packet to send on `conn`, None where it is not to be sent.

        Where `is_clogged`, tell `unacknowledged` before. Raises ValueError for a payload that is empty or too long.
        """
        return self._seat.send(payload, timestamp, level_dbov, marker, now)

    # What happens to connections

    def reached(self, conn: int, now: float) -> None:
        """TCP has connected."""
        self._approach.reached(conn, now)

    def opened(self, conn: int, now: float) -> None:
        """The WebSocket is open."""
        self._approach.opened(conn, now)
        self._ask(now)

    def failed(self, conn: int, miss: Miss, now: float, http_status: int = 0, detail: str = "") -> None:
        """The attempt came to no WebSocket. detail: one line for people, where there is more to say."""
        self._take(self._approach.failed(conn, miss, http_status, detail), now)

    def closed(self, conn: int, code: int, now: float) -> None:
        """The WebSocket is closed, or its connection gone. code: of the close frame, RFC 6455 section 7.1.5."""
        link = self._seat.link
        if link is None or conn != link.conn:
            self._take(self._approach.closed(conn, code), now)
        elif code == messages.CLOSE_UID_CONFLICT:
            self._give_way(ChannelError(errors.UID_CONFLICT))
        else:
            self._lose(link, f"closed with {code}", now)

    def text(self, conn: int, data: str | bytes, now: float) -> None:
        """A text message came."""
        link = self._seat.link
        if link is not None and conn == link.conn:
            link.liveness.heard(now)
            complaint = self._seat.text(data, now)
            if complaint is not None:
                self._told_off(link, complaint, now)
            else:
                self._judge(link, now)
        elif self._join is not None:
            self._take(self._approach.text(conn, data, self._seat.asks(self._join), now), now)

    def media(self, conn: int, data: bytes, now: float) -> rtp.Packet | None:
        """A binary message came; returns the packet in it, None where there is none for us."""
        link = self._seat.link
        if link is None or conn != link.conn:
            return None
        link.liveness.heard(now)
        try:
            return rtp.unpack(data)
        except ValueError:
            return None

    def unacknowledged(self, conn: int, unacknowledged_bytes: int, now: float) -> None:
        """How much of what was written the other kernel has not acknowledged; before each `tick` at least."""
        link = self._seat.link
        if link is not None and conn == link.conn:
            link.liveness.acknowledged_all_but(unacknowledged_bytes, now)

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._seat.tick(now)
        if self._seat.link is not None:
            self._judge(self._seat.link, now)
        for setback in self._approach.overdue(now):
            self._set_back(setback, now)
        self._ask(now)
        self._approach.dial(now)

    # A seat is found, doubted, and lost

    def _ask(self, now: float) -> None:
        if self._join is not None:
            self._approach.ask(self._seat.asks(self._join), now)

    def _take(self, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, Arrival):
            self._sit(outcome, now)
        elif outcome is not None:
            self._set_back(outcome, now)

    def _sit(self, arrival: Arrival, now: float) -> None:
        attempt, seated, hub = arrival.attempt, arrival.seated, self._hubs[arrival.attempt.hub]
        self._dialling.seated(attempt)
        self._seat.let_go(attempt, now)
        self._moving.seated(attempt.hub, now)
        self._approach.stop()
        self._reconnects += self._seat.uid != 0
        liveness = Liveness(now, arrival.rtt_s, seated.ping_ms / 1_000, hub.secure)
        link = Link(attempt.conn, attempt.hub, now, liveness, self._actions, deque(), now)
        self._answer_joins({"uid": seated.uid})
        self._news.in_call(hub, now)
        self._seat.sit(seated, link, attempt.resumes, now)

    def _set_back(self, setback: Setback, now: float) -> None:
        self._approach.give_up(setback, now)
        hub, error = self._hubs[setback.attempt.hub], setback.error
        if setback.attempt.look and self._seat.link is not None:
            self._news.log(DEBUG, f"{hub}: {error}; staying where we are")
        elif setback.verdict is Verdict.MISSED:
            self._news.missed(error, hub)
        elif setback.verdict is Verdict.GIVE_WAY:
            self._give_way(error)
        else:
            self._news.refused(error, hub)
            if self._dialling.all_closed():
                self._answer_joins(error)

    def _judge(self, link: Link, now: float) -> None:
        hub = self._hubs[link.hub]
        if link.doubted(now):
            self._news.log(DEBUG, f"{hub}: nothing comes through, dialling beside it")
            self._dialling.start(link.hub)
        elif link.proved(now):
            self._approach.stop()
            self._news.in_call(hub, now)
        if link.silent_since is not None and now >= link.offline_at():
            self._news.offline(f"silent for {OFFLINE_S:.0f} s", hub, link.silent_since)

    def _told_off(self, link: Link, error: ChannelError, now: float) -> None:
        if error.remedy is Remedy.GIVE_WAY:
            self._give_way(error)
            return
        if error.code != errors.SERVICE_EXITED:  # a hub that stops as it should is no error (spec 1.4)
            self._news.refused(error, self._hubs[link.hub])
        if error.remedy is Remedy.SLOW_DOWN:
            link.unwelcome = True
        elif error.remedy is not Remedy.FIX_THE_CALL:
            self._actions.append(Close(link.conn, abort=True))
            self._lose(link, error.reason, now)
        if error.remedy is Remedy.ASK_A_HUMAN:
            self._dialling.wait_for_a_human(link.hub, now)

    def _lose(self, link: Link, why: str, now: float) -> None:
        self._seat.link = None
        self._moving.lost(link.seated_at, now)
        self._dialling.lost(link.hub, link.seated_at, link.unwelcome, now)
        self._news.offline(why, self._hubs[link.hub], now)

    def _give_way(self, error: ChannelError) -> None:
        self._news.error(error, f"{error}: not dialling again until asked to")
        self._stop(error, error)

    def _stop(self, why: ChannelError, problem: ChannelError | None) -> None:
        if self._seat.link is not None:
            self._actions.append(Close(self._seat.link.conn, abort=False))
        self._approach.stop()
        self._moving.left()
        self._answer_joins(why)
        self._seat.leave(why)
        self._news.left(problem)

    def _answer_joins(self, outcome: jsonrpc.Params | ChannelError) -> None:
        self._actions += [Answer(number, outcome) for number in self._joins]
        self._joins.clear()
