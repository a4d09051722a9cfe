"""How the connection stands, in the words of the documented SDKs: five states, and why each was come to. PURE.

`connection-state` says the same in the four words that a device shows to people: left, joining, in-call, offline.
"""

from enum import StrEnum

from device import jsonrpc
from device.channel import errors
from device.channel.errors import ChannelError, Remedy

CONNECTION_STATE_CHANGE = "connection-state-change"  # {state, previous, reason}
RECONNECTING = "reconnecting"  # {reason}: silent for 4 s, or broken
CONNECTION_LOST = "connection-lost"  # {}: for 10 s, and still trying
REJOINED = "rejoined"  # {after_ms}

# The documentation names 10 s four times, and 15 s once.
LOST_S = 10.0
# "If the client cannot connect within 20 minutes it gives up": here it says so, and goes on trying, as nobody stands
# beside an intercom to join again.
FAILED_S = 20 * 60.0


class Standing(StrEnum):
    """Failed: for 20 minutes, or by a refusal that only a person can do something about."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    FAILED = "failed"


class Reason(StrEnum):
    """Those of the documented reasons that can be here."""

    CONNECTING = "connecting"
    JOINED = "joined"
    INTERRUPTED = "interrupted"
    KEEPALIVE_TIMEOUT = "keepalive-timeout"
    REJOINED = "rejoined"
    LEFT = "left"
    JOIN_FAILED = "join-failed"
    BANNED = "banned"
    APP_ID = "app-id"
    TOKEN = "token"
    TOKEN_EXPIRED = "token-expired"
    SAME_UID = "same-uid"
    REJECTED = "rejected"


_OF_CODE = {
    errors.BANNED: Reason.BANNED, errors.BAD_REQUEST: Reason.APP_ID, errors.UID_CONFLICT: Reason.SAME_UID,
    errors.TOKEN_INVALID: Reason.TOKEN, errors.TOKEN_MISSING: Reason.TOKEN, errors.TOKEN_UNEXPECTED: Reason.TOKEN,
    errors.TOKEN_EXPIRED: Reason.TOKEN_EXPIRED,
}  # fmt: skip


def of_problem(error: ChannelError) -> Reason:
    """Why a hub does not want us; its code and words are in the `error` event."""
    return _OF_CODE.get(error.code, Reason.REJECTED)


class Chronicle:
    """What has been told of it, and what the time brings. Each method returns the events."""

    def __init__(self) -> None:
        self.standing = Standing.DISCONNECTED
        self._out_since: float | None = None
        self._told_lost = False

    def joining(self, now: float) -> list[tuple[str, jsonrpc.Params]]:
        """A seat is wanted."""
        self._out_since, self._told_lost = now, True  # what was never had is not lost
        return self._change(Standing.CONNECTING, Reason.CONNECTING)

    def seated(self, back: bool, now: float) -> list[tuple[str, jsonrpc.Params]]:
        """It is ours; back: again, after it was out of reach."""
        after_ms = round((now - (self._out_since or now)) * 1_000)
        self._out_since = None
        change = self._change(Standing.CONNECTED, Reason.REJOINED if back else Reason.JOINED)
        return [*change, (REJOINED, {"after_ms": after_ms})] if back else change

    def offline(self, silent: bool, since: float) -> list[tuple[str, jsonrpc.Params]]:
        """It is out of reach since then; silent: without a word from the network."""
        self._out_since, self._told_lost = since, False
        reason = Reason.KEEPALIVE_TIMEOUT if silent else Reason.INTERRUPTED
        return [*self._change(Standing.RECONNECTING, reason), (RECONNECTING, {"reason": reason.value})]

    def left(self, problem: ChannelError | None) -> list[tuple[str, jsonrpc.Params]]:
        """It is wanted no more; problem: why, where nobody asked for that."""
        self._out_since = None
        if problem is not None:
            return self._change(Standing.FAILED, of_problem(problem))
        return self._change(Standing.DISCONNECTED, Reason.LEFT)

    def refused(self, error: ChannelError) -> list[tuple[str, jsonrpc.Params]]:
        """Every hub has refused, which may be waited out."""
        if self._out_since is None or error.remedy is not Remedy.ASK_A_HUMAN:
            return []
        return self._change(Standing.FAILED, of_problem(error))

    def due_at(self) -> float:
        """When the time brings something, infinity for never."""
        if self._out_since is None or self.standing is Standing.FAILED:
            return float("inf")
        return self._out_since + (FAILED_S if self._told_lost else LOST_S)

    def due(self, now: float) -> list[tuple[str, jsonrpc.Params]]:
        """What it has brought."""
        if now < self.due_at():
            return []
        if not self._told_lost:
            self._told_lost = True
            return [(CONNECTION_LOST, {})]
        return self._change(Standing.FAILED, Reason.JOIN_FAILED)

    def _change(self, standing: Standing, reason: Reason) -> list[tuple[str, jsonrpc.Params]]:
        previous, self.standing = self.standing, standing
        if previous is standing:
            return []
        told = {"state": standing.value, "previous": previous.value, "reason": reason.value}
        return [(CONNECTION_STATE_CHANGE, told)]
