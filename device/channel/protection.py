"""What is sent of a packet beside itself, so that one that is lost is heard nevertheless. PURE.

First the frame before it in few bits (in-band FEC of Opus), of which a tenth more are asked for; beyond that whole
packets once more (redundancy.py), one and two, as each hides the loss of so many in a row. More comes at once, less one
step at a time once the losses have been fewer for a while: what is protected sounds as if nothing was lost, but those
who report count what did not arrive.
"""

from typing import NamedTuple

LESS_AFTER_S = 10.0
# Of the bits that the owner wants, by the number of copies, and with FEC: 28, 20, 16 and 32 kbit/s of 28.
_SEVENTHS = (7, 5, 4, 8)
# Opus has no less (RFC 6716 section 2.1.1).
_LEAST_BITRATE = 6_000


class Protected(NamedTuple):
    """fec_percent: the losses that FEC is to expect, 0 for none. copies: packets sent once more with each."""

    fec_percent: int = 0
    copies: int = 0

    def bitrate(self, wanted: int) -> int:
        """Of the speech, bit/s: FEC takes some of it; copies double and treble it, so that less is sent once."""
        return max(_LEAST_BITRATE, wanted * _SEVENTHS[self.copies if not self.fec_percent else -1] // 7)


# From so many percent of lost packets on; figures in `scripts/bench speech`.
_STEPS = ((0, Protected()), (1, Protected(fec_percent=10)), (5, Protected(copies=1)), (20, Protected(copies=2)))


class Protection:
    """One for each session."""

    def __init__(self) -> None:
        self._at = 0
        self._enough_since: float | None = None

    def looked(self, lost_percent: int, now: float) -> Protected:
        """What is to be done from now on, when so many are lost. To be asked about once a second."""
        needed = max(step for step, (percent, _) in enumerate(_STEPS) if lost_percent >= percent)
        if needed >= self._at:
            self._at, self._enough_since = needed, None
        elif self._enough_since is None:
            self._enough_since = now
        elif now - self._enough_since >= LESS_AFTER_S:
            self._at, self._enough_since = self._at - 1, now
        return _STEPS[self._at][1]
