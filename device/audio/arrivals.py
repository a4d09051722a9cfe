"""How late one talker's packets arrive, and from that: when they are due.

The *transit* of a packet is its arrival minus its RTP time. Only differences of transits mean anything, as the two
clocks started at different moments. The *age* of a packet is its transit beyond that of this talker's fastest packet.
Two rules follow from the transits seen:

- The age judges what is too old to be heard at all. The fastest transit falls at once and forgets upwards at 500 ppm,
  more than two bad crystals drift apart.
- A packet is due when 19 of 20 of the last 5 s would have been there in time: the quantile of their transits, plus one
  tick of playback (a packet is needed at the start of the tick that it begins in, wherever in the tick that is), plus
  a margin for the way through the threads. The quantile of a handful is their maximum, so a new talker adapts at once.
- What is lost and comes again with a later packet is waited for, as long as that happens: each time that it was not
  would be heard. So the latest of those counts, too, be they one in a hundred.
- Between what the latest packet needed and what there is lies what can be given up in a hurry (stretch.py). What came
  late once is forgotten after 1 s; where it happens again within 8 s, as on a stream that loses segments, it is
  remembered for four times as long as that usually takes, 5 to 10 s: whoever gives that up is late at the next one. A
  first word that comes late, as its gate had to notice it, is no such thing. Nor is the quantile believed that is 30 ms
  beyond the latest: a queue was full, and is not any more.
- Nor is it where packets are held up again and again: then the latest counts, up to 200 ms, or, if that is more than
  once a second, all but one in 200. Speech at 5 % loss and a round trip of 40 ms had PESQ 2.4 by the quantile, at 136
  ms from mouth to ear, as the buffer was emptied and filled anew each time; README has what it is now.
- Where there is much jitter each second has another quantile. What is due grows with it at once, and falls when it
  falls by a quarter: a delay that wanders is heard more than one that is a little long. At 40 ms of jitter PESQ was
  3.5 by the quantile alone, and is 3.9 with this (`scripts/bench speech --only "40 ms of jitter"`).

All times are samples of 48 kHz, in whole numbers: adding a constant to every RTP time or arrival changes nothing.
"""

from bisect import bisect_left, insort
from collections import deque

MS = 48

# Two crystals at the edge of what is sold are 200 ppm apart; a fastest packet that was a fluke is forgotten in time.
_FORGET_ONE_IN = 2_000
_WINDOW = 5_000 * MS
_LATE_ONE_IN = 20
# Where packets are held up all the time, the very latest is chance.
_OFTEN, _OFTEN_LATE_ONE_IN = 1_000 * MS, 200
# What was held up by one outage may come in several piles.
_SAME_OUTAGE = 500 * MS
# What a new talker's jitter is taken for until the quantile leaves out the largest of the first 20 packets.
_UNKNOWN_JITTER = 10 * MS
_MARGIN = 5 * MS // 2
# How long what came late is remembered, where that happened once, and where it happens again and again.
_ONCE, _AGAIN = 1_000 * MS, 10_000 * MS
# A second one within this time is a habit. Where they are rarer a conversation loses more by waiting for them than by a
# gap now and then, as the E-model (G.107) has it.
_HABIT = 8_000 * MS
# Without one for so many times as long as it usually takes, it is over.
_TIMES, _NEW_SHARE = 4, 1 / 4
# After a pause the first packet may come so late as the gate of who talks needs to notice him, as it sends him from
# before that on.
_PAUSE, _NOTICED = 100 * MS, 70 * MS
# So much later than the packet before: it was held up, and not by a queue that fills. Less is not given up in a hurry.
_HELD_UP = 30 * MS
# Where packets are held up again and again, each such time is waited for, up to so much beyond the fastest: a buffer
# that is emptied and filled each time is heard, and the next one will come.
_WAITED_FOR = 200 * MS
# Jitter of less is that of threads and clocks, which is followed to the sample. Of any more, what is due is left where
# it is until it is too much by a share.
_CALM, _WORTH_IT = 12 * MS, 4
# Beyond this a conversation suffers more from waiting than from gaps.
_LONGEST_DELAY = 300 * MS


class Arrivals:
    """The transits of one talker. `fastest` and `due` are transits; a packet is due at its RTP time plus `due`."""

    def __init__(self, transit: int, arrived: int, tick: int) -> None:
        """Start with the first packet's transit; tick: samples that playback takes at a time."""
        self.fastest = transit
        self._wait = tick + _MARGIN
        self._forgot_at = self._last_arrived = arrived
        self._jitter = transit + _UNKNOWN_JITTER  # the transit that is waited for
        self._recent = deque([(self._jitter, 0)])
        self._sorted = [self._jitter]
        self._span = 0
        self._again: deque[tuple[int, int]] = deque()
        self._in_outage = self._alone = False
        self._outage_at = arrived - _WINDOW - 1
        self.due = self._jitter + self._wait
        self._lately = _Lately(transit, arrived)

    @property
    def needed(self) -> int:
        """The transit at which the latest packet of the last 1, or 5 to 10 s would have been played in time."""
        return self._lately.latest + self._wait

    def add_again(self, transit: int, arrived: int, outage: int) -> None:
        """What was lost has come with a later packet, of which `add` is told next. outage: as there."""
        if transit <= self.due + outage:
            while self._again and self._again[-1][0] <= transit:
                self._again.pop()
            self._again.append((transit, arrived))  # of those from each one on it is the latest, so they fall

    def add(self, transit: int, samples: int, arrived: int, outage: int) -> None:
        """A packet of so many samples has arrived; `outage`: how far beyond due one is no longer waited for.

        One beyond that counts, but not the pile that comes with it: an outage says little about jitter. Only where
        another one was within the window, as on a stream that loses segments, are they what has to be lived with.
        """
        forgotten = max(0, arrived - self._forgot_at) // _FORGET_ONE_IN
        self._forgot_at += forgotten * _FORGET_ONE_IN
        self.fastest = min(transit, self.fastest + forgotten)
        in_pile = self._in_outage and arrived - self._last_arrived < samples // 2
        if not in_pile:
            self._in_outage = transit > self.due + outage
            if self._in_outage and (since := arrived - self._outage_at) > _SAME_OUTAGE:
                self._alone, self._outage_at = since > _WINDOW, arrived
        if not (in_pile and self._alone):
            self._remember(transit, samples)
        self._last_arrived = arrived
        self._lately.add(transit, samples, arrived - transit)
        jitter = self._sorted[-1 - len(self._sorted) // _LATE_ONE_IN]
        if jitter - self._lately.latest > _HELD_UP:
            jitter = self._lately.latest
        elif self._lately.again:
            left_out = self._lately.often and len(self._sorted) // _OFTEN_LATE_ONE_IN
            waited_for = self._sorted[-1 - left_out] if left_out else self._lately.latest
            jitter = max(jitter, min(waited_for, self.fastest + _WAITED_FOR))
        if self._again:
            jitter = max(jitter, self._waited_for(arrived))
        if not 0 < self._jitter - jitter <= (self._jitter - self.fastest - _CALM) // _WORTH_IT:
            self._jitter = jitter
        self.due = min(self._jitter + self._wait, self.fastest + _LONGEST_DELAY)

    def _waited_for(self, arrived: int) -> int:
        while self._again and arrived - self._again[0][1] > _WINDOW:
            self._again.popleft()
        return self._again[0][0] if self._again else self.fastest

    def _remember(self, transit: int, samples: int) -> None:
        self._recent.append((transit, samples))
        self._span += samples
        insort(self._sorted, transit)
        while self._span > _WINDOW:
            old, length = self._recent.popleft()
            self._span -= length
            del self._sorted[bisect_left(self._sorted, old)]


class _Lately:
    """`latest`: the longest transit of the last second of sound, be there a pause in it or not; where packets are held
    up again and again, of four times as long as that usually takes, 5 to 10 s."""

    def __init__(self, transit: int, arrived: int) -> None:
        self.latest = self._before = transit
        self._now = 0
        self._held_up_at = self._again_at = -_AGAIN
        self._outage_at = arrived - _SAME_OUTAGE
        self._every = 0.0  # how long it usually is from one such time to the next
        self._remembered: float = _WINDOW
        self.again = self.often = False
        self._ended = -_AGAIN  # the RTP time at which the newest packet did
        self._longest = deque([(transit, 0)])  # of the packets from each one on, so they fall

    def add(self, transit: int, samples: int, at: int) -> None:
        self._now += samples
        self.again = self._now - self._again_at < self._remembered
        if transit - self._before >= (_HELD_UP if at - self._ended < _PAUSE else _NOTICED):
            self._held_up(at + transit)
        self._before, self._ended = transit, at + samples
        while self._longest and self._longest[-1][0] <= transit:
            self._longest.pop()
        self._longest.append((transit, self._now))
        remembered = self._remembered if self.again else _ONCE
        while self._now - self._longest[0][1] >= remembered:
            self._longest.popleft()
        self.latest = self._longest[0][0]

    def _held_up(self, arrived: int) -> None:
        if arrived - self._outage_at < _SAME_OUTAGE:
            return
        since = self._now - self._held_up_at
        if since < _HABIT:
            self._every = since if not self.again else self._every + (since - self._every) * _NEW_SHARE
            self._remembered = min(_AGAIN, max(_WINDOW, _TIMES * self._every))
            self.again, self.often, self._again_at = True, self._every < _OFTEN, self._now
        self._held_up_at, self._outage_at = self._now, arrived
