"""The way of one connection to a seat: dial, handshake, join or rejoin, answer. PURE.

The schedule is `dialling`'s; here is what is said on the way. Whatever ends an attempt comes back as an Arrival or a
Setback, and the session, which knows what else is going on, says what follows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from device import jsonrpc
from device.channel import errors, messages, verdicts
from device.channel.actions import Action, Close, Dial, Send
from device.channel.address import Address
from device.channel.dialling import Attempt, Dialling, Step
from device.channel.errors import ChannelError
from device.channel.messages import Join, Rejoin, Seated
from device.channel.moving import Moving
from device.channel.verdicts import Miss, Verdict


@dataclass(frozen=True, slots=True)
class Arrival:
    """A hub gave the seat. rtt_s: how long the answer took."""

    attempt: Attempt
    seated: Seated
    rtt_s: float


@dataclass(frozen=True, slots=True)
class Setback:
    """An attempt has ended without a seat. polite: what is written on its connection is delivered first."""

    attempt: Attempt
    verdict: Verdict
    error: ChannelError
    polite: bool = False


Outcome = Arrival | Setback | None


class Approach:
    """All attempts of one session. actions and numbers are the session's."""

    def __init__(
        self,
        hubs: Sequence[Address],
        dialling: Dialling,
        moving: Moving,
        actions: list[Action],
        numbers: Iterator[int],
    ) -> None:
        self._hubs = hubs
        self._dialling = dialling
        self._moving = moving
        self._actions = actions
        self._numbers = numbers

    def overdue(self, now: float) -> list[Setback]:
        """Attempts that have had their time, and the one that must make room for the next."""
        over = self._dialling.expired(now)
        surplus = self._dialling.surplus() if not over and self._dialling.due_at() <= now else None
        return [Setback(attempt, *verdicts.of_miss(Miss.TIMEOUT)) for attempt in [*over, surplus] if attempt]

    def deadline(self) -> float:
        """When something is due."""
        look_at = self._moving.due_at() if self._dialling.idle else float("inf")
        return min(self._dialling.deadline(), look_at)

    def dial(self, now: float) -> None:
        """Start the next attempt if it is time, and a look if it is time for one and its hub allows it."""
        if self._dialling.idle and self._moving.due_at() <= now:
            self._dial(self._dialling.look(next(self._numbers), self._moving.look(now), now))
        if self._dialling.due_at() <= now:
            self._dial(self._dialling.begin(next(self._numbers), now))

    def stop(self) -> None:
        """No seat is wanted any more, or another attempt has it: the rest go."""
        self._actions += [Close(conn, abort=True) for conn in self._dialling.stop()]

    def reached(self, conn: int, now: float) -> None:
        """TCP has connected."""
        attempt = self._dialling.attempts.get(conn)
        if attempt is not None:
            self._dialling.proceeded(attempt, Step.REACHED, now)

    def opened(self, conn: int, now: float) -> None:
        """The WebSocket is open."""
        attempt = self._dialling.attempts.get(conn)
        if attempt is not None:
            self._dialling.proceeded(attempt, Step.OPENED, now)

    def ask(self, asks: Join | Rejoin, now: float) -> None:
        """Ask for the seat on the connection whose turn it is."""
        attempt, before = self._dialling.next_to_ask(now), self._dialling.asking()
        if attempt is not None:
            if before is not None:
                self.give_up(Setback(before, *verdicts.of_miss(Miss.TIMEOUT)), now)
            self._ask(attempt, asks, now)

    def failed(self, conn: int, miss: Miss, http_status: int, detail: str) -> Outcome:
        """It came to no WebSocket."""
        attempt = self._dialling.attempts.get(conn)
        return Setback(attempt, *verdicts.of_miss(miss, http_status, detail)) if attempt else None

    def closed(self, conn: int, code: int) -> Outcome:
        """The hub, or the way there, ended the connection before it answered."""
        attempt = self._dialling.attempts.get(conn)
        if attempt is not None and code == messages.CLOSE_UID_CONFLICT:
            return Setback(attempt, Verdict.GIVE_WAY, ChannelError(errors.UID_CONFLICT))
        return self.failed(conn, Miss.DROPPED, 0, "")

    def text(self, conn: int, data: str | bytes, asks: Join | Rejoin, now: float) -> Outcome:
        """A message on a connection that is not seated: only the answer to our request counts.

        A hub that does not know the session is asked for a new seat with the same uid, on the same connection; unless
        it was to be the second, as the hub of the first knows it.
        """
        attempt = self._dialling.attempts.get(conn)
        if attempt is None:
            return None
        try:
            message = jsonrpc.parse(data)
            if isinstance(message, jsonrpc.Reply) and message.id == attempt.request:
                return self._arrived(attempt, Seated.read(message.result), now)
        except jsonrpc.JsonRpcError as error:
            return Setback(attempt, Verdict.SLOWED, ChannelError(errors.INTERNAL, f"not a hub: {error.reason}"))
        if not isinstance(message, jsonrpc.Failure) or message.id not in (attempt.request, None):
            return None
        if message.code == errors.SESSION_UNKNOWN and attempt.resumes and not attempt.second:
            self._ask(attempt, asks.join if isinstance(asks, Rejoin) else asks, now)
            return None
        refusal = ChannelError(message.code, errors.for_people(message.reason))
        return Setback(attempt, verdicts.of_refusal(refusal), refusal)

    def give_up(self, setback: Setback, now: float) -> None:
        """Close the connection of an attempt that has ended, and what else its hub's answer makes hopeless."""
        over = self._dialling.ended(setback.attempt, setback.verdict, now)
        self._actions += [Close(conn, abort=not setback.polite) for conn in over]

    def _dial(self, attempt: Attempt | None) -> None:
        if attempt is not None:
            self._actions.append(Dial(attempt.conn, self._hubs[attempt.hub]))

    def _arrived(self, attempt: Attempt, seated: Seated, now: float) -> Outcome:
        """The hub gives the seat. Where a look finds no better place it is given back, so that no ghost waits there.

        One that the hub still had is the seat that we have, by another name of the same hub: nobody else is there, and
        to give it back would be to leave.
        """
        company = bool(seated.streams) and not seated.resumed
        if not attempt.look or self._dialling.wanted or self._moving.is_better(attempt.hub, company):
            return Arrival(attempt, seated, now - attempt.since)
        if not seated.resumed:
            self._actions.append(Send(attempt.conn, jsonrpc.request(next(self._numbers), messages.LEAVE, {})))
        return Setback(attempt, Verdict.MISSED, ChannelError(errors.NOBODY_THERE, "nobody speaks there"), polite=True)

    def _ask(self, attempt: Attempt, asks: Join | Rejoin, now: float) -> None:
        self._dialling.proceeded(attempt, Step.OPENED, now)
        attempt.request, attempt.resumes = next(self._numbers), isinstance(asks, Rejoin)
        attempt.told_known = attempt.resumes or bool(asks.known)
        method = messages.REJOIN if attempt.resumes else messages.JOIN
        self._actions.append(Send(attempt.conn, jsonrpc.request(attempt.request, method, asks.params())))
