"""Anything that clients can do, in any order, against a few sentences that always have to be true of a hub.

The model knows only what clients know: which connections a seat has, who publishes, who subscribed to whom.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from device.hub import limits
from tests.hub.house import APP, OTHER_APP, House, Refused

Place = tuple[str, str]
PLACES: tuple[Place, ...] = ((APP, "lobby"), (APP, "lobby"), (APP, "lobby"), (APP, "attic"), (OTHER_APP, "lobby"))
ANY = st.integers(0, 10_000)  # picks one of however many there are


@dataclass(eq=False)
class Seat:
    """A seat as its owner sees it. hears: the seats he is subscribed to."""

    place: Place
    uid: int
    session: str
    auto: bool
    connections: list[int]
    publishes: bool = False
    hidden: bool = False
    hears: set["Seat"] = field(default_factory=set)
    left_at: float = 0.0


class AnyClients(RuleBasedStateMachine):
    """Rules are what clients do; after each of them a packet of every talker is followed."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.opened = 0
        self.seats: list[Seat] = []
        self.former: list[Seat] = []  # every seat there ever was: their owners may try to come back

    def connect(self) -> int:
        self.opened += 1
        self.house.open(self.opened, address=f"10.0.{self.opened >> 8}.{self.opened & 255}")
        return self.opened

    def others(self, seat: Seat) -> list[Seat]:
        return [other for other in self.seats if other.place == seat.place and other is not seat]

    def at(self, place: Place, uid: int) -> Seat | None:
        return next((seat for seat in self.seats if (seat.place, seat.uid) == (place, uid)), None)

    def present(self, pick: int) -> Seat | None:
        """One of the seats whose owner is connected."""
        seats = [seat for seat in self.seats if seat.connections]
        return seats[pick % len(seats)] if seats else None

    def show(self, seat: Seat) -> None:
        seat.hidden = False
        for other in self.others(seat):
            if other.auto:
                other.hears.add(seat)

    def hide(self, seat: Seat) -> None:
        for other in self.seats:
            other.hears.discard(seat)

    def sit(self, seat: Seat) -> None:
        self.seats.append(seat)
        self.former.append(seat)
        if seat.auto:
            seat.hears = {other for other in self.others(seat) if other.publishes and not other.hidden}

    def give_up(self, seat: Seat) -> None:
        self.seats.remove(seat)
        self.hide(seat)

    @rule(place=st.sampled_from(PLACES), uid=st.integers(0, 4), auto=st.booleans())
    def join(self, place: Place, uid: int, auto: bool) -> None:
        connection = self.connect()
        app, channel = place
        answer = self.house.ask(connection, "join", appId=app, channel=channel, uid=uid, autoSubscribe=auto)
        assert answer["uid"] == uid or (uid == 0 and self.at(place, answer["uid"]) is None)
        old = self.at(place, answer["uid"])
        if old is not None:
            assert all(self.house.closed[lost][0] == 4001 for lost in old.connections)
            self.give_up(old)
        self.sit(Seat(place, answer["uid"], answer["session"], auto, [connection]))

    @precondition(lambda self: self.former)
    @rule(pick=ANY, forged=st.booleans())
    def rejoin(self, pick: int, forged: bool) -> None:
        claim = self.former[pick % len(self.former)]
        holder = self.at(claim.place, claim.uid)
        connection = self.connect()
        (app, channel), session = claim.place, "A" * 43 if forged else claim.session
        try:
            params = {"appId": app, "channel": channel, "uid": claim.uid, "session": session}
            answer = self.house.ask(connection, "rejoin", **params)
        except Refused as refused:
            assert refused.code == (1002 if forged else 1001)
            assert forged or (holder is not None and holder is not claim and holder.session != claim.session)
            return
        assert not forged and answer["session"] == session and answer["uid"] == claim.uid
        assert answer["resumed"] == (holder is not None)
        if holder is None:
            self.sit(Seat(claim.place, claim.uid, session, False, [connection]))
            return
        assert holder.session == session
        holder.connections.append(connection)
        if len(holder.connections) > 2:
            assert self.house.closed[holder.connections.pop(0)][0] == 4002
        if holder.hidden:
            self.show(holder)

    @rule(pick=ANY)
    def publish(self, pick: int) -> None:
        seat = self.present(pick)
        if seat is not None:
            assert self.house.ask(seat.connections[0], "publish") == {}
            if not seat.publishes:
                seat.publishes = True
                self.show(seat)

    @rule(pick=ANY)
    def unpublish(self, pick: int) -> None:
        seat = self.present(pick)
        if seat is not None:
            assert self.house.ask(seat.connections[-1], "unpublish") == {}
            seat.publishes = False
            self.hide(seat)

    @rule(pick=ANY, whom=ANY, on=st.booleans())
    def subscribe(self, pick: int, whom: int, on: bool) -> None:
        seat = self.present(pick)
        if seat is None or not self.others(seat):
            return
        talker = self.others(seat)[whom % len(self.others(seat))]
        try:
            assert self.house.ask(seat.connections[0], "subscribe" if on else "unsubscribe", uid=talker.uid) == {}
        except Refused as refused:
            assert refused.code == 432 and on and (talker.hidden or not talker.publishes)
            return
        assert not on or (talker.publishes and not talker.hidden)
        seat.hears.add(talker) if on else seat.hears.discard(talker)

    @rule(pick=ANY)
    def leave(self, pick: int) -> None:
        seat = self.present(pick)
        if seat is not None:
            assert self.house.ask(seat.connections[0], "leave") == {}
            self.give_up(seat)

    @rule(pick=ANY, which=ANY)
    def drop(self, pick: int, which: int) -> None:
        seat = self.present(pick)
        if seat is not None:
            self.house.drop(seat.connections.pop(which % len(seat.connections)))
            seat.left_at = self.house.now

    @rule(seconds=st.sampled_from((1.0, 4.0, 11.0)))
    def time_passes(self, seconds: float) -> None:
        """Everybody who is connected pings; who is not may lose what he had."""
        connected = [connection for seat in self.seats for connection in seat.connections]
        self.house.heartbeat(*connected, seconds=seconds)
        for seat in [seat for seat in self.seats if not seat.connections]:
            away_s = self.house.now - seat.left_at
            if away_s > limits.SEAT_GRACE_S:
                self.give_up(seat)
            elif away_s > limits.STREAM_GRACE_S and seat.publishes and not seat.hidden:
                seat.hidden = True
                self.hide(seat)

    @invariant()
    def packets_reach_exactly_who_subscribed(self) -> None:
        for talker in self.seats:
            listeners = [other for other in self.others(talker) if talker in other.hears]
            expected = sorted(connection for other in listeners for connection in other.connections)
            for sender in talker.connections[-1:]:
                assert sorted(self.house.speak(sender, talker.uid)) == (expected if talker.publishes else [])
                assert self.house.speak(sender, talker.uid + 1) == [], "as somebody else"

    @invariant()
    def the_counts_are_right(self) -> None:
        snapshot = self.house.rooms.snapshot()
        assert snapshot.seats == len(self.seats) == len({(seat.place, seat.uid) for seat in self.seats})
        assert snapshot.channels == len({seat.place for seat in self.seats})
        assert snapshot.streams == sum(seat.publishes and not seat.hidden for seat in self.seats)

    def teardown(self) -> None:
        """When all have gone and the grace is over, nothing is left."""
        for connection in range(1, self.opened + 1):
            self.house.drop(connection)
        self.house.wait(limits.SEAT_GRACE_S + 1)
        snapshot = self.house.rooms.snapshot()
        assert (snapshot.channels, snapshot.seats, snapshot.streams, snapshot.connections) == (0, 0, 0, 0)


AnyClients.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestAnyClients = AnyClients.TestCase
