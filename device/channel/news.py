"""What a session's owner gets to see and read: states, errors, lines of the log. PURE.

The first failure is a WARNING and an `error` event, its repeats are DEBUG; being back is INFO, with how long it took.
Of several hubs the one that was got furthest with is the one to know about: what it said matters more than that another
one's name cannot be looked up.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from device import jsonrpc
from device.channel import errors, messages
from device.channel.actions import DEBUG, INFO, WARNING, Action, Emit, Log
from device.channel.address import Address
from device.channel.errors import ChannelError
from device.channel.messages import Ticket
from device.channel.standing import Chronicle
from device.channel.verdicts import Miss

CONNECTION_STATE = "connection-state"  # {state}
# Different failures that are told apart: a hub could think of a new reason each time.
_MOST_TOLD = 100
# How far we got with a hub: it was lost, not found, not reached, or answered.
_LOST, _NOT_FOUND, _NOT_REACHED, _ANSWERED = range(4)


class State(StrEnum):
    """Where the seat is: not wanted, not found yet, held, or held by a hub that cannot be reached."""

    LEFT = "left"
    JOINING = "joining"
    IN_CALL = "in-call"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Status:
    """One moment of a session. uid: 0 without a seat. hub: the one connected to, without anything secret, and its
    hub_number in the list, 1 for the first.

    rtt_ms: last round trip. connections: 2 on a path that loses packets. reconnects: seats after the first.
    skipped: frames not sent, because the connection was clogged. problem: what keeps it out of the call, or took it
    out, None where nothing does; problem_hub: the hub it is about, None where it is about none. ticket: proves whose
    seat it is; it holds a secret, and is None without a seat.
    """

    state: State
    uid: int
    channel: str
    hub: str | None
    hub_number: int | None
    rtt_ms: float | None
    connections: int
    reconnects: int
    skipped: int
    problem: ChannelError | None
    problem_hub: str | None
    ticket: Ticket | None = field(default=None, repr=False)

    @property
    def problem_told(self) -> dict[str, object] | None:
        """The problem as plain values: {hub, code, reason}."""
        error = self.problem
        return None if error is None else {"hub": self.problem_hub, "code": error.code, "reason": error.reason}


class News:
    """Puts them among the session's actions."""

    def __init__(self, actions: list[Action]) -> None:
        self.state = State.LEFT
        self.channel = ""
        self._actions = actions
        self._problems: dict[str, tuple[int, ChannelError]] = {}  # by hub: how far we got, and why no further
        self._told: set[str] = set()
        self._down_since = 0.0
        self._hub: Address | None = None  # of the last call
        self._chronicle = Chronicle()

    @property
    def problem(self) -> ChannelError | None:
        """What keeps it out of the call, or took it out: of the hub that was got furthest with, the newest."""
        return self._problems.get(self.problem_hub or "", (0, None))[1]

    @property
    def problem_hub(self) -> str | None:
        """The hub that the problem is about, None where it is about none."""
        return max(reversed(self._problems), key=self._got, default="") or None

    @property
    def hub(self) -> Address | None:
        """Where the last call was, None before the first in this channel."""
        return self._hub

    def emit(self, event: str, params: jsonrpc.Params) -> None:
        """An event."""
        self._actions.append(Emit(event, params))

    def log(self, level: int, text: str, event: str = "") -> None:
        """A line. event: what a log can be searched for, where it is one."""
        self._actions.append(Log(level, text, event))

    def joining(self, channel: str, now: float) -> None:
        """A seat is wanted from now on."""
        self.channel, self._hub = channel, None
        self._forget()
        self._down_since = now
        self._become(State.JOINING, self._chronicle.joining(now))

    def in_call(self, hub: Address, number: int, now: float) -> None:
        """The seat is ours, or ours again. number: of the hub in the list, 1 for the first."""
        self._forget()
        before, self._hub = self._hub, hub
        if self.state is State.IN_CALL:
            if hub == before:
                self.log(DEBUG, f"{self.channel} at {hub}: on a new connection")
            else:
                where = "back at the first hub" if number == 1 else f"now at number {number} of the hubs"
                self.log(INFO, f"{self.channel}: {where}, {hub}")
            return
        word, event = ("joined", "joined") if self.state is State.JOINING else ("back in", "link-back")
        self.log(INFO, f"{word} {self.channel} at {hub} after {now - self._down_since:.1f} s", event)
        self._become(State.IN_CALL, self._chronicle.seated(self.state is State.OFFLINE, now))

    def offline(
        self, why: str, hub: Address, since: float, silent: bool = False, kept_out: ChannelError | None = None
    ) -> None:
        """The connection is gone, or has been silent since then for so long that it may as well be.

        kept_out: why the hub has closed it, of which `refused` has told: that is the problem, and not that it is gone.
        """
        if self.state is State.IN_CALL:
            self._down_since = since
            lost = kept_out or ChannelError(errors.DISCONNECTED)
            if kept_out is None:
                self._tell(lost, f"{hub} is lost ({why}), dialling", "link-lost")
            self._problems = {str(hub): (_ANSWERED if kept_out else _LOST, lost)}
            self._become(State.OFFLINE, self._chronicle.offline(silent, since))

    def left(self, problem: ChannelError | None) -> None:
        """No seat is wanted any more. problem: why, where nobody asked for that."""
        self._problems = {"": (_ANSWERED, problem)} if problem else {}
        self._become(State.LEFT, self._chronicle.left(problem))

    def missed(self, error: ChannelError, hub: Address) -> None:
        """An attempt that nobody answered: worth a word while there is no seat, after a loss one for each hub."""
        found = error.code != errors.NO_NETWORK and not error.reason.startswith(str(Miss.DNS))
        self._note(_NOT_REACHED if found else _NOT_FOUND, error, hub)
        line = f"{hub}: {error.reason}; trying until it answers"
        if self.state is State.JOINING:
            self._tell(error, line)
        else:  # that there is no hub is no news then, only why
            self.log(WARNING if self.state is State.OFFLINE and self._first(str(hub)) else DEBUG, line)

    def refused(self, error: ChannelError, hub: Address) -> None:
        """A hub has answered, with an error."""
        self._note(_ANSWERED, error, hub)
        self._tell(error, f"{hub}: {error}")

    def refused_by_all(self, error: ChannelError) -> None:
        """No hub is left that might say something else."""
        self._emit_all(self._chronicle.refused(error))

    def due_at(self) -> float:
        """When `tick` has something to tell, infinity for never."""
        return self._chronicle.due_at()

    def tick(self, now: float) -> None:
        """Time has passed."""
        self._emit_all(self._chronicle.due(now))

    def error(self, error: ChannelError, line: str) -> None:
        """Something else that people should know; once until things are well again."""
        self._tell(error, line)

    def _note(self, got: int, error: ChannelError, hub: Address) -> None:
        if self.state is not State.IN_CALL:
            self._problems.pop(str(hub), None)
            self._problems[str(hub)] = got, error

    def _tell(self, error: ChannelError, line: str, event: str = messages.ERROR) -> None:
        if not self._first(line):
            self.log(DEBUG, line)
            return
        self.log(WARNING, line, event)
        self.emit(messages.ERROR, {"code": error.code, "reason": error.reason})

    def _first(self, told: str) -> bool:
        """Whether this is told for the first time since things were well."""
        if told in self._told or len(self._told) >= _MOST_TOLD:
            return False
        self._told.add(told)
        return True

    def _got(self, hub: str) -> int:
        return self._problems[hub][0]

    def _forget(self) -> None:
        self._problems.clear()
        self._told.clear()

    def _become(self, state: State, changes: list[tuple[str, jsonrpc.Params]]) -> None:
        self.state = state
        self.emit(CONNECTION_STATE, {"state": state.value})
        self._emit_all(changes)

    def _emit_all(self, events: list[tuple[str, jsonrpc.Params]]) -> None:
        for event, params in events:
            self.emit(event, params)
