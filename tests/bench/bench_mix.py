"""Mixing: how long the samples of one 20 ms block take, for a few talkers and for many, for each maker.

Quiet talkers never reach the rail together; loud ones do, and then the sum needs 32 bits. The floor, measured by turns
in the same run, is what audioop's bare pairwise additions take, which clip each pair. Limit: twice that for quiet
talkers, eight times for loud ones; Python alone has none.
"""

import statistics
import time
from array import array
from collections.abc import Callable, Iterator, Sequence

from device.audio import pcm

SAMPLES = 960
TURNS, REPEATS = 15, 200
QUIET, LOUD = 1_000, 30_000
TIMES_THE_FLOOR = {"quiet": 2.0, "loud": 8.0}


def cases() -> Iterator[dict[str, object]]:
    """Makers, loudness and numbers of talkers."""
    for loudness, peak in (("quiet", QUIET), ("loud", LOUD)):
        for talkers in (2, 8, 32):
            blocks = [_buzz(peak, talker) for talker in range(talkers)]
            for maker in pcm.makers:
                yield _mix(
                    maker.__name__, maker.mix, blocks, f"{talkers} {loudness} talkers", TIMES_THE_FLOOR[loudness]
                )


def _mix(
    maker: str, mix: Callable[[Sequence[bytes]], bytes], blocks: Sequence[bytes], who: str, limit: float
) -> dict[str, object]:
    floors, times = [], []
    for _ in range(TURNS):
        floors.append(_us(_pairwise, blocks))
        times.append(_us(mix, blocks))
    floor_us, mix_us = statistics.median(floors), statistics.median(times)
    limited = maker != pcm.Plain.__name__
    return {
        "case": f"{who}, {maker}",
        "us_per_block": round(mix_us, 1),
        "cpu_ms_per_s": round(mix_us * 48_000 / SAMPLES / 1e3, 2),
        "floor_pairwise_us": round(floor_us, 1),
        "times_floor": round(mix_us / floor_us, 2),
        "limit": f"{limit:g} x floor" if limited else "none",
        "ok": not limited or mix_us <= limit * floor_us,
    }


def _pairwise(blocks: Sequence[bytes]) -> bytes:
    """The fastest there is, and wrong: each addition clips."""
    add = pcm.makers[-1].mix
    total = blocks[0]
    for block in blocks[1:]:
        total = add((total, block))
    return total


def _us(mix: Callable[[Sequence[bytes]], bytes], blocks: Sequence[bytes]) -> float:
    """CPU of one block."""
    repeats = REPEATS if mix is not pcm.Plain.mix else 2
    began_s = time.process_time()
    for _ in range(repeats):
        mix(blocks)
    return (time.process_time() - began_s) / repeats * 1e6


def _buzz(peak: int, talker: int) -> bytes:
    """A sawtooth, of another pitch for each talker."""
    period = 201 + 16 * talker
    return array("h", (n % period * 2 * peak // period - peak for n in range(SAMPLES))).tobytes()
