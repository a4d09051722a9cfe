"""How many of each talker's packets do not arrive: the fraction lost of RFC 3550 section 6.4.1 and appendix A.3. PURE.

Counted by sequence numbers as they come from the hub, before anything is made good again: so what it says does not
change with what is done about it. A frame that its sender skipped has no number, and ten packets in a row that are
missing, 200 ms of the usual ones, are an outage: neither is helped by sending things twice. That is counted in packets
however long they are, as timestamps go on while nothing is said and so do not tell how much is missing.
"""

from device.channel.rtp import Packet

EVERY_S = 2.0
# In two seconds of speech one in a hundred is the first that is lost.
LEAST_PERCENT = 1
# Of fewer nothing can be said; they count together with those before, as far as so many, unless that was long ago.
_FEWEST = 25
FORGOTTEN_S = 30.0
# So many in a row that came, 5 s of the usual ones, end what was told.
_WELL = 250
_OUTAGE = 10
# Talkers in one report, the worst first, and talkers whose packets are counted.
MOST_TOLD, MOST_TALKERS = 16, 64
# As the hub does of one talker: what lies further behind is no second path of a call, but a talker who starts anew.
_REMEMBERED = 256
_ALL = (1 << _REMEMBERED) - 1
_NEVER = float("inf")


class Reception:
    """What has come since it was asked last."""

    def __init__(self) -> None:
        self._talkers: dict[int, _Talker] = {}
        self._since = _NEVER

    def heard(self, packet: Packet, now: float) -> None:
        """A packet came, perhaps for the second time."""
        talker = self._talkers.get(packet.ssrc)
        if talker is None or now - talker.at > FORGOTTEN_S:
            if talker is None and not self._room_for_one_more(now):
                return
            talker = self._talkers[packet.ssrc] = _Talker(packet.sequence)
        self._since = min(self._since, now)
        talker.heard(packet.sequence, now)

    def due(self, now: float) -> list[tuple[int, int]]:
        """Of the last two seconds, and of those before where that was too little: the uids of whom something was lost,
        and how many percent, the worst first; 0 once where that is over, and not for want of speech."""
        if now - self._since < EVERY_S:
            return []
        lost = [(uid, percent) for uid, talker in self._talkers.items() if (percent := talker.news()) is not None]
        for talker in self._talkers.values():
            talker.begin()
        talk = any(talker.at >= self._since for talker in self._talkers.values())
        self._since = now if talk else _NEVER
        return sorted(lost, key=lambda one: -one[1])[:MOST_TOLD]

    def _room_for_one_more(self, now: float) -> bool:
        """Who has been silent for a while gives up his place."""
        if len(self._talkers) < MOST_TALKERS:
            return True
        uid = min(self._talkers, key=lambda uid: self._talkers[uid].at)
        if now - self._talkers[uid].at < EVERY_S:
            return False
        del self._talkers[uid]
        return True


class _Talker:
    def __init__(self, sequence: int) -> None:
        self._newest, self._seen = sequence - 1 & 0xFFFF, 0  # bit n: newest - n has come
        self._expected = self._received = 0
        self._expected_before = self._lost_before = 0.0
        self._came: int | None = None  # since a loss that was told
        self.at = 0.0  # when something was heard last

    def heard(self, sequence: int, now: float) -> None:
        self.at = now
        ahead = (sequence - self._newest) & 0xFFFF
        behind = -ahead & 0xFFFF
        if 0 < ahead <= _OUTAGE:
            self._expected += ahead
            self._newest, self._seen = sequence, (self._seen << ahead | 1) & _ALL
        elif behind < _REMEMBERED:
            if self._seen >> behind & 1:
                return
            self._seen |= 1 << behind
        else:  # wherever it is: an outage is over, or it is another stream (RFC 3550 appendix A.1)
            gap = min(ahead, _REMEMBERED)  # what comes of that after all counts for nothing, as if it had been there
            self._expected, self._newest, self._seen = self._expected + 1, sequence, (self._seen + 1 << gap) - 1 & _ALL
        self._received += 1

    def news(self) -> int | None:
        """What there is to be told: how many percent are lost, or 0 when enough have come since that was told."""
        if percent := self.lost_percent():
            self._came = 0
            return percent
        if self._came is None:
            return None
        self._came = 0 if self._received < self._expected else self._came + self._expected
        if self._came < _WELL:
            return None
        self._came = None
        return 0

    def lost_percent(self) -> int:
        """With what was before, where this alone is too little to say it; but no more than this alone: a burst that is
        over is not told again."""
        expected, lost = self._together()
        if expected < _FEWEST or not self._expected:
            return 0
        percent = 100 * min(lost / expected, 1 - self._received / self._expected)
        return round(percent) if percent >= LEAST_PERCENT else 0

    def begin(self) -> None:
        """The next two seconds."""
        expected, lost = self._together()
        kept = min(1.0, _FEWEST / max(1, expected))
        self._expected_before, self._lost_before = expected * kept, max(0.0, lost * kept)
        self._expected = self._received = 0

    def _together(self) -> tuple[float, float]:
        """What was expected, and of that lost: since it was asked last if that is enough, else with what was before."""
        lost = self._expected - self._received
        if self._expected >= _FEWEST:
            return self._expected, lost
        return self._expected_before + self._expected, self._lost_before + lost
