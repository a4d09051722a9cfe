"""What was heard in an episode, judged in a process of its own: it is hard work, and the call goes on meanwhile."""

import math
import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Self

from tests.faults import dated
from tests.soundcard.device import Samples

# What is older than half a second sounds for longer than this; each look at the whole past is expensive.
OLD_EVERY = 3
_LOW_PRIORITY = 5
# This machine breaks the call, judges it, and has other work: its own xruns are no sound that stays away, nor is one at
# the end of the recording.
LITTLE_MS = 400


@dataclass(frozen=True)
class Question:
    """One way. Times in seconds since the first sample was spoken, which is heard[0].

    calm_s: so long nothing was wrong. ended_s: the trouble was over. silent: between these times nothing that the mouth
    hears may get to the ear.
    """

    mouth: str
    ear: str
    said: Samples
    heard: Samples
    calm_s: float
    ended_s: float
    silent: tuple[tuple[float, float], ...] = ()

    @property
    def all_silent(self) -> bool:
        """Whether the mouth is muted all the time."""
        return any(begin <= 0 and end >= len(self.heard) / dated.RATE for begin, end in self.silent)


@dataclass(frozen=True)
class Answer:
    """back_s: after the end of the trouble, until there was fresh sound that stayed; infinite where it did not come.

    old_s: heard, and too old. forbidden: when each 20 ms was said that were heard and had to be silent. failed: what
    else.
    """

    mouth: str
    ear: str
    back_s: float = 0.0
    old_s: float = 0.0
    forbidden: tuple[float, ...] = ()
    failed: str = ""

    @property
    def forbidden_s(self) -> float:
        """How much was heard that had to be silent."""
        return len(self.forbidden) * dated.FRAME_MS / 1_000

    def faults(self, back_within_s: float) -> list[str]:
        """What is wrong with it, one line each."""
        way = f"{self.mouth} to {self.ear}"
        wrong = [f"{way}: {self.failed}"] if self.failed else []
        if self.back_s > back_within_s:
            late = f"after {self.back_s:.1f} s" if math.isfinite(self.back_s) else "not at all"
            wrong.append(f"{way}: sound is back {late}, expected within {back_within_s:g} s")
        if self.old_s:
            wrong.append(f"{way}: {self.old_s:.2f} s of old speech were played, expected none")
        if self.forbidden:
            heard = f"{self.forbidden_s:.2f} s were heard of who was muted or had left"
            wrong.append(f"{way}: {heard}, said from {self.forbidden[0]:.2f} s on, expected silence")
        return wrong


def answer(question: Question) -> Answer:
    """Judge one way."""
    mouth, ear = question.mouth, question.ear
    found = tuple(
        float(moment_s)
        for span in question.silent
        for moment_s in dated.said_and_heard_s(question.said, question.heard, *span)
    )
    if question.all_silent:
        return Answer(mouth, ear, forbidden=found)
    try:
        hearing = dated.listen(question.said, question.heard, question.calm_s, OLD_EVERY, faintly=True)
    except ValueError as error:
        return Answer(mouth, ear, forbidden=found, failed=str(error))
    return Answer(mouth, ear, hearing.back_s(question.ended_s, LITTLE_MS), hearing.old_s(), found)


class Ears:
    """The process. Use as `with Ears() as ears`."""

    def __enter__(self) -> Self:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _settle)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """Of all ways, in their order."""
        return list(self._pool.map(answer, questions))


def _settle() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started this
    os.nice(_LOW_PRIORITY)
