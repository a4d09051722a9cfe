"""The codec: what Opus's application, bitrate, complexity, bandwidth and frame length do to CPU, delay and quality.

Ten spoken sentences with the pauses between them (espeak-ng), encoded and decoded in memory. CPU is that of encoding
and decoding one second of call, the best of three turns, each beside the floor (voip, full bandwidth, 24 kbit/s,
complexity 5, 20 ms) in the same run. Delay is the frame and Opus's look-ahead. PESQ-WB is the median over the
sentences; it hears up to 8 kHz and no further, and synthetic voices are good for comparing only.

The first case is what is shipped. Its limits: PESQ 3.7, and no more CPU than the floor.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np

from device import config
from device.audio import opus
from tests.soundcard import quality, speech
from tests.soundcard.device import Samples

RATE = 48_000
TURNS = 3
MARGIN = RATE // 10  # how much later than said a sentence may be found
PESQ, TIMES_THE_FLOOR = 3.7, 1.0


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    frame_ms: int = 20
    bitrate: int = 24_000
    complexity: int = 5
    application: str = "voip"
    bandwidth: str = "wide"

    def __str__(self) -> str:
        return (
            f"{self.application}, {self.bandwidth}, {self.bitrate / 1e3:g} kbit/s, complexity {self.complexity}, "
            f"{self.frame_ms} ms"
        )


FLOOR = Setting(bandwidth="full")
ROWS = (
    *(Setting(bitrate=bitrate) for bitrate in (16_000, 24_000, 28_000, 32_000)),
    *(Setting(bitrate=28_000, complexity=complexity) for complexity in (0, 6, 10)),
    *(Setting(bitrate=bitrate, bandwidth="full") for bitrate in (16_000, 24_000, 28_000, 32_000)),
    *(Setting(bitrate=28_000, complexity=complexity, bandwidth="full") for complexity in (0, 6, 10)),
    *(Setting(20, 28_000, complexity, "audio", "full") for complexity in (0, 5, 10)),
    *(Setting(20, 28_000, complexity, "lowdelay", "full") for complexity in (0, 5, 10)),
    *(Setting(10, bitrate) for bitrate in (24_000, 28_000, 32_000)),
    *(Setting(10, 28_000, complexity, "lowdelay", "full") for complexity in (0, 5)),
)


def cases() -> Iterator[dict[str, object]]:
    """What is shipped first, then the table."""
    said = speech.speech()
    shipped = config.load(config.DEFAULTS, needs_app_id=False).audio
    default = Setting(shipped.frame_ms, shipped.bitrate, shipped.complexity)
    yield _case(said, default, is_default=True)
    for row in ROWS:
        yield _case(said, row, is_default=False)


def _case(said: speech.Speech, setting: Setting, is_default: bool) -> dict[str, object]:
    turns = [(_run(said, FLOOR), _run(said, setting)) for _ in range(TURNS)]
    floor_s, cpu_s = (min(turn[one].cpu_s for turn in turns) for one in (0, 1))
    run = turns[0][1]
    seconds = len(said.samples) / RATE
    judged = []
    for one in said.sentences:
        spoken, late = said.samples[one.first_frame : one.end_frame], one.end_frame + MARGIN
        judged.append(quality.compare(one.text, spoken, run.heard[one.first_frame : late]))
    pesq = statistics.median(one.pesq for one in judged)
    return {
        "case": f"{'shipped: ' if is_default else ''}{setting}",
        "pesq_wb": round(pesq, 2),
        "pesq_wb_worst": round(min(one.pesq for one in judged), 2),
        "stoi": round(statistics.median(one.stoi for one in judged), 3),
        "sent_kbit_per_s": round(run.sent * 8 / seconds / 1e3, 1),
        "delay_ms": run.delay_ms,
        "cpu_ms_per_s": round(cpu_s / seconds * 1e3, 2),
        "times_floor": round(cpu_s / floor_s, 2),
        "limit": f"PESQ {PESQ}, {TIMES_THE_FLOOR:g} x floor" if is_default else "none",
        "ok": not is_default or (pesq >= PESQ and cpu_s <= TIMES_THE_FLOOR * floor_s),
    }


class Run(NamedTuple):
    """The sentences once through the codec. sent: bytes."""

    cpu_s: float
    sent: int
    heard: Samples
    delay_ms: float


def _run(said: speech.Speech, setting: Setting) -> Run:
    encoder, decoder = opus.Encoder(*astuple(setting)), opus.Decoder()
    sound, size = said.samples.tobytes(), 2 * encoder.frame_samples
    frames = [sound[at : at + size] for at in range(0, len(sound) - size + 1, size)]
    began_s = time.process_time()
    payloads = [encoder.encode(frame) for frame in frames]
    heard = b"".join([decoder.decode(payload) for payload in payloads])
    cpu_s = time.process_time() - began_s
    delay_ms = setting.frame_ms + encoder.lookahead * 1e3 / RATE
    return Run(cpu_s, sum(map(len, payloads)), np.frombuffer(heard + bytes(4 * MARGIN), np.int16), delay_ms)
