"""Who gets which seat, who keeps it, and what the others are told.

A seat is taken by `join` (the newcomer wins), taken again by `rejoin` (only with its session), given up by `leave`, and
lost when nobody has been heard on it for SEAT_GRACE_S. Everything that others should know goes to `out`.

A hub that starts anew without an estate of its predecessor knows nobody. For SEAT_GRACE_S whoever proves with a session
that he sat here before is back, not new: others who are back hear of no join, and before that time is over of no leave.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping

from device import jsonrpc
from device.channel import errors, messages, rules
from device.hub import limits, sessions
from device.hub.apps import EVERY, App, Apps
from device.hub.bridge import Estate
from device.hub.notices import Leave, Notices
from device.hub.out import CLOSE_NORMAL, CLOSE_REPLACED, Close, Connection, Out, Send
from device.hub.rights import Rights
from device.hub.seats import Before, Channel, Link, Place, Seat, place_of
from device.hub.sessions import Sessions


def refusal(code: int, reason: str = "") -> jsonrpc.JsonRpcError:
    """The error that answers a request; the reason is the table's unless there is a better one."""
    return jsonrpc.JsonRpcError(code, reason or errors.TABLE[code].reason)


class Seating:
    """All seats of one hub. Arguments as in `Rooms`, which is the one to call this."""

    def __init__(
        self, signing: Sessions, draw: Callable[[int], bytes], started: float, out: list[Out], apps: Apps = EVERY
    ) -> None:
        self._signing, self._draw, self._out, self._apps = signing, draw, out, apps
        self._started = started
        self._channels: dict[Place, Channel] = {}
        self._seats = 0
        self.channels: Mapping[Place, Channel] = self._channels
        self.notices = Notices()

    def join(self, link: Link, join: messages.Join, rights: Rights) -> Seat:
        """A new participant; who held this uid loses it. Raises JsonRpcError: CHANNEL_FULL, OVERLOADED."""
        place = place_of(join)
        channel = self._channels.get(place)
        uid = join.uid or self._free_uid(channel)
        old = channel.seats.get(uid) if channel else None
        if old is None:
            self._check_room_for_one_more(channel)
        else:
            self._turn_out(old, errors.UID_CONFLICT, messages.CLOSE_UID_CONFLICT)
        session = self._signing.issue(*place, uid, self._draw(sessions.RANDOM_BYTES))
        return self._sit(link, join, uid, session, rights)

    def rejoin(self, link: Link, rejoin: messages.Rejoin, admit: Callable[[], Rights], now: float) -> tuple[Seat, bool]:
        """The seat, and whether it was still there. admit: looks at the token.

        Raises JsonRpcError: SESSION_UNKNOWN, UID_CONFLICT, as admit and as join.
        """
        join, place = rejoin.join, place_of(rejoin.join)
        channel = self._channels.get(place)
        seat = channel.seats.get(join.uid) if channel else None
        if seat is not None and rejoin.session.isascii() and hmac.compare_digest(seat.session, rejoin.session):
            seat.rights = seat.rights.or_better(admit, now)
            self._resume(seat, link, join)  # whoever has signed it: the hub before this one may have had another key
            return seat, True
        if not self._signing.is_ours(rejoin.session, *place, join.uid):
            raise refusal(errors.SESSION_UNKNOWN)
        if seat is not None:
            raise refusal(errors.UID_CONFLICT)
        rights = admit()
        self._check_room_for_one_more(channel)
        return self._sit(link, join, join.uid, rejoin.session, rights, back=now < self._complete_at), False

    def missing(self, seat: Seat, known: Iterable[int], now: float) -> tuple[int, ...]:
        """Those of `known` who publish no more. A hub that has just started waits for them before it says so."""
        if now < self._complete_at:
            seat.before.expected = frozenset(known)
        if now < self._settled_at:
            seat.before.awaited = frozenset(known)
            return ()
        live = {other.uid for other in seat.channel.streams()}
        return tuple(sorted(set(known) - live - {seat.uid}))

    def left(self, seat: Seat, known: Iterable[int], now: float) -> tuple[int, ...]:
        """Those of `known` who are in the channel no more; likewise."""
        return () if now < self._complete_at else tuple(sorted(set(known) - seat.channel.announced()))

    def leave(self, link: Link, seat: Seat) -> None:
        """The participant goes; this connection has no seat any more, a second one is closed."""
        for other in list(seat.links):
            if other is not link:
                self.close(other, CLOSE_NORMAL, "left the channel")
        seat.channel.detach(seat, link, link.heard_at)
        self._give_up(seat, Leave.QUIT)

    def subscribe(self, seat: Seat, uid: int) -> None:
        """Hear one stream. Raises JsonRpcError: NOT_A_BROADCASTER, INVALID_PARAMS for one's own."""
        if uid == seat.uid:
            raise refusal(jsonrpc.INVALID_PARAMS, "nobody hears himself")
        talker = seat.channel.seats.get(uid)
        if talker is None or not talker.live:
            raise refusal(errors.NOT_A_BROADCASTER)
        seat.channel.subscribe(seat, talker)

    def unsubscribe(self, seat: Seat, uid: int) -> None:
        """Hear it no more; harmless where there is nothing to end."""
        talker = seat.channel.seats.get(uid)
        if talker is not None:
            seat.channel.unsubscribe(seat, talker)

    def set_muted(self, seat: Seat, is_muted: bool) -> None:
        """A host is silent by himself, or talks again."""
        muted = seat.channel.muted
        if (seat.uid in muted) is not is_muted:
            (muted.add if is_muted else muted.discard)(seat.uid)
            if seat.role is rules.Role.BROADCASTER:  # nobody is told of an audience
                self.tell_others(seat, messages.MUTE_AUDIO if is_muted else messages.UNMUTE_AUDIO, {"uid": seat.uid})

    def tell(self, seat: Seat, method: str, params: jsonrpc.Params) -> None:
        """Tell one participant."""
        self._tell([seat], method, params)

    def tell_others(self, seat: Seat, method: str, params: jsonrpc.Params) -> None:
        """Tell everybody else in the channel."""
        self._tell((other for other in seat.channel.seats.values() if other is not seat), method, params)

    def expel(self, seat: Seat, texts: Iterable[str], code: int, reason: str, why: Leave) -> None:
        """Take a seat from its holder, who hears these texts, and close his connections with code and reason."""
        for link in list(seat.links):
            self._out += [Send((link.connection,), text) for text in texts]
            self.close(link, code, reason)
        self._give_up(seat, why)

    def close(self, link: Link, code: int, reason: str) -> None:
        """Close a connection; its seat waits for the owner to come back."""
        self.stand_up(link, link.heard_at)
        self._out.append(Close(link.connection, code, reason))

    def stand_up(self, link: Link, since: float) -> None:
        """A connection is gone, its seat not yet."""
        if link.seat is not None:
            link.seat.channel.detach(link.seat, link, since)

    def age(self, now: float) -> None:
        """Take back what nobody has been heard on for too long; show again whose owner is back."""
        for channel in list(self._channels.values()):
            for seat in list(channel.seats.values()):
                away_s = now - seat.last_heard()
                if away_s > limits.SEAT_GRACE_S:
                    self._give_up(seat, Leave.TIMEOUT)
                elif seat.publishing and seat.live is (away_s > limits.STREAM_GRACE_S):
                    self._hide(seat) if seat.live else self._show(seat)
                elif seat.before.awaited and now >= self._settled_at:
                    self._tell_who_is_missing(seat, now)
                elif seat.before.expected and now >= self._complete_at:
                    self._tell_who_has_left(seat)

    def excuse(self, gap_s: float, now: float) -> None:
        """The hub itself was away: nobody could come back meanwhile."""
        for channel in self._channels.values():
            for seat in channel.seats.values():
                seat.absent_since = min(seat.absent_since + gap_s, now)

    def bequeath(self, numbers: Mapping[Connection, int]) -> Estate:
        """All of it, for a successor that knows connections by these numbers."""
        seats = [seat for channel in self._channels.values() for seat in channel.seats.values()]
        return Estate(
            self._started, tuple(seat.held(numbers) for seat in seats),
            tuple(channel.held() for channel in self._channels.values()),
            tuple(seat.before.joined_at for seat in seats),
            tuple(place for place, seat in enumerate(seats) if seat.before.silenced),
        )  # fmt: skip

    def inherit(self, estate: Estate, links: Mapping[int, Link]) -> None:
        """Go on where the hub was that left this; nobody is told anything, as nothing has changed."""
        self._started = estate.started
        for place, held in enumerate(estate.seats):
            channel = self._channel(held.app_id, held.channel)
            seat = channel.seats[held.uid] = Seat.of(held, channel, *estate.stay(place))
            self._seats += 1
            for number in held.connections:
                channel.attach(seat, links[number])
        for held in estate.seats:
            seats = self._channels[held.app_id, held.channel].seats
            for uid in held.subscribers:
                seats[uid].channel.subscribe(seats[uid], seats[held.uid])
        for silent in estate.channels:
            channel = self._channels[silent.app_id, silent.channel]
            channel.muted, channel.deaf = set(silent.muted), set(silent.deaf)

    def counts(self) -> tuple[int, int, int]:
        """Channels, seats, streams."""
        return len(self._channels), self._seats, sum(len(channel.streams()) for channel in self._channels.values())

    @property
    def _settled_at(self) -> float:
        return self._started + limits.SETTLE_S

    @property
    def _complete_at(self) -> float:
        return self._started + limits.SEAT_GRACE_S

    def _free_uid(self, channel: Channel | None) -> int:
        while True:
            uid = int.from_bytes(self._draw(4), "big")
            if uid and not (channel and uid in channel.seats):
                return uid

    def _check_room_for_one_more(self, channel: Channel | None) -> None:
        if channel and len(channel.seats) >= self._app(channel.app_id).max_seats:
            raise refusal(errors.CHANNEL_FULL)
        if self._seats >= limits.MAX_SEATS or (not channel and len(self._channels) >= limits.MAX_CHANNELS):
            raise refusal(errors.OVERLOADED)

    def _app(self, app_id: str) -> App:
        return self._apps.find(app_id) or App(app_id)

    def _channel(self, app_id: str, name: str) -> Channel:
        made = Channel(app_id, name, profile=self._app(app_id).profile)
        return self._channels.setdefault((app_id, name), made)

    def _sit(self, link: Link, join: messages.Join, uid: int, session: str, rights: Rights, back: bool = False) -> Seat:
        place = place_of(join)
        channel = self._channel(*place)
        before = Before(back, joined_at=link.heard_at)
        seat = Seat(uid, session, channel, join.label, rights, join.auto_subscribe, before=before)
        if join.muted:
            channel.muted.add(uid)
        channel.seats[uid] = seat
        self._seats += 1
        self.notices.joined(seat)
        channel.attach(seat, link)
        if join.auto_subscribe:
            for talker in channel.streams():
                channel.subscribe(seat, talker)
        # The documented SDK announces hosts only: thousands may listen.
        if seat.role is rules.Role.BROADCASTER:
            others = [
                other for other in channel.seats.values() if other is not seat and not (back and other.before.back)
            ]
            self._tell(others, messages.USER_JOINED, seat.stream().params())
            if join.muted:
                self._tell(others, messages.MUTE_AUDIO, {"uid": seat.uid})
        return seat

    def _resume(self, seat: Seat, link: Link, join: messages.Join) -> None:
        surplus = seat.channel.attach(seat, link)
        if surplus is not None:
            self.close(surplus, CLOSE_REPLACED, "two newer connections hold this seat")
        renamed, seat.label = seat.label != join.label, join.label
        self.set_muted(seat, join.muted)
        if seat.live and renamed:
            self.tell_others(seat, messages.STREAM_ADDED, seat.stream().params())
        elif seat.publishing and not seat.live:
            self._show(seat)

    def _turn_out(self, seat: Seat, code: int, close_code: int) -> None:
        reason = errors.TABLE[code].reason
        error = jsonrpc.notification(messages.ERROR, {"code": code, "reason": reason})
        why = Leave.DUPLICATE if code == errors.UID_CONFLICT else Leave.KICKED
        self.expel(seat, [error], close_code, reason, why)

    def _give_up(self, seat: Seat, reason: Leave) -> None:
        if seat.live:
            self._hide(seat)
        seat.channel.give_up(seat)
        self._seats -= 1
        if seat.role is rules.Role.BROADCASTER:
            self.tell_others(seat, messages.USER_LEFT, {"uid": seat.uid, "reason": reason.told})
        self.notices.left(seat, reason)
        if not seat.channel.seats:
            del self._channels[seat.channel.app_id, seat.channel.name]

    def _show(self, seat: Seat) -> None:
        seat.channel.show(seat)
        self.tell_others(seat, messages.STREAM_ADDED, seat.stream().params())

    def _hide(self, seat: Seat) -> None:
        seat.channel.hide(seat)
        self.tell_others(seat, messages.STREAM_REMOVED, {"uid": seat.uid})

    def _tell(self, seats: Iterable[Seat], method: str, params: jsonrpc.Params) -> None:
        """On every connection of each: which of two a client goes on with is decided there, and it hears that one."""
        to = tuple(link.connection for seat in seats for link in seat.links)
        if to:
            self._out.append(Send(to, jsonrpc.notification(method, params)))

    def _tell_who_is_missing(self, seat: Seat, now: float) -> None:
        missing, seat.before.awaited = self.missing(seat, seat.before.awaited, now), frozenset()
        to = tuple(link.connection for link in seat.links)
        for uid in missing if to else ():
            self._out.append(Send(to, jsonrpc.notification(messages.STREAM_REMOVED, {"uid": uid})))

    def _tell_who_has_left(self, seat: Seat) -> None:
        left, seat.before.expected = sorted(seat.before.expected - seat.channel.announced()), frozenset()
        for uid in left:
            self._tell([seat], messages.USER_LEFT, {"uid": uid, "reason": "dropped"})
