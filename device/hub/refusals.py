"""Joins that were refused: how many, and a line for the log, not too often. PURE."""

from device.channel import errors
from device.hub import limits
from device.hub.limits import Pace
from device.hub.out import Note, Out
from device.hub.seats import Link
from device.jsonrpc import JsonRpcError


class Refusals:
    """Of one hub. joins: how many. out: where what is to be logged goes."""

    def __init__(self, out: list[Out]) -> None:
        self.joins = 0
        self._out = out
        self._paces: dict[str, Pace] = {}  # of who comes from there
        self._unsaid = 0

    def add(self, link: Link, error: JsonRpcError) -> None:
        """One more. Who comes with a session of a hub before this one is told to join anew: that is no refusal."""
        if error.code == errors.SESSION_UNKNOWN:
            return
        self.joins += 1
        if not self._pace(link.household).take(link.heard_at):
            self._unsaid += 1
            return
        more, self._unsaid = f"; {self._unsaid} others before" if self._unsaid else "", 0
        line = f"may not join: {errors.for_people(error.reason)} ({error.code}){more}"
        self._out.append(Note(link.connection, line))

    def _pace(self, household: str) -> Pace:
        if household not in self._paces:
            if len(self._paces) >= limits.MAX_HOUSEHOLDS:
                self._paces.clear()
            self._paces[household] = Pace(limits.REFUSAL_LINES_PER_S, limits.REFUSAL_LINE_BURST)
        return self._paces[household]
