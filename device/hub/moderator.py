"""Holds the seats to the rules, and tells administrators who sits where; all in plain values.

A rule that is made puts out, or silences, whom it is about: a few at a time, at the next ticks, as each of them is news
to everybody else in the channel. From then on it is asked at every join and every publish. PURE.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from device import jsonrpc
from device.channel import errors, messages, rules
from device.hub.moderation import Privilege, Rule, Rules, Whom
from device.hub.notices import Leave
from device.hub.out import CLOSE_BANNED
from device.hub.seating import refusal
from device.hub.seats import Link, Seat
from device.hub.stage import Stage

# What one tick does. Each is told to all others of its channel, twice: with 500 of them these are 10,000 messages.
CARRIED_OUT_AT_ONCE = 10

ASK = "ask the hub's administrator"


@dataclass(frozen=True, slots=True)
class Member:
    """A participant, as administrators see one. joined_s: for how long he has been there."""

    uid: int
    role: rules.Role
    joined_s: float


@dataclass(frozen=True, slots=True)
class Members:
    """Everybody in a channel."""

    profile: rules.Profile
    members: tuple[Member, ...]


class Moderator:
    """Of one hub. rules: those in force."""

    def __init__(self, seating: Stage) -> None:
        self.rules = Rules()
        self._seating = seating
        self._due: dict[Seat, Rule] = {}
        self._silenced: list[Seat] = []

    # What administrators ask for

    def create(self, whom: Whom, privileges: tuple[Privilege, ...], minutes: int, now: float) -> Rule:
        """Make a rule, in force at once; of 0 minutes it is only carried out. Raises TooManyRules."""
        return self._enforce(self.rules.create(whom, privileges, minutes, now))

    def update(self, app_id: str, id: int, minutes: int, now: float) -> Rule:
        """Let it last so long from now; 0 carries it out once more, and ends it. Raises KeyError for no such rule."""
        return self._enforce(self.rules.update(app_id, id, minutes, now))

    def delete(self, app_id: str, id: int, now: float) -> None:
        """End a rule; those whose turn has not come stay. Raises KeyError for no such rule."""
        self.rules.delete(app_id, id, now)
        self._due = {seat: rule for seat, rule in self._due.items() if rule.id != id}

    def channels(self, app_id: str, skip: int, at_most: int) -> tuple[list[tuple[str, int]], int]:
        """Some channels of an App, each with how many are in it, and how many channels there are."""
        found = [channel for channel in self._seating.channels.values() if channel.app_id == app_id]
        return [(channel.name, len(channel.seats)) for channel in islice(found, skip, skip + at_most)], len(found)

    def members(self, app_id: str, channel: str, now: float) -> Members | None:
        """Who is in a channel, None where there is none of that name."""
        found = self._seating.channels.get((app_id, channel))
        if found is None:
            return None
        return Members(
            found.profile,
            tuple(Member(seat.uid, seat.role, now - seat.before.joined_at) for seat in found.seats.values()),
        )

    # What rooms ask

    def check_join(self, link: Link, join: messages.Join) -> None:
        """Raises JsonRpcError(BANNED) for whom a rule keeps out."""
        rule = self.rules.against(
            Privilege.JOIN, join.app_id.lower(), join.uid, join.channel, link.household, link.heard_at
        )
        if rule is not None:
            raise refusal(errors.BANNED, _why(errors.BANNED, rule, link.heard_at))

    def seated(self, link: Link, seat: Seat, now: float) -> None:
        """Somebody is back on this connection: what he publishes from there a rule may forbid."""
        rule = self._against_publishing(seat, link.household, now) if seat.publishing else None
        if rule is not None:
            self._silence(seat, rule, now)

    def check(self, method: str, link: Link, seat: Seat, now: float) -> None:
        """A request of a participant. Raises JsonRpcError(SILENCED) for a publish that a rule forbids."""
        if method == messages.UNPUBLISH:
            seat.before.silenced = False  # nothing is to come back
        elif method == messages.PUBLISH:
            from_everywhere = (self._against_publishing(seat, each.household, now) for each in seat.links or [link])
            if (rule := next(filter(None, from_everywhere), None)) is not None:
                self._remember_silenced(seat)
                raise refusal(errors.SILENCED, _why(errors.SILENCED, rule, now))

    def carry_out(self, now: float) -> None:
        """Time has passed: put out and silence whose turn it is; give back what a rule took that is over."""
        for _ in range(min(len(self._due), CARRIED_OUT_AT_ONCE)):
            seat = next(iter(self._due))
            rule = self._due.pop(seat)
            if not _is_there(seat):
                continue
            if Privilege.JOIN in rule.privileges:
                self._put_out(seat, rule, now)
            else:
                self._silence(seat, rule, now)
        self._give_back(now)

    def inherit(self, dumped: str, now: float) -> None:
        """Go on with the rules of the hub before this one, "" for none; its seats are there already."""
        if dumped:
            self.rules.load(dumped, now)
            self.rules.version += 1  # to be kept by this hub, too
        self._silenced = [seat for seat in self._seats() if seat.before.silenced]
        for rule in self.rules.all():
            self._enforce(rule)

    def _seats(self) -> Iterator[Seat]:
        return (seat for channel in self._seating.channels.values() for seat in channel.seats.values())

    def _enforce(self, rule: Rule) -> Rule:
        whom = rule.whom
        for seat in self._seats():
            if seat.channel.app_id == whom.app_id and any(
                whom.includes(seat.uid, seat.channel.name, household) for household in _households(seat)
            ):
                before = self._due.get(seat)
                if before is None or Privilege.JOIN not in before.privileges:
                    self._due[seat] = rule
        return rule

    def _against_publishing(self, seat: Seat, household: str, now: float) -> Rule | None:
        channel = seat.channel
        return self.rules.against(Privilege.PUBLISH, channel.app_id, seat.uid, channel.name, household, now)

    def _put_out(self, seat: Seat, rule: Rule, now: float) -> None:
        reason = _why(errors.BANNED, rule, now)
        banned = jsonrpc.notification(messages.CLIENT_BANNED, {"minutes": rule.minutes_left(now)})
        error = jsonrpc.notification(messages.ERROR, {"code": errors.BANNED, "reason": reason})
        self._seating.expel(seat, [banned, error], CLOSE_BANNED, reason, Leave.KICKED)

    def _silence(self, seat: Seat, rule: Rule, now: float) -> None:
        if not seat.publishing:
            return
        self._seating.unpublish(seat)
        if rule.minutes:
            self._remember_silenced(seat)
        params = {"code": errors.SILENCED, "reason": _why(errors.SILENCED, rule, now)}
        self._seating.tell(seat, messages.ERROR, params)

    def _remember_silenced(self, seat: Seat) -> None:
        """It wants to be heard, and is to be once it may."""
        if not seat.before.silenced:
            seat.before.silenced = True
            self._silenced.append(seat)

    def _give_back(self, now: float) -> None:
        """Not to who is away: nobody knows where from he will come back."""
        some, self._silenced = self._silenced[:CARRIED_OUT_AT_ONCE], self._silenced[CARRIED_OUT_AT_ONCE:]
        for seat in some:
            if not _is_there(seat) or not seat.before.silenced:
                continue
            if not seat.links or any(self._against_publishing(seat, link.household, now) for link in seat.links):
                self._silenced.append(seat)  # behind the others
                continue
            seat.before.silenced = False
            with suppress(jsonrpc.JsonRpcError):  # it may not publish any more for another reason
                self._seating.publish(seat, now)
                self._seating.tell(seat, messages.HEARD_AGAIN, {})


def _is_there(seat: Seat) -> bool:
    return seat.channel.seats.get(seat.uid) is seat


def _households(seat: Seat) -> list[str]:
    """Where a participant is, as far as anybody knows: nowhere while he is away."""
    return [link.household for link in seat.links] or [""]


def _why(code: int, rule: Rule, now: float) -> str:
    """What is told, with what to do about it; a close frame has room for 123 bytes."""
    if not rule.minutes:
        return f"the hub's administrator {'put it out' if code == errors.BANNED else 'silenced it'} this once"
    return f"{errors.TABLE[code].reason} for {rule.minutes_left(now)} min (rule {rule.id}): {ASK}"
