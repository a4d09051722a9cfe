"""All arithmetic on samples. A block is bytes, s16le mono at 48 kHz (960 samples = 20 ms), of any length.

Two makers do the same work with the same results to the bit: `Audioop` in C (the standard library's until Python 3.12,
the package audioop-lts after that), and `Plain` in Python where neither is there, some twenty times slower. `maker` is
the better one of `makers`, those at hand; `mix`, `scale`, `peak` and `alike` are its.
"""

import math
import operator
import warnings
from array import array
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.11 and 3.12 announce that it goes
    try:
        import audioop
    except ImportError:
        audioop = None  # type: ignore[assignment]

SAMPLE_BYTES = 2
SILENT_DBOV = -127

_LOWEST, _HIGHEST = -32_768, 32_767
# Where one sample is dropped or repeated is looked for in 2 ms: speech has a turning point in that.
_SLIP_WINDOW = 96


class Plain:
    """The arithmetic in Python alone."""

    @staticmethod
    def mix(blocks: Sequence[bytes]) -> bytes:
        """One or more blocks of one length, summed first and clipped once."""
        if len(blocks) == 1:
            return blocks[0]
        sums = map(sum, zip(*(array("h", block) for block in blocks), strict=True))
        return array("h", [max(_LOWEST, min(_HIGHEST, value)) for value in sums]).tobytes()

    @staticmethod
    def rms(pcm: bytes) -> int:
        """Root mean square, rounded down: 0 to 32,768; 0 for an empty block."""
        samples = array("h", pcm)
        return int(math.sqrt(sum(map(operator.mul, samples, samples)) / len(samples))) if samples else 0

    @staticmethod
    def scale(pcm: bytes, gain: float) -> bytes:
        """Every sample times gain, clipped, rounded down."""
        return array(
            "h", [math.floor(max(_LOWEST, min(_HIGHEST, value * gain))) for value in array("h", pcm)]
        ).tobytes()

    @staticmethod
    def peak(pcm: bytes) -> int:
        """The farthest sample from zero, 0 to 32,768; 0 for an empty block."""
        return max(map(abs, array("h", pcm)), default=0)

    @staticmethod
    def alike(one: bytes, other: bytes) -> float:
        """How alike two blocks of one length are, however loud: the square of their correlation, 0 where it is < 0."""
        first, second = array("h", one), array("h", other)
        both = sum(map(operator.mul, first, second))
        if both <= 0:
            return 0.0
        return float(both / sum(map(operator.mul, first, first)) * (both / sum(map(operator.mul, second, second))))


class Audioop:
    """The arithmetic in C."""

    @staticmethod
    def mix(blocks: Sequence[bytes]) -> bytes:
        """As Plain.mix. audioop.add clips each pair: that is exact as long as no sum but the last reaches the rail."""
        total = blocks[0]
        for block in blocks[1:-1]:
            total = audioop.add(total, block, SAMPLE_BYTES)
            if audioop.max(total, SAMPLE_BYTES) >= _HIGHEST:
                return _mix_wide(blocks)
        return total if len(blocks) == 1 else audioop.add(total, blocks[-1], SAMPLE_BYTES)

    @staticmethod
    def rms(pcm: bytes) -> int:
        """As Plain.rms."""
        return audioop.rms(pcm, SAMPLE_BYTES)

    @staticmethod
    def scale(pcm: bytes, gain: float) -> bytes:
        """As Plain.scale."""
        return audioop.mul(pcm, SAMPLE_BYTES, gain)

    @staticmethod
    def peak(pcm: bytes) -> int:
        """As Plain.peak."""
        return audioop.max(pcm, SAMPLE_BYTES)

    @staticmethod
    def alike(one: bytes, other: bytes) -> float:
        """As Plain.alike. findfactor: sum of products by sum of the latter's squares; in silence not a number."""
        factor: float = audioop.findfactor(other, one)
        return float(factor * audioop.findfactor(one, other)) if factor > 0 else 0.0


def _mix_wide(blocks: Sequence[bytes]) -> bytes:
    """Sum in 32 bits, at several times the cost: lin2lin's shift by 16 is taken back first, and clips at the end."""
    wide = (audioop.mul(audioop.lin2lin(block, SAMPLE_BYTES, 4), 4, 2.0**-16) for block in blocks)
    total = reduce(lambda one, other: audioop.add(one, other, 4), wide)
    return audioop.lin2lin(audioop.mul(total, 4, 2.0**16), 4, SAMPLE_BYTES)


def _levels() -> bytes:
    """For each RMS, 0 to 32,768, a byte that is 127 more than its level in dBov."""
    lowest_rms = [math.ceil(-_LOWEST * 10 ** ((level - 0.5) / 20)) for level in range(SILENT_DBOV + 1, 1)]
    bounds = pairwise([0, *lowest_rms, 1 - _LOWEST])
    return b"".join(bytes([level]) * (end - start) for level, (start, end) in enumerate(bounds))


makers = (Plain,) if audioop is None else (Plain, Audioop)
maker = makers[-1]
mix = maker.mix
scale = maker.scale
peak = maker.peak
alike = maker.alike
# A closed microphone asks for its level 50 times a second: a place in a table costs less than a logarithm then, as it
# does less, and what code does after a sleep it does from cold caches.
_LEVELS = _levels()
_rms: Callable[[bytes, int], int] = getattr(audioop, "rms", lambda pcm, _: Plain.rms(pcm))


def level_dbov(pcm: bytes) -> int:
    """RMS level of a block: -127 (silent) to 0, the level of a full-scale square wave (dBov, RFC 6464 section 3)."""
    return _LEVELS[_rms(pcm, SAMPLE_BYTES)] + SILENT_DBOV


def rise(pcm: bytes, samples: int) -> bytes:
    """Let a block begin at nothing: its first so many samples come up to what they are along a straight line."""
    block = array("h", pcm)
    for at in range(min(samples, len(block))):
        block[at] = block[at] * at // samples
    return block.tobytes()


def fall(pcm: bytes, samples: int) -> bytes:
    """Let a block end in nothing: its first so many samples fall along a straight line, and the others are silent."""
    block = array("h", pcm)
    for at in range(len(block)):
        block[at] = block[at] * max(0, samples - at - 1) // samples
    return block.tobytes()


def slip(pcm: bytes, samples: int) -> bytes:
    """Make a block shorter (samples > 0: so many are dropped) or longer (< 0: so many are repeated).

    They lie spread evenly over the block, each where two neighbours are nearest to equal, at most 2 ms further on.
    """
    block, count = array("h", pcm), abs(samples)
    spacing = len(block) // max(1, count)
    for number in reversed(range(count)):
        start = number * spacing
        at = start + _calmest(block[start : start + min(spacing, _SLIP_WINDOW)])
        if samples > 0:
            del block[at]
        else:
            block.insert(at, block[at])
    return block.tobytes()


def _calmest(window: "array[int]") -> int:
    steps = [abs(after - before) for before, after in pairwise(window)]
    return steps.index(min(steps)) if steps else 0
