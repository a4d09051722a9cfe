"""Channels, seats and links: who sits where, and whose packets go to whom.

    Channel  one name inside one app, with its seats
    Seat     a participant's place: uid, session, stream, subscriptions; 0 to 2 links
    Link     one connection as rooms see it

A talker knows his subscribers, and from them the flat list of connections that the server writes to. The list is
thrown away when it changes and made again by the next packet, so that a packet costs no more than a look at it.
Nothing is sent from here; `rooms` tells people what has changed. PURE.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from device.channel import messages, rules
from device.hub import limits
from device.hub.bridge import HeldChannel, HeldSeat
from device.hub.limits import Pace
from device.hub.out import Connection
from device.hub.rights import Rights
from device.hub.window import Window

Place = tuple[str, str]  # App ID and channel name
COMPLAINED = 0, ""  # a link's complaint once it is told: that is done once


def place_of(join: messages.Join) -> Place:
    """Where somebody wants to sit."""
    return join.app_id.lower(), join.channel


@dataclass(slots=True, eq=False)
class Link:
    """A connection: where it is from, when it was last heard, what it may still do."""

    connection: Connection
    address: str
    opened_at: float
    heard_at: float
    seat: "Seat | None" = None
    requests: Pace = field(default_factory=lambda: Pace(rules.MAX_REQUESTS_PER_S, limits.REQUEST_BURST))
    refusals: Pace = field(default_factory=lambda: Pace(limits.REFUSALS_PER_S, limits.REFUSALS_PER_S))
    bad_packets: Pace = field(default_factory=lambda: Pace(limits.BAD_PACKETS_PER_S, limits.BAD_PACKET_BURST))
    unread: Pace = field(default_factory=lambda: Pace(limits.UNREAD_PER_S, limits.UNREAD_BURST))
    surplus: Pace = field(default_factory=lambda: Pace(rules.MAX_PACKETS_PER_S, limits.SURPLUS_BURST))
    rings: Pace = field(default_factory=lambda: Pace(limits.RINGS_PER_S, limits.RING_BURST))
    complaint: tuple[int, str] | None = None  # code and reason of the first packet refused, until a tick has told it
    out_of_patience: bool = False
    household: str = ""  # where it is really from, whoever has let it in

    def has_to_go(self, now: float) -> str:
        """Why, "" where it may stay."""
        if self.out_of_patience:
            return "too many packets, or bad ones"
        if self.seat is None and now - self.opened_at > limits.JOIN_WITHIN_S:
            return f"no join within {limits.JOIN_WITHIN_S:.0f} s"
        if now - self.heard_at > limits.SEAT_GRACE_S:
            return f"silent for {limits.SEAT_GRACE_S:.0f} s"
        return ""

    def good_until(self, now: float) -> float:
        """It is closed now. Who had been silent until he counted as away is not back with that."""
        return now if now - self.heard_at <= limits.STREAM_GRACE_S else self.heard_at

    def excuse(self, gap_s: float, now: float) -> None:
        """For so long nobody looked at it; what came just now may have been read already."""
        self.opened_at = min(self.opened_at + gap_s, now)
        self.heard_at = min(self.heard_at + gap_s, now)


class Writer:
    """How much somebody may still write to the channel."""

    __slots__ = ("_bytes", "_messages")

    def __init__(self) -> None:
        self._messages = Pace(rules.MAX_MESSAGES_PER_S, rules.MAX_MESSAGES_PER_S)
        self._bytes = Pace(rules.MAX_MESSAGE_BYTES_PER_S, rules.MAX_MESSAGE_BYTES_PER_S)

    def take(self, size: int, now: float) -> bool:
        """Whether one more message of so many bytes keeps to the limits."""
        return self._messages.take(now) and self._bytes.take_many(size, now)


@dataclass(slots=True)
class Before:
    """What a seat has from before.

    From the time before the hub started anew: back: it was taken again; who is back, too, knows of it. awaited: streams
    known then, until the hub knows who is missing. expected: the same, until it knows who has left.
    joined_at: since when the participant has been there. silenced: it published, until a rule took that away.
    """

    back: bool = False
    awaited: frozenset[int] = frozenset()
    expected: frozenset[int] = frozenset()
    joined_at: float = 0.0
    silenced: bool = False


@dataclass(slots=True, eq=False)
class Seat:
    """A participant. The session is a secret.

    publishing: what the participant wants; live: what the others see of it. They differ while nobody has heard from
    the seat for STREAM_GRACE_S.
    """

    uid: int
    session: str = field(repr=False)
    channel: "Channel" = field(repr=False)
    label: str = ""
    rights: Rights = field(default_factory=Rights)
    auto_subscribe: bool = False
    publishing: bool = False
    live: bool = False
    absent_since: float = 0.0  # when somebody was heard last on a link that is gone
    before: Before = field(default_factory=Before)
    links: list[Link] = field(default_factory=list)  # oldest first
    subscribers: "dict[int, Seat]" = field(default_factory=dict, repr=False)
    listeners: list[Connection] | None = None  # None: out of date
    window: Window = field(default_factory=Window)
    packets: Pace = field(default_factory=lambda: Pace(rules.MAX_PACKETS_PER_S, limits.PACKET_BURST))

    @property
    def role(self) -> rules.Role:
        """Broadcaster or audience."""
        return self.rights.role

    def last_heard(self) -> float:
        """When there was last a sign of this participant."""
        return max([self.absent_since, *(link.heard_at for link in self.links)])

    def stream(self) -> messages.Stream:
        """What others hear of this stream."""
        return messages.Stream(self.uid, self.label)

    @classmethod
    def of(cls, held: HeldSeat, channel: "Channel", joined_at: float, silenced: bool) -> "Seat":
        """As an estate has it, in this channel; without its connections and subscribers."""
        return cls(
            held.uid, held.session, channel, held.label,
            Rights(rules.Role(held.role), held.join_until, held.publish_until, held.told), held.auto_subscribe,
            held.publishing, held.live, held.absent_since,
            Before(held.back, frozenset(held.awaited), frozenset(held.expected), joined_at, silenced),
        )  # fmt: skip

    def held(self, numbers: Mapping[Connection, int]) -> HeldSeat:
        """As an estate has it, which knows connections by these numbers."""
        before, rights = self.before, self.rights
        return HeldSeat(
            self.channel.app_id, self.channel.name, self.uid, self.session, self.label,
            self.auto_subscribe, self.publishing, self.live, self.absent_since, before.back,
            tuple(sorted(before.awaited)), tuple(sorted(before.expected)), tuple(self.subscribers),
            tuple(numbers[link.connection] for link in self.links),
            role=rights.role.value, join_until=rights.join_until, publish_until=rights.publish_until, told=rights.told,
        )  # fmt: skip

    def heard_by(self) -> list[Connection]:
        """The connections that this talker's packets go to."""
        if self.listeners is None:
            deaf = self.channel.deaf
            hearing = (seat for seat in self.subscribers.values() if (seat.uid, self.uid) not in deaf)
            self.listeners = [link.connection for seat in hearing for link in seat.links]
        return self.listeners


@dataclass(slots=True, eq=False)
class Channel:
    """Where people talk. It exists from the first seat taken to the last one given up.

    muted: the uids of those who are silent by themselves, and may be published. deaf: (listener, talker) of those who
    have subscribed somebody and do not want to hear him. writers: who has written stream messages. reporters: who has
    reported what does not arrive.
    """

    app_id: str
    name: str
    seats: dict[int, Seat] = field(default_factory=dict)
    muted: set[int] = field(default_factory=set)
    deaf: set[tuple[int, int]] = field(default_factory=set)
    writers: dict[int, Writer] = field(default_factory=dict)
    reporters: dict[int, Pace] = field(default_factory=dict, repr=False)
    reports: Pace = field(default_factory=lambda: Pace(limits.REPORTS_PER_S, limits.REPORT_BURST), repr=False)
    profile: rules.Profile = rules.Profile.LIVE

    def held(self) -> HeldChannel:
        """What an estate has of it beside its seats."""
        return HeldChannel(self.app_id, self.name, tuple(sorted(self.muted)), tuple(sorted(self.deaf)))

    def streams(self) -> list[Seat]:
        """Who can be heard."""
        return [seat for seat in self.seats.values() if seat.live]

    def announced(self) -> set[int]:
        """Whom the others know to be there."""
        return {seat.uid for seat in self.seats.values() if seat.role is rules.Role.BROADCASTER}

    def attach(self, seat: Seat, link: Link) -> Link | None:
        """Give a seat one more connection; returns the one that has to go for it, not heard for longest of the others.

        The owner may have abandoned the younger of two, while the older carries the call: a reset can get lost.
        """
        if not seat.links:
            seat.window.forget()  # nothing to compare with; and the sender may be a new process
        seat.links.append(link)
        link.seat = seat
        self._routes_changed(seat)
        if len(seat.links) <= limits.MAX_CONNECTIONS_PER_SEAT:
            return None
        return min(seat.links[:-1], key=lambda other: other.heard_at)

    def detach(self, seat: Seat, link: Link, since: float) -> None:
        """Take a connection from its seat. since: when it was good for something last; another may have been later."""
        seat.links.remove(link)
        seat.absent_since = max(seat.absent_since, since)
        link.seat = None
        self._routes_changed(seat)

    def show(self, talker: Seat) -> None:
        """A stream appears; whoever asked for every stream hears it from now on."""
        talker.live = True
        for seat in self.seats.values():
            if seat.auto_subscribe and seat is not talker:
                self.subscribe(seat, talker)

    def hide(self, talker: Seat) -> None:
        """A stream is gone, and with it the subscriptions to it."""
        talker.live = False
        self.deaf -= {(uid, talker.uid) for uid in talker.subscribers}
        talker.subscribers.clear()
        talker.listeners = None

    def subscribe(self, listener: Seat, talker: Seat) -> None:
        """The listener's connections get the talker's packets from now on."""
        talker.subscribers[listener.uid] = listener
        talker.listeners = None

    def unsubscribe(self, listener: Seat, talker: Seat) -> None:
        """And now no more."""
        self.deaf.discard((listener.uid, talker.uid))
        talker.subscribers.pop(listener.uid, None)
        talker.listeners = None

    def mute(self, listener: Seat, talker: Seat, is_muted: bool) -> None:
        """The listener stays subscribed and gets no packets, or gets them again."""
        (self.deaf.add if is_muted else self.deaf.discard)((listener.uid, talker.uid))
        talker.listeners = None

    def give_up(self, seat: Seat) -> None:
        """A seat is free again. It has to be silent and without links already."""
        del self.seats[seat.uid]
        self.muted.discard(seat.uid)
        self.writers.pop(seat.uid, None)
        self.reporters.pop(seat.uid, None)
        for talker in self.seats.values():
            self.unsubscribe(seat, talker)

    def _routes_changed(self, listener: Seat) -> None:
        for talker in self.seats.values():
            if listener.uid in talker.subscribers:
                talker.listeners = None
