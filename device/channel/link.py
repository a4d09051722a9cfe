"""A connection that is seated: what is still to be said on it, and since when it is in doubt. PURE."""

from collections import deque
from dataclasses import dataclass, field

from device import jsonrpc
from device.channel import messages
from device.channel.actions import Action, Send
from device.channel.liveness import Liveness

# Requests that put a new seat where the old one was, a second: the hub lets 50 pass, and some are the caller's.
AGAIN_PER_S = 40
# "Interrupted: 4 s without any server data" (spec 4.3). Until then a connection in doubt still counts as a call.
OFFLINE_S = 4.0
_NEVER = float("inf")

# A packet, and the connections to send it on.
Sending = tuple[bytes, list[int]]


@dataclass(slots=True)
class Link:
    """hub: its index. losses: that were seen on it. unwelcome: the hub has asked for a slower pace."""

    conn: int
    hub: int
    seated_at: float
    liveness: Liveness
    actions: list[Action] = field(repr=False)
    again: deque[tuple[str, jsonrpc.Params]] = field(default_factory=deque)
    again_at: float = -_NEVER
    silent_since: float | None = None
    losses: int = 0
    pinged: int = 0
    unwelcome: bool = False

    def send(self, text: str, now: float) -> None:
        """Send one text message, ASCII as all of ours are."""
        self.actions.append(Send(self.conn, text))
        self.liveness.wrote(len(text), now)

    def ping(self, number: int, now: float) -> None:
        """Ask whether there is somebody."""
        self.pinged = number
        self.send(jsonrpc.request(number, messages.PING, {}), now)
        self.liveness.pinged(now)

    def deadline(self) -> float:
        """When something is due here, a change from or to doubt aside that something received brings."""
        doubt_at = self.liveness.doubt_at() if self.silent_since is None else _NEVER
        return min(self.liveness.ping_at(), doubt_at, self.again_at if self.again else _NEVER)

    def offline_at(self) -> float:
        """When a call on it counts as one no more, infinity while it is not in doubt."""
        return _NEVER if self.silent_since is None else self.silent_since + OFFLINE_S

    def due_again(self, now: float) -> list[tuple[str, jsonrpc.Params]]:
        """Those of `again` whose turn it is."""
        if not self.again or now < self.again_at:
            return []
        self.again_at = now + 1.0
        return [self.again.popleft() for _ in range(min(AGAIN_PER_S, len(self.again)))]

    def doubted(self, now: float) -> bool:
        """Whether it is in doubt from now on."""
        if self.silent_since is not None or now < self.liveness.doubt_at():
            return False
        self.silent_since = self.liveness.waiting_since()
        return True

    def proved(self, now: float) -> bool:
        """Whether it was in doubt, and is alive after all."""
        if self.silent_since is None or now >= self.liveness.doubt_at():
            return False
        self.liveness.was_wrong(now - self.silent_since, now)
        self.silent_since = None
        return True
