"""The sounds the appliance makes: short, quiet, and told apart without looking. PURE.

Rising is good news, falling is bad news; one note is about the microphone, two or more about the channel. They are
mixed into what the speaker plays and never into what is sent.
"""

import math
from array import array
from collections.abc import Sequence
from enum import StrEnum
from functools import cache

RATE_HZ = 48_000
# At full volume; speech peaks some 10 dB above that.
PEAK_DBFS = -20.0
# A sine that begins or ends at once clicks.
EDGE_MS = 8


class Tone(StrEnum):
    """What is heard once; RING again and again until it stops."""

    JOINED = "joined"
    LEFT = "left"
    LINK_LOST = "link-lost"
    LINK_BACK = "link-back"
    MUTED = "muted"
    UNMUTED = "unmuted"
    RING = "ring"
    ERROR = "error"


# (Hz, ms) one after the other; 0 Hz is a pause.
NOTES: dict[Tone, Sequence[tuple[float, int]]] = {
    Tone.JOINED: ((523.25, 80), (659.26, 80), (783.99, 120)),
    Tone.LEFT: ((783.99, 80), (659.26, 80), (523.25, 120)),
    Tone.LINK_LOST: ((440.0, 100), (0, 40), (349.23, 180)),
    Tone.LINK_BACK: ((349.23, 100), (0, 40), (440.0, 180)),
    Tone.MUTED: ((392.0, 90),),
    Tone.UNMUTED: ((880.0, 90),),
    Tone.RING: (*((880.0, 50), (1_108.73, 50)) * 6, (0, 1_400)),
    Tone.ERROR: ((220.0, 120), (0, 40), (220.0, 120)),
}


def pcm(tone: Tone, volume: int = 100) -> bytes:
    """The whole tone, s16le mono at 48 kHz. volume: 0 to 100, each 10 less 3 dB quieter, 0 silent."""
    peak = 32_767 * 10 ** ((PEAK_DBFS - (100 - volume) * 0.3) / 20) if volume else 0.0
    return b"".join(_note(hertz, ms, peak) for hertz, ms in NOTES[tone])


@cache
def _note(hertz: float, ms: int, peak: float) -> bytes:
    samples, edge = ms * RATE_HZ // 1_000, EDGE_MS * RATE_HZ // 1_000
    if not hertz:
        return bytes(2 * samples)
    turn = 2 * math.pi * hertz / RATE_HZ
    return array(
        "h",
        (round(peak * min(1.0, n / edge, (samples - 1 - n) / edge) * math.sin(turn * n)) for n in range(samples)),
    ).tobytes()
