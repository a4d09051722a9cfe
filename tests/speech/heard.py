"""One run: somebody speaks over a path, and what another one's speaker sounded of it is judged."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from tests.faults.floors import measure
from tests.faults.scene import Scene, at
from tests.soundcard import quality
from tests.soundcard.device import Device, Samples
from tests.soundcard.quality import Heard
from tests.soundcard.speech import RATE, Speech, speech

from .path import Link, Path

SENTENCES = 8
# Before the first word, in which the buffers settle; after the last one, for what comes late.
CALM_S, AFTER_S = 2.0, 1.5
LOOK_EVERY_S = 0.2
FAR, NEAR = "far", "near"


@dataclass(frozen=True)
class Moment:
    """What the listener's status told: at_s since the first word; delay and buffer in ms."""

    at_s: float
    delay_ms: float
    buffer_ms: float


@dataclass(frozen=True)
class Run:
    """sounded: from the moment on at which `said` began. floor: what bare TCP made of the same path meanwhile."""

    said: Speech
    sounded: Samples
    heard: Sequence[Heard]
    moments: Sequence[Moment] = field(repr=False)
    floor: Mapping[str, float] = field(default_factory=dict)

    @property
    def pesq(self) -> float:
        """Median of the sentences."""
        return statistics.median(one.pesq for one in self.heard)

    @property
    def stoi(self) -> float:
        """Median of the sentences."""
        return statistics.median(one.stoi for one in self.heard)

    @property
    def longest_gap_ms(self) -> float:
        """Of all sentences."""
        return max((gap.length_ms for one in self.heard for gap in one.gaps), default=0.0)

    @property
    def delay_ms(self) -> float:
        """From mouth to ear: of the latest sentence; infinite where nothing was heard of one."""
        return max(math.inf if math.isnan(one.offset_ms) else one.offset_ms for one in self.heard)


def run(path: Path, seed: int) -> Run:
    """Speak once. Raises AssertionError where there is no call."""
    with Scene((NEAR, FAR), seed=seed) as scene:
        mouth, ear = scene[FAR], scene[NEAR]
        path.begin(scene.net[FAR])
        for method, state in (("leave", "left"), ("rejoin", "in-call")):  # the kernel shall know no other way than this
            mouth.daemon.ask(method)
            mouth.daemon.until_state(state)

        def look(at_s: float) -> list[Moment]:
            return [
                Moment(at_s, talker["latency_ms"] or math.nan, talker["buffer_ms"])
                for talker in ear.daemon.ask("status")["talkers"]
            ]

        said = speech(SENTENCES, seed=seed)
        with ThreadPoolExecutor(1) as beside:
            floor = beside.submit(measure, scene.net, CALM_S + len(said.samples) / RATE) if path.loses else None
            heard = speak(said, path, scene.net[FAR], mouth.mic, ear.spk, look)
            return replace(heard, floor=floor.result()) if floor else heard


def speak(
    said: Speech, path: Path, link: Link, mic: Device, spk: Device, look: Callable[[float], Sequence[Moment]]
) -> Run:
    """Speak into a microphone behind this link, and judge what the speaker sounded; the two are in a call.

    look: what the listener tells meanwhile, asked for with the seconds since the first word.
    """
    path.begin(link)
    begin_s = time.monotonic() + CALM_S
    first = round(mic.frame(round(begin_s * 1e9)))
    mic.put(said.samples, first)
    moments: list[Moment] = []
    changes, end_s = list(path.changes), begin_s + len(said.samples) / RATE + AFTER_S
    while (now_s := time.monotonic()) < end_s:
        if changes and now_s >= begin_s + changes[0].at_s:
            changes.pop(0).make(link)
        moments += look(now_s - begin_s)
        at(now_s + LOOK_EVERY_S)
    heard = quality.judge(mic, spk, first, said, max_offset_ms=1_000)
    begin = round(spk.frame(mic.time_ns(first)))
    return Run(said, spk.got(begin, begin + len(said.samples) + RATE), heard, moments)
