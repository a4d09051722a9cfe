"""What arrives of a talker's packets, told to him: as his listeners report it, and at once where the hub itself holds
some back because the way to a listener is full. With fewer bits that one hears all of it. PURE.
"""

from device import jsonrpc
from device.channel import messages
from device.channel.reception import EVERY_S
from device.channel.report import Report, Told
from device.channel.rules import Role
from device.hub.seating import Seating
from device.hub.seats import Link, Seat

# That goes on; and what a listener misses so long after it, it misses for that.
GOES_ON_S, CROWDED_S = 0.5, 2 * EVERY_S
_NEVER = float("-inf")


class Reports:
    """To everybody of a hub."""

    def __init__(self, seating: Seating) -> None:
        self._seating = seating
        self._crowded: dict[Link, tuple[float, float]] = {}  # when something had to go, and when that was told

    def heard(self, link: Link, seat: Seat, params: jsonrpc.Params) -> None:
        """A listener's own, on this link. Raises JsonRpcError."""
        for uid, lost in Report.read(params).lost:
            talker = seat.channel.seats.get(uid)
            if talker is not None and not any(each in self._crowded for each in seat.links):
                self._tell(talker, seat, lost, False, link.heard_at)

    def crowded(self, link: Link, now: float) -> None:
        """A packet to it had to go for a fresher one."""
        _, told_at = self._crowded.get(link, (now, _NEVER))
        self._crowded[link] = now, told_at

    def tick(self, now: float) -> None:
        """Tell it every two seconds for as long as that goes on; to be called every TICK_S."""
        for link, (late_at, told_at) in list(self._crowded.items()):
            if now - late_at >= CROWDED_S:
                del self._crowded[link]
            elif link.seat and now - late_at < GOES_ON_S and now - told_at >= EVERY_S:
                self._crowded[link] = late_at, now
                for talker in link.seat.channel.streams():
                    self._tell(talker, link.seat, 0, True, now)

    def _tell(self, talker: Seat, listener: Seat, lost: int, crowded: bool, now: float) -> None:
        hears = talker.live and listener.uid in talker.subscribers
        if hears and listener.channel.reports.take(now):
            uid = listener.uid if listener.role is Role.BROADCASTER else 0  # nobody hears who is in an audience
            self._seating.tell(talker, messages.REPORT, Told(uid, lost, crowded).params())
