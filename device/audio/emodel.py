"""How good a call is, estimated from its delay and its losses: the E-model of ITU-T G.107. PURE.

Everything else is at the model's defaults, so 93.2 is a call without any fault. Opus has no figures of its own in
G.113: those of a codec without impairment and with concealment are taken (Ie 0, Bpl 25.1). An estimate for telephones;
it compares the talkers and the hours of one installation, and is no promise of how it sounds.
"""

import math

BEST = 93.2
_LOSS_ROBUSTNESS = 25.1
_FIRST_MS = 100.0


def rating(delay_ms: float, loss_percent: float) -> float:
    """R, 0 to 93.2. delay_ms: from mouth to ear, as far as it is known. loss_percent: of packets, spread at random."""
    return max(0.0, BEST - _of_delay(delay_ms) - 95 * loss_percent / (loss_percent + _LOSS_ROBUSTNESS))


def mos(rated: float) -> float:
    """The mean opinion score that goes with R (G.107 annex B): 1 bad to 4.4."""
    return max(1.0, 1 + 0.035 * rated + rated * (rated - 60) * (100 - rated) * 7e-6)


def _of_delay(delay_ms: float) -> float:
    """Idd: nobody minds 100 ms."""
    if delay_ms <= _FIRST_MS:
        return 0.0
    octaves = math.log2(delay_ms / _FIRST_MS)
    return 25 * (math.pow(1 + octaves**6, 1 / 6) - 3 * math.pow(1 + (octaves / 3) ** 6, 1 / 6) + 2)
