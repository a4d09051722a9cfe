"""What a session's owner gets to see and read: states, errors, lines of the log. PURE.

The first failure is a WARNING and an `error` event, its repeats are DEBUG; being back is INFO, with how long it took.
"""

from dataclasses import dataclass
from enum import StrEnum

from device import jsonrpc
from device.channel import errors, messages
from device.channel.actions import DEBUG, INFO, WARNING, Action, Emit, Log
from device.channel.address import Address
from device.channel.errors import ChannelError

CONNECTION_STATE = "connection-state"  # {state}


class State(StrEnum):
    """Where the seat is: not wanted, not found yet, held, or held by a hub that cannot be reached."""

    LEFT = "left"
    JOINING = "joining"
    IN_CALL = "in-call"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Status:
    """One moment of a session. uid: 0 without a seat. hub: the one connected to, without anything secret.

    rtt_ms: last round trip. reconnects: seats after the first. skipped: frames not sent, because the connection was
    clogged. problem: what keeps it out of the call, or took it out, None where nothing does.
    """

    state: State
    uid: int
    channel: str
    hub: str | None
    rtt_ms: float | None
    reconnects: int
    skipped: int
    problem: ChannelError | None


class News:
    """Puts them among the session's actions."""

    def __init__(self, actions: list[Action]) -> None:
        self.state = State.LEFT
        self.channel = ""
        self.problem: ChannelError | None = None
        self._actions = actions
        self._told: set[int] = set()
        self._down_since = 0.0

    def emit(self, event: str, params: jsonrpc.Params) -> None:
        """An event."""
        self._actions.append(Emit(event, params))

    def log(self, level: int, text: str, event: str = "") -> None:
        """A line. event: what a log can be searched for, where it is one."""
        self._actions.append(Log(level, text, event))

    def joining(self, channel: str, now: float) -> None:
        """A seat is wanted from now on."""
        self.channel, self.problem = channel, None
        self._told.clear()
        self._down_since = now
        self._become(State.JOINING)

    def in_call(self, hub: Address, now: float) -> None:
        """The seat is ours, or ours again."""
        self._told.clear()
        self.problem = None
        if self.state is State.IN_CALL:
            self.log(DEBUG, f"{self.channel} at {hub}: on a new connection")
            return
        word, event = ("joined", "joined") if self.state is State.JOINING else ("back in", "link-back")
        self.log(INFO, f"{word} {self.channel} at {hub} after {now - self._down_since:.1f} s", event)
        self._become(State.IN_CALL)

    def offline(self, why: str, hub: Address, since: float) -> None:
        """The connection is gone, or has been silent since then for so long that it may as well be."""
        if self.state is State.IN_CALL:
            self._down_since = since
            self.problem = ChannelError(errors.DISCONNECTED)
            self.error(self.problem, f"{hub} is lost ({why}), dialling", "link-lost")
            self._become(State.OFFLINE)

    def left(self, problem: ChannelError | None) -> None:
        """No seat is wanted any more. problem: why, where nobody asked for that."""
        self.problem = problem
        self._become(State.LEFT)

    def missed(self, error: ChannelError, hub: Address) -> None:
        """An attempt that nobody answered: worth a word as long as there has been no seat."""
        if self.state is State.JOINING:
            self.error(error, f"{hub}: {error.reason}; trying until it answers")
        else:
            if self.state is State.OFFLINE:
                self.problem = error
            self.log(DEBUG, f"{hub}: {error}")

    def error(self, error: ChannelError, line: str, event: str = messages.ERROR) -> None:
        """Something that people should know; once until things are well again."""
        if self.state is not State.IN_CALL:
            self.problem = error
        if error.code in self._told:
            self.log(DEBUG, line)
            return
        self._told.add(error.code)
        self.log(WARNING, line, event)
        self.emit(messages.ERROR, {"code": error.code, "reason": error.reason})

    def _become(self, state: State) -> None:
        self.state = state
        self.emit(CONNECTION_STATE, {"state": state.value})
