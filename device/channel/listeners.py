"""How our packets arrive at those who listen, as they report it. PURE.

What is done about it everybody hears, so it is what a quarter of the others have that counts: among up to four each
single one, in a large channel not the one whose radio is bad. Who is in an audience, and how many are, the hub alone
knows: it reckons in the same way, and what it tells of them a quarter of all has had for long enough.
"""

from typing import NamedTuple

from device.channel.reception import EVERY_S, FORGOTTEN_S
from device.channel.report import AUDIENCE, Told

# For so long a report is compared with the next one: who says a word now and then is told of as seldom. Whose speech
# all comes is told so (reception.py).
_KEPT_S = FORGOTTEN_S
# A report counts until the one after the next could have been there; that a path is full, which is acted upon at once,
# until it could have been said again.
FOR_S, CROWDED_FOR_S = 2.5 * EVERY_S, 1.25 * EVERY_S
_SHARE = 4
# All of the largest channel.
MOST = 500


class Arriving(NamedTuple):
    """lost_percent: of our packets. crowded: the way from the hub is full."""

    lost_percent: int = 0
    crowded: bool = False


ALL_ARRIVES = Arriving()


class Listeners:
    """One for each session. Losses count that the report before told of as well: what is lost once, as when a hub dies,
    is over when it is told, and nothing can be done about it."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[Told, float, int]] = {}  # what, when, and what has been lost in both reports

    def told(self, report: Told, now: float) -> None:
        """One of them reports."""
        before, at, _ = self._told.get(report.uid, (report, float("-inf"), 0))
        if at > float("-inf") or len(self._told) < MOST:
            lasting = min(before.lost, report.lost) if now - at < _KEPT_S else 0
            self._told[report.uid] = report, now, report.lost if report.uid == AUDIENCE else lasting

    def arriving(self, others: int, now: float) -> Arriving:
        """How it is. others: how many there are beside us, without an audience."""
        self._told = {uid: told for uid, told in self._told.items() if now - told[1] < _KEPT_S}
        needed = max(1, -(-others // _SHARE))
        lost, crowded = list[int](), 0
        for uid, (one, at, lasting) in self._told.items():
            voices = needed if uid == AUDIENCE else 1
            if not one.crowded and now - at < FOR_S:
                lost += [lasting] * voices
            elif one.crowded and now - at < CROWDED_FOR_S:
                crowded += voices
        lost.sort(reverse=True)
        return Arriving(lost[needed - 1] if len(lost) >= needed else 0, crowded >= needed)
