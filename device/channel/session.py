"""One client's side of the channel: the seat it wants, the connections it has, what goes over them. PURE.

    client: opened, reached, text, media, closed, tick, ...  ->  Session  ->  Dial, Send, Close, Emit, Answer, Log

After any call but `send` and `media`, carry out `actions()` in order, and call `tick` at `deadline()` at the latest. A
connection has the number in its `Dial`, and is forgotten after its `Close`; what comes late is ignored here.

    session    join, leave, request, send                  connections    which connection is the one
    approach   the way of one connection to a seat         dialling       when to try which hub
    seat       what is asked and heard in the seat         liveness       whether its connection still carries anything
    news       what the owner gets to see                  verdicts       what a failure means for the next attempt
    moving     when to look for a better place             doubling       when a second connection carries the same
    copies     what both of two say is told once           adapt          how densely to encode, by what the path allows
"""

from dataclasses import replace

from device import jsonrpc
from device.channel import errors, messages
from device.channel.actions import WARNING, Answer
from device.channel.adapt import Coding
from device.channel.connections import Connections
from device.channel.errors import ChannelError
from device.channel.link import Sending
from device.channel.messages import Join
from device.channel.news import State, Status


class Session(Connections):
    """All of it: what the owner wants, and what happens to connections."""

    @property
    def status(self) -> Status:
        """This moment."""
        link = self._seat.link
        hub, rtt_ms = (str(self._hubs[link.hub]), link.liveness.rtt_s * 1_000) if link else (None, None)
        number = link.hub + 1 if link else None
        news, seat = self._news, self._seat
        return Status(
            news.state, seat.uid, news.channel, hub, number, rtt_ms,
            len(seat.links), self._reconnects, seat.skipped, news.problem, news.problem_hub, seat.ticket,
        )  # fmt: skip

    def join(self, join: Join, now: float) -> int:
        """Take a seat, and keep it until `leave`; returns the number whose Answer is {uid}.

        It is answered when seated, or with the refusal once every hub has refused. The wish outlives a refusal, unless
        another device has the seat. Asked again for the same it is answered again, and no refusal is waited out any
        longer; asked for something else it leaves first.
        """
        number = next(self._numbers)
        self._dialling.forgive()
        if (
            self.state is not State.LEFT
            and self._join is not None
            and join in (self._join, self._seat.claims.asks(self._join))
        ):
            self._joins.append(number)
            if self._seat.link is not None:
                self._answer_joins({"uid": self._seat.uid})
            return number
        if self.state is not State.LEFT and self._seat.streams.silenced:  # which lasts until somebody leaves
            join = replace(join, muted=True)
        self.leave(now)
        self._join, self._joins = join, [number]
        self._seat.expect(join)
        self._news.joining(join.channel, now)
        self._dialling.start(0)
        return number

    def rejoin(self, now: float, join: Join | None = None) -> int:
        """The last join once more, on a new connection; the old one carries on until then. Raises ChannelError.

        join: with what is new in it, such as the token; asked for another seat it is a `join`.
        """
        if join is not None and not self._is_ours(join):
            return self.join(join, now)
        if join is not None:
            self._join = join
            self._seat.expect(join)
        if self._join is None:
            raise ChannelError(errors.OUT_OF_ORDER, "join first")
        if self._seat.link is None:
            return self.join(self._join, now)
        self._joins.append(next(self._numbers))
        self._dialling.forgive()
        self._dialling.start(self._seat.link.hub)
        return self._joins[-1]

    def waits_for(self, number: int) -> bool:
        """Whether this `join` has no answer yet."""
        return number in self._joins

    def leave(self, now: float) -> None:
        """Give the seat up: the hub is told if it can be, and nothing is waited for."""
        if self._join is not None:
            self._join = self._seat.claims.asks(self._join)
        if self._seat.link is not None:
            self._seat.link.send(jsonrpc.request(next(self._numbers), messages.LEAVE, {}), now)
        if self.state is not State.LEFT:
            self._stop(ChannelError(errors.OUT_OF_ORDER, "left the channel"), None)

    def call(self, method: str, params: jsonrpc.Params, now: float) -> int:
        """Any other request; returns the number of its Answer, which comes within 10 s. Offline it waits for a seat.

        What publish, unpublish, subscribe, unsubscribe, setRole and renewToken ask for is wanted from now on, also if
        the answer is late. With a new token no refusal of the old one is waited out any longer.
        """
        if method == messages.RENEW_TOKEN:
            self._dialling.forgive()
        if method == messages.PUBLISH:
            self._gauges.timestamps.restart()
        if self.state is not State.LEFT:
            return self._seat.call(method, params, now)
        number = next(self._numbers)
        self._actions.append(Answer(number, ChannelError(errors.OUT_OF_ORDER, "join first")))
        return number

    def indicate_volume(self, interval_ms: int, now: float) -> None:
        """Tell volume-indication so often, 0 for never. Raises ValueError."""
        self._gauges.volume.set_interval(interval_ms, now)

    def adapt(self, wanted: Coding) -> None:
        """Tell target-bitrate-changed when the path allows less than this, or more again."""
        self._adapt.begin(wanted)

    def report_quality(self, wanted: bool, now: float) -> None:
        """Tell network-quality every 2 s, or no more."""
        self._gauges.quality.turn(wanted, now)

    def clogged(self, now: float) -> list[int]:
        """The connections that the next frame would not be sent on, unless `unacknowledged` has better news."""
        return [link.conn for link in self._seat.links if link.liveness.is_clogged(now)]

    def send(self, payload: bytes, timestamp: int, level_dbov: int | None, marker: bool, now: float) -> Sending | None:
        """One frame; returns the packet and the connections to send it on, None where it is not to be sent.

        Of `clogged` ones tell `unacknowledged` and `path` before, and carry out what follows; a line about its
        timestamp is in the next `actions`. Raises ValueError for a payload that is empty or too long.
        """
        sending = self._seat.send(payload, timestamp, level_dbov, marker, now)
        if sending is not None:
            self._gauges.said(level_dbov, len(sending[0]))
            if line := self._gauges.timestamps.note(timestamp, now):
                self._news.log(WARNING, line)
        return sending

    def _is_ours(self, join: Join) -> bool:
        """Whether that is the seat that we have, or are on the way to."""
        ours = self._join
        if ours is None or self.state is State.LEFT or join.uid not in (ours.uid, self._seat.uid):
            return False
        return ours == replace(join, uid=ours.uid, token=ours.token, label=ours.label, muted=ours.muted)
