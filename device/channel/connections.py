"""The connections of one seat: found, doubted, doubled and lost. What the owner wants of it is session's. PURE.

One connection is seated, two on a path that loses packets. While the only one is in doubt others are dialled beside it,
and whichever delivers first is the seat's: if it is heard again the others are closed, if another is seated it is. Of
two the one in doubt is given up at once. Media is sent on all that are seated; what arrives twice is dropped by the
jitter buffer, which looks at sequence numbers anyway.
"""

from collections.abc import Sequence
from itertools import count
from random import Random

from device import jsonrpc
from device.channel import address, errors, messages, redundancy, rtp
from device.channel.actions import DEBUG, Action, Answer, Close
from device.channel.adapt import TARGET_BITRATE, Adapt
from device.channel.address import Address
from device.channel.approach import Approach, Arrival, Outcome, Setback
from device.channel.dialling import STABLE_S, Dialling
from device.channel.doubling import Doubling, Path
from device.channel.errors import ChannelError, Remedy
from device.channel.gauges import Gauges
from device.channel.link import OFFLINE_S, Link
from device.channel.liveness import Liveness
from device.channel.messages import Join
from device.channel.moving import Moving
from device.channel.news import News, State
from device.channel.seat import Seat
from device.channel.verdicts import Miss, Verdict, of_close

_OF_TOKENS = (errors.TOKEN_EXPIRED, errors.TOKEN_INVALID, errors.TOKEN_UNEXPECTED, errors.TOKEN_MISSING)


class Connections:
    """hubs: at least one, in order of preference. random: for times and numbers that must differ."""

    def __init__(self, hubs: Sequence[Address], random: Random) -> None:
        self._hubs = tuple(hubs)
        self._join: Join | None = None
        self._joins: list[int] = []  # requests for it that are still unanswered
        self._actions: list[Action] = []
        self._numbers = count(1)
        self._reconnects = 0
        self._news = News(self._actions)
        self._gauges, self._adapt = Gauges(), Adapt()
        self._moving, self._doubling = Moving(self._hubs, random), Doubling()
        self._seat = Seat(random, self._actions, self._news, self._numbers, self._moving)
        self._dialling = Dialling(len(self._hubs), random)
        self._approach = Approach(self._hubs, self._dialling, self._moving, self._actions, self._numbers)

    @property
    def state(self) -> State:
        """What connection-state said last."""
        return self._news.state

    @property
    def conn(self) -> int | None:
        """The connection that carries requests and news."""
        return self._seat.link.conn if self._seat.link else None

    @property
    def conns(self) -> list[int]:
        """The connections that are seated."""
        return [link.conn for link in self._seat.links]

    def actions(self) -> list[Action]:
        """What is to be done now, in this order; asked again, only what has come since."""
        actions = self._actions.copy()
        self._actions.clear()
        return actions

    def deadline(self) -> float:
        """When to call `tick`, infinity for never. `send` may bring it as near as DOUBT_S from then, `media` not."""
        link = self._seat.link
        offline_at = link.offline_at() if link is not None and self.state is State.IN_CALL else float("inf")
        look_at = self._doubling.due_at() if link else float("inf")
        told_at = min(self._news.due_at(), self._gauges.due_at() if self.state is not State.LEFT else float("inf"))
        return min(self._approach.deadline(), self._seat.deadline(), offline_at, look_at, told_at)

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
        link = self._seat.link_of(conn)
        if link is None:
            self._take(self._approach.closed(conn, code), now)
        elif code == messages.CLOSE_UID_CONFLICT:
            self._give_way(ChannelError(errors.UID_CONFLICT))
        else:
            if len(self._seat.links) > 1 and now - self._seat.links[1].seated_at < STABLE_S:
                self._doubling.refused(now, in_words=False)
            self._lose(link, of_close(code), now)

    def text(self, conn: int, data: str | bytes, now: float) -> None:
        """A text message came."""
        link = self._seat.link_of(conn)
        if link is not None:
            link.liveness.heard(now)
            complaint = self._seat.text(link, data, now)
            if complaint is not None:
                self._told_off(link, complaint, now)
            else:
                self._judge(link, now)
        elif self._join is not None:
            self._take(self._approach.text(conn, data, self._seat.asks(self._join), now), now)

    def media(self, conn: int, data: bytes, now: float) -> Sequence[rtp.Packet]:
        """A binary message came; returns what is in it for us, in order: one packet, or that and some before it."""
        link = self._seat.link_of(conn)
        if link is None:
            return ()
        link.liveness.heard(now)
        try:
            packet = rtp.unpack(data)
            packets = (packet,) if packet.payload_type != rtp.REDUNDANT_TYPE else redundancy.split(packet)
        except ValueError:
            return ()
        if self._seat.streams.is_muted(packet.ssrc):  # what was on its way when it was muted
            return ()
        self._gauges.heard(packet, len(data), now)
        return packets

    def unacknowledged(self, conn: int, unacknowledged_bytes: int, now: float) -> None:
        """How much of what was written the other kernel has not acknowledged; before each `tick` at least."""
        link = self._seat.link_of(conn)
        if link is not None:
            link.liveness.acknowledged_all_but(unacknowledged_bytes, now)

    def path(self, conn: int, path: Path, now: float) -> None:
        """How the way of this connection is; before each `tick`."""
        link = self._seat.link_of(conn)
        if link is not None:
            self._doubling.told(path.losses > link.losses, path.crowded, now)
            self._gauges.quality.lost(max(0, path.losses - link.losses))
            link.losses = path.losses
        if link is not None and conn == self.conn:
            arriving = self._seat.listeners.arriving(len(self._seat.presence.users), now)
            coding = self._adapt.looked(path, self._seat.skipped, now, arriving)
            self._seat.voice.copies = self._adapt.copies
            if coding is not None:
                self._news.log(DEBUG, f"from now on {coding}")
                self._news.emit(TARGET_BITRATE, coding._asdict())

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._seat.tick(now)
        for link in list(self._seat.links):
            self._judge(link, now)
        self._double(now)
        for setback in self._approach.overdue(now):
            self._set_back(setback, now)
        self._ask(now)
        self._approach.dial(now)
        self._news.tick(now)
        self._seat.report(self._gauges.reception.due(now), now)
        if self.state is not State.LEFT:
            self._measure(now)

    def _measure(self, now: float) -> None:
        seat, joining = self._seat, self.state is State.JOINING
        rtt_ms = seat.link.liveness.rtt_s * 1_000 if seat.link and self.state is State.IN_CALL else None
        for event, params in self._gauges.due(seat.uid, rtt_ms, seat.skipped, len(seat.presence.users), joining, now):
            self._news.emit(event, params)

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
        liveness = Liveness(now, arrival.rtt_s, seated.ping_ms / 1_000, hub.secure)
        link = Link(attempt.conn, attempt.hub, now, liveness, self._actions)
        if attempt.second and seated.resumed:
            self._seat.double(link, now - arrival.rtt_s, now)
            return
        if attempt.second:  # at a hub that does not have the first: two hubs behind one address must not take turns
            self._doubling.refused(now)
        self._approach.stop()
        self._seat.let_go(attempt, seated.resumed, now)
        self._moving.seated(attempt.hub, not seated.streams, now, self._seat.streams.missing(seated))
        self._reconnects += self._seat.uid != 0
        self._answer_joins({"uid": seated.uid})
        hears_all = self._join is not None and self._join.auto_subscribe
        heard = self._seat.streams.subscribed(hears_all) if hub != self._news.hub else set()
        self._news.in_call(hub, attempt.hub + 1, now)
        self._seat.sit(seated, link, attempt.told_known, now)
        for uid in sorted(heard & self._seat.streams.subscribed(hears_all)):  # the same stream, to be had elsewhere
            url = address.stream_url(str(hub), self._news.channel, uid)
            self._news.emit(messages.UPDATE_URL, {"uid": uid, "url": url})

    def _set_back(self, setback: Setback, now: float) -> None:
        self._approach.give_up(setback, now)
        hub, error = self._hubs[setback.attempt.hub], setback.error
        if setback.attempt.second:
            self._news.log(DEBUG, f"{hub}: {error}; staying with one connection")
            if setback.verdict is not Verdict.MISSED:
                self._doubling.refused(now, in_words=setback.verdict is Verdict.REFUSED)
        elif setback.attempt.look and self._seat.link is not None:
            self._news.log(DEBUG, f"{hub}: {error}; staying where we are")
        elif setback.verdict is Verdict.MISSED:
            self._news.missed(error, hub)
        elif setback.verdict is Verdict.GIVE_WAY:
            self._give_way(error)
        elif error.code in _OF_TOKENS and self._seat.token_refused(error):
            self._dialling.forgive()
        else:
            self._news.refused(error, hub)
            if self._dialling.all_closed():
                self._answer_joins(error)
                self._news.refused_by_all(error)

    def _judge(self, link: Link, now: float) -> None:
        hub = self._hubs[link.hub]
        doubted = link.doubted(now)
        if doubted and len(self._seat.links) > 1:
            self._drop(link, "nothing comes through", now)
        elif doubted:
            self._news.log(DEBUG, f"{hub}: nothing comes through, dialling beside it")
            self._dialling.start(link.hub)
        elif link.proved(now):
            self._approach.stop()
            self._news.in_call(hub, link.hub + 1, now)
        if link.silent_since is not None and now >= link.offline_at():
            self._news.offline(f"silent for {OFFLINE_S:.0f} s", hub, link.silent_since, silent=True)

    def _told_off(self, link: Link, error: ChannelError, now: float) -> None:
        if error.remedy is Remedy.GIVE_WAY:
            self._give_way(error)
            return
        if error.code != errors.SERVICE_EXITED:  # a hub that stops as it should is no error (spec 1.4)
            self._news.refused(error, self._hubs[link.hub])
        if error.remedy is Remedy.SLOW_DOWN:
            link.unwelcome = True
        elif error.remedy is Remedy.ASK_A_HUMAN:
            self._drop(link, error.reason, now, kept_out=error)
            self._dialling.wait_for_a_human(link.hub, now)
        elif error.remedy is not Remedy.FIX_THE_CALL:
            self._drop(link, error.reason, now)

    def _double(self, now: float) -> None:
        """Two connections where that helps, else one."""
        self._doubling.looked(now)
        wanted, links = self._doubling.wanted(now), self._seat.links
        if wanted and len(links) == 1:
            self._dialling.double(links[0].hub, now)
        elif not wanted and len(links) > 1:
            self._drop(links[1], "one is enough", now)

    def _drop(self, link: Link, why: str, now: float, kept_out: ChannelError | None = None) -> None:
        self._actions.append(Close(link.conn, abort=True))
        self._lose(link, why, now, kept_out)

    def _lose(self, link: Link, why: str, now: float, kept_out: ChannelError | None = None) -> None:
        self._seat.part(link, now)
        if self._seat.links:
            self._news.log(DEBUG, f"{self._hubs[link.hub]}: going on with one connection ({why})")
            self._double(now)
            return
        self._doubling.ended(now)
        self._moving.lost(link.seated_at, now)
        self._dialling.lost(link.hub, link.seated_at, link.unwelcome, now)
        self._news.offline(why, self._hubs[link.hub], now, kept_out=kept_out)

    def _give_way(self, error: ChannelError) -> None:
        self._news.error(error, f"{error}: not dialling again until asked to")
        self._stop(error, error)

    def _stop(self, why: ChannelError, problem: ChannelError | None) -> None:
        self._actions += [Close(conn, abort=False) for conn in self.conns]
        self._approach.stop()
        self._moving.left()
        self._answer_joins(why)
        self._seat.leave(why)
        self._news.left(problem)

    def _answer_joins(self, outcome: jsonrpc.Params | ChannelError) -> None:
        self._actions += [Answer(number, outcome) for number in self._joins]
        self._joins.clear()
