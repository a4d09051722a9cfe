"""A seat as its holder has it: uid and session, streams, requests, and the connections it is held by, if any. PURE.

The seat outlives its connections: what was asked and not answered on the last one is asked again on the next. It is
asked and answered on the first of them; a second one carries the same media (doubling), and brings the same news.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from device import jsonrpc
from device.channel import errors, messages, notices
from device.channel.actions import DEBUG, Action, Answer, Close
from device.channel.claims import Claims
from device.channel.copies import Copies
from device.channel.dialling import Attempt
from device.channel.errors import ChannelError, Remedy
from device.channel.link import Link, Sending
from device.channel.listeners import Listeners
from device.channel.messages import Join, Rejoin, Seated, Ticket
from device.channel.moving import Moving
from device.channel.news import News
from device.channel.presence import Presence
from device.channel.report import Report, Told
from device.channel.requests import ANSWER_WITHIN_S, Call, Requests
from device.channel.rules import Role
from device.channel.streams import Streams
from device.channel.voice import Voice


class Seat:
    """One for the life of a session; empty (uid 0) until `sit` and after `leave`.

    links: the first, and the second beside it. skipped: frames not sent, as each link was clogged. streams: the
    others', and what is wanted of them and of ours. voice: our packets; listeners: what arrives of them.
    """

    def __init__(
        self, random: Random, actions: list[Action], news: News, numbers: Iterator[int], moving: Moving
    ) -> None:
        self.links: list[Link] = []
        self.skipped = 0
        self.streams = Streams()
        self._seated: Seated | None = None
        self.claims = Claims()
        self._asked_silent = False
        self.presence = Presence()
        self._requests = Requests()
        self._copies = Copies()
        self.voice, self.listeners = Voice(random), Listeners()
        self._actions = actions
        self._news = news
        self._numbers = numbers
        self._moving = moving

    @property
    def link(self) -> Link | None:
        """The first connection, None without any."""
        return self.links[0] if self.links else None

    def link_of(self, conn: int) -> Link | None:
        """The one of this number."""
        for link in self.links:
            if link.conn == conn:
                return link
        return None

    @property
    def uid(self) -> int:
        """Ours, 0 while there is none."""
        return self._seated.uid if self._seated else 0

    @property
    def ticket(self) -> Ticket | None:
        """With which it can be had again, None while there is none."""
        return Ticket(self._seated.uid, self._seated.session) if self._seated else None

    def asks(self, join: Join) -> Join | Rejoin:
        """How to ask a hub for it: anew, or for the one that we had."""
        ticket = self.ticket or join.ticket
        self._asked_silent = self.streams.silenced
        join = replace(self.claims.asks(join), muted=self._asked_silent)
        if ticket is None:
            return join
        known = tuple({**self.streams.known, **self.presence.users})[: messages.MAX_KNOWN_UIDS]
        return Rejoin(replace(join, uid=ticket.uid, known=()), ticket.session, known)

    def expect(self, join: Join) -> None:
        """What our owner knows and wants from before: the streams of `known`, heard again; to be silent."""
        self.claims = Claims()  # it has both
        ours = {join.uid, self.uid}
        known = tuple(uid for uid in join.known if uid not in ours)
        self.streams.expect(known, subscribe=not join.auto_subscribe)
        self.presence.expect(known)
        if join.muted:
            self.streams.wished(messages.MUTE_LOCAL, {})

    def token_refused(self, error: ChannelError) -> bool:
        """The hub does not take the token that it was asked to go on with, and not by an answer: it will not, then.

        Returns whether there was one, so that the token of before may be good.
        """
        refused = self._requests.take_all(messages.RENEW_TOKEN)
        for call in refused:
            self.claims.refused(call.method, call.params)
            self._actions.append(Answer(call.number, error))
        return bool(refused)

    def sit(self, seated: Seated, link: Link, told_known: bool, now: float) -> None:
        """The hub gave it, on this connection; told_known: it was told whom we know, and says who of them is gone.

        Says what has changed meanwhile, and asks for what is wanted of it.
        """
        self._seated, self.links, self._copies = seated, [link], Copies()
        news = self.presence.came(seated) + self.streams.seated(seated, told_known)
        for event, params in news + self.presence.gone(seated, told_known):
            self._news.emit(event, params)
        self._go_on(link, now)
        self._say_again_whether_silent(now)

    def double(self, link: Link, asked_at: float, now: float) -> None:
        """A second connection, on which the hub has said nothing before it was asked for the seat then."""
        self.links.append(link)
        self._copies.forget_before(asked_at)
        self._say_again_whether_silent(now)

    def part(self, link: Link, now: float) -> None:
        """One connection is gone. Where it was the first, the second is that now."""
        first = self.link
        self.links.remove(link)
        if link is first and self.links:
            self._go_on(self.links[0], now)

    def let_go(self, attempt: Attempt, resumed: bool, now: float) -> None:
        """Close the connection that it is held by, if any, as this attempt has found another.

        Where that was at another hub nobody there shall wait for us; not at one that knows us by another name, and
        resumed. What is written is delivered, unless it is in doubt that anything is.
        """
        link = self.link
        if link is None:
            return
        moves = attempt.look and link.silent_since is None
        if link.hub != attempt.hub and not resumed:
            link.send(jsonrpc.request(next(self._numbers), messages.LEAVE, {}), now)
        if link.hub != attempt.hub and not moves:
            self._moving.lost(link.seated_at, now)
        self._actions += [Close(each.conn, abort=each is not link or not moves) for each in self.links]

    def leave(self, why: ChannelError) -> None:
        """Nobody holds it any more; who still waits for an answer hears why."""
        self.links, self._seated = [], None
        self.streams, self.presence, self.claims = Streams(), Presence(), Claims()
        self._actions += [Answer(call.number, why) for call in self._requests.clear() if call.caller]

    def call(self, method: str, params: jsonrpc.Params, now: float) -> int:
        """A request; its Answer comes within 10 s. Without a connection it waits for the next."""
        number = next(self._numbers)
        if self._requests.full():
            if method == messages.MUTE_LOCAL:  # silence waits for nobody
                self.streams.wished(method, params)
            self._actions.append(Answer(number, ChannelError(errors.TOO_FREQUENT)))
            return number
        self.streams.wished(method, params)
        self.claims.wished(method, params)
        self._request(Call(number, method, params, now + ANSWER_WITHIN_S, caller=True), now)
        return number

    def deadline(self) -> float:
        """When something is due."""
        return min([self._requests.expires_at(), *(link.deadline() for link in self.links)])

    def tick(self, now: float) -> None:
        """Time has passed: requests get old, the connection wants its ping."""
        for call in self._requests.expired(now):
            if call.caller:
                self._actions.append(Answer(call.number, ChannelError(errors.TIMED_OUT)))
        for method, params in self.links[0].due_again(now) if self.links else []:
            self._ask(method, params, now)
        for link in self.links:
            if link.liveness.ping_at() <= now:
                link.ping(next(self._numbers), now)

    def report(self, lost: Sequence[tuple[int, int]], now: float) -> None:
        """Tell the hub whose packets do not arrive: uids, and how many percent."""
        if lost and self.links:
            self._ask(messages.REPORT, Report(tuple(lost)).params(), now)

    def send(self, payload: bytes, timestamp: int, level_dbov: int | None, marker: bool, now: float) -> Sending | None:
        """One frame of ours, None where it is not to be sent. Raises ValueError if it is too long."""
        if not self.streams.published or self.streams.silenced:
            return None
        links = [link for link in self.links if not link.liveness.is_clogged(now)]
        if not links:
            self.skipped += bool(self.links)
            self.voice.skipped(marker)
            return None
        data = self.voice.packet(self.uid, payload, timestamp, level_dbov, marker)
        for link in links:
            link.liveness.wrote(len(data), now)
        return data, [link.conn for link in links]

    def text(self, link: Link, data: str | bytes, now: float) -> ChannelError | None:
        """A text message on this connection. Returns what the hub says about it as a whole, if it says that.

        What cannot be read, and what only a newer hub would say, is ignored; so is what is said twice.
        """
        try:
            message = jsonrpc.parse(data)
            if isinstance(message, jsonrpc.Reply):
                self._replied(link, message, now)
            elif isinstance(message, jsonrpc.Failure):
                self._failed(message)
            elif isinstance(message, jsonrpc.Notification) and message.method == messages.ERROR:
                code, reason = messages.read_error(message.params)
                if code == errors.NOT_ALLOWED_TO_PUBLISH:
                    self.streams.ended()
                return ChannelError(code, errors.for_people(reason))
            elif isinstance(message, jsonrpc.Notification) and self._copies.is_new(link.conn, data, now):
                self._notified(message.method, message.params, now)
        except jsonrpc.JsonRpcError as error:
            self._news.log(DEBUG, f"unreadable message from the hub: {errors.for_people(error.reason)}")
        return None

    def _say_again_whether_silent(self, now: float) -> None:
        """The hub believes what it was asked for the seat with, which may be older than what it was told meanwhile."""
        if self._asked_silent is not self.streams.silenced:
            self._asked_silent = self.streams.silenced
            self._ask(messages.MUTE_LOCAL if self._asked_silent else messages.UNMUTE_LOCAL, {}, now)

    def _go_on(self, link: Link, now: float) -> None:
        """What is wanted and not agreed yet is asked for on this connection."""
        self._requests.drop_own()
        calls = list(self._requests.waiting.values())
        asked = [(call.method, call.params) for call in calls]
        wishes = [*self.claims.again(), *self.streams.again()]
        if self.claims.steps_down:
            wishes = [wish for wish in wishes if wish[0] != messages.PUBLISH]
        link.again = deque(wish for wish in wishes if wish not in asked)
        link.again_at = now
        for call in calls:
            link.send(call.text, now)
        self.tick(now)

    def _ask(self, method: str, params: jsonrpc.Params, now: float) -> None:
        self._request(Call(next(self._numbers), method, params, now + ANSWER_WITHIN_S, caller=False), now)

    def _request(self, call: Call, now: float) -> None:
        self._requests.add(call)
        if self.link is not None:
            self.link.send(call.text, now)

    def _replied(self, link: Link, reply: jsonrpc.Reply, now: float) -> None:
        if reply.id == link.pinged:
            link.liveness.ponged(now)
        call = self._requests.take(reply.id)
        if call is None:
            return
        self.streams.agreed(call.method, call.params)
        self.claims.agreed(call.method, call.params)
        if call.method == messages.SET_ROLE and call.params["role"] == Role.AUDIENCE:
            self.streams.ended()
        if call.caller:
            self._actions.append(Answer(call.number, reply.result))

    def _failed(self, failure: jsonrpc.Failure) -> None:
        call = self._requests.take(failure.id)
        if call is None:
            return
        error = ChannelError(failure.code, errors.for_people(failure.reason))
        if error.remedy in (Remedy.FIX_THE_CALL, Remedy.ASK_A_HUMAN):
            self.claims.refused(call.method, call.params)
        if call.caller:
            if error.remedy is Remedy.FIX_THE_CALL and error.code != errors.SILENCED:  # else it is wanted still
                self.streams.refused(call.method, call.params)
            self._actions.append(Answer(call.number, error))
        elif call.method == messages.REPORT:
            self._news.log(DEBUG, f"the hub takes no report: {error}")
        elif error.code in (errors.NOT_A_BROADCASTER, errors.MALFORMED) and "uid" in call.params:
            self.streams.not_there(call.params["uid"])
        else:
            self._news.error(error, f"{call.method}: {error}")

    def _notified(self, method: str, params: jsonrpc.Params, now: float) -> None:
        news = notices.read(method, params, self.uid, self.streams, self.presence)
        if method == messages.REPORT:
            self.listeners.told(Told.read(params), now)
        elif method == messages.STREAM_ADDED:
            uid = messages.read_uid(params)
            self._moving.somebody_came(uid)
            for wish in self.streams.again_of(uid):
                self._ask(wish, {"uid": uid}, now)
        elif method == messages.USER_LEFT:
            self._moving.somebody_left(not self.streams.known, now)
        elif method == messages.UPDATE_URL and not self._moving.told(messages.read_url(params), now):
            self._news.log(DEBUG, "the hub sends us to a hub that is not in the list, and we stay")
        for event, about in news:
            self._news.emit(event, about)
