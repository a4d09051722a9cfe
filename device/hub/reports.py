"""What arrives of a talker's packets, told to him: as his listeners report it, and at once where the hub itself holds
some back because the way to a listener is full. With fewer bits that one hears all of it. PURE.

Nobody hears who is in an audience, nor how many are. So what one of them misses is kept here, and the talker is told
only what so many of them miss that they are a quarter of all his listeners: what he does about it everybody hears.
"""

from device import jsonrpc
from device.channel import errors, messages
from device.channel.listeners import ALL_ARRIVES, Listeners
from device.channel.reception import EVERY_S, FORGOTTEN_S
from device.channel.report import AUDIENCE, Report, Told
from device.channel.rules import Role
from device.hub import limits
from device.hub.limits import Pace
from device.hub.seating import Seating, refusal
from device.hub.seats import Link, Seat

# That goes on; and what a listener misses so long after it, it misses for that.
GOES_ON_S, CROWDED_S = 0.5, 2 * EVERY_S
_NEVER = float("-inf")


class Reports:
    """To everybody of a hub."""

    def __init__(self, seating: Seating) -> None:
        self._seating = seating
        self._crowded: dict[Link, tuple[float, float]] = {}  # when something had to go, and when that was told
        self._audiences: dict[Seat, _Audience] = {}  # by talker; of those whom somebody has missed lately

    def heard(self, link: Link, seat: Seat, params: jsonrpc.Params) -> None:
        """A listener's own, on this link. Raises JsonRpcError: INVALID_PARAMS, TOO_FREQUENT."""
        report, now = Report.read(params), link.heard_at
        pace = seat.channel.reporters.setdefault(seat.uid, Pace(limits.OWN_REPORTS_PER_S, 1))
        if not pace.take(now):
            raise refusal(errors.TOO_FREQUENT, "too many reports")
        for uid, lost in report.lost:
            talker = seat.channel.seats.get(uid)
            if talker is not None and not any(each in self._crowded for each in seat.links):
                self._note(talker, seat, Told(seat.uid, lost, False), now)

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
                    self._note(talker, link.seat, Told(link.seat.uid, 0, True), now)
        for talker, audience in list(self._audiences.items()):
            if now - audience.noted_at >= FORGOTTEN_S:
                del self._audiences[talker]
            elif talker.live and (told := audience.due(len(talker.subscribers), now)):
                self._tell(talker, told, now)

    def _note(self, talker: Seat, listener: Seat, told: Told, now: float) -> None:
        if not talker.live or listener.uid not in talker.subscribers:
            return
        if listener.role is Role.BROADCASTER:
            self._tell(talker, told, now)
        else:
            self._audiences.setdefault(talker, _Audience()).note(told, now)

    def _tell(self, talker: Seat, told: Told, now: float) -> None:
        if talker.channel.reports.take(now):
            self._seating.tell(talker, messages.REPORT, told.params())


class _Audience:
    """One talker's: what they have said of him, when last, and whether he has not been told since."""

    def __init__(self) -> None:
        self._listeners = Listeners()
        self.noted_at = self._looked_at = _NEVER
        self._has_news = False

    def note(self, told: Told, now: float) -> None:
        """One of them."""
        self._listeners.told(told, now)
        self.noted_at, self._has_news = now, True

    def due(self, listeners: int, now: float) -> Told | None:
        """What there is to be told of all together, every two seconds at most. listeners: also who is no audience."""
        if not self._has_news or now - self._looked_at < EVERY_S:
            return None
        self._looked_at, self._has_news = now, False
        arriving = self._listeners.arriving(listeners, now)
        return None if arriving == ALL_ARRIVES else Told(AUDIENCE, *arriving)
