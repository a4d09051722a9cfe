"""Beside the CPU bench: a device that keeps no books, to see what all of them cost together.

    python -m tests.bench.stripped run --config FILE

The same program with the same threads, packets and wake-ups. Left out is whatever can be in a call that goes well: how
loud anything is, what arrivals teach, drift and time stretching, the limiter, whether a card stood still, how much
reserve it needs, loss reports, what timestamps are worth; and lights are looked at once a second. Nobody would want it:
it is here to show what is left between it and the limit.
"""

import sys
from typing import Any

from device import lookout
from device.audio import pcm
from device.audio.arrivals import Arrivals
from device.audio.capture_clock import CaptureClock
from device.audio.drift import Drift
from device.audio.limiter import Limiter
from device.audio.loudness import Loudness
from device.audio.reserve import Reserve
from device.audio.stretch import Stretch
from device.channel.gauges import Gauges
from device.channel.timestamps import Timestamps
from device.cli import main

SPEECH_DBOV = -26


def strip() -> None:
    """Leave it all out, in this process."""
    lookout.OFTEN_S = lookout.SELDOM_S
    _instead(pcm, level_dbov=lambda _: SPEECH_DBOV)
    _instead(Loudness, hear=_nothing, step=lambda *_: 1.0)
    _instead(Stretch, fit=lambda _, block, *__, **___: block)
    _instead(Drift, correct=lambda *_, **__: 0, interrupt=_nothing)
    _instead(Arrivals, add=_nothing, add_again=_nothing)
    _instead(CaptureClock, number=_count)
    _instead(Reserve, tick=lambda *_: 0, asks=lambda _, __, ___, since_frames: since_frames)
    _instead(Limiter, mix=lambda _, sounds: pcm.mix([block for block, _ in sounds]), rest=_nothing)
    _instead(Gauges, heard=_nothing, said=_nothing)
    _instead(Timestamps, note=lambda *_: "")


def _instead(of: object, **functions: object) -> None:
    for name, function in functions.items():
        assert hasattr(of, name), f"{of} has no {name} any more"
        setattr(of, name, function)


def _nothing(*_: object, **__: object) -> None: ...


def _count(clock: Any, frames: int, _: int) -> int:
    first: int = clock._frame
    clock._frame += frames
    return first


if __name__ == "__main__":
    strip()
    sys.exit(main())
