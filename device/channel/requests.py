"""Requests that wait for their answer. A lost connection loses none of them: they are made again on the next. PURE."""

from dataclasses import dataclass, field

from device import jsonrpc

ANSWER_WITHIN_S = 10.0  # as long as the documented SDK waits
# A caller that asks faster than any hub answers is told so; the queue must not grow while nobody is there.
MAX_WAITING = 100


@dataclass(frozen=True, slots=True)
class Call:
    """One request. caller: somebody waits for its answer; otherwise the session makes it for itself."""

    number: int
    method: str
    params: jsonrpc.Params = field(repr=False)  # it may hold a token
    until: float
    caller: bool

    @property
    def text(self) -> str:
        """What goes on the wire."""
        return jsonrpc.request(self.number, self.method, self.params)


@dataclass(slots=True)
class Requests:
    """All that wait, oldest first."""

    waiting: dict[int, Call] = field(default_factory=dict)

    def full(self) -> bool:
        """Whether no caller may add another."""
        return sum(call.caller for call in self.waiting.values()) >= MAX_WAITING

    def add(self, call: Call) -> None:
        """Wait for this one."""
        self.waiting[call.number] = call

    def take(self, number: jsonrpc.Id | None) -> Call | None:
        """The request with this number, which has its answer now; None for one that nobody made."""
        return self.waiting.pop(number, None) if isinstance(number, int) else None

    def expires_at(self) -> float:
        """When the next has waited too long."""
        return min((call.until for call in self.waiting.values()), default=float("inf"))

    def expired(self, now: float) -> list[Call]:
        """Those that have waited too long, forgotten from now on."""
        return [self.waiting.pop(call.number) for call in list(self.waiting.values()) if call.until <= now]

    def take_all(self, method: str) -> list[Call]:
        """Those of this method that a caller waits for, forgotten from now on."""
        calls = [call for call in self.waiting.values() if call.method == method and call.caller]
        for call in calls:
            del self.waiting[call.number]
        return calls

    def drop_own(self) -> None:
        """Forget those that the session made for itself: it makes them anew for the next connection."""
        self.waiting = {number: call for number, call in self.waiting.items() if call.caller}

    def clear(self) -> list[Call]:
        """All of them, forgotten from now on."""
        calls, self.waiting = list(self.waiting.values()), {}
        return calls
