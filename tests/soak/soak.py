"""The run: one episode after the other, and what has to be true after each, and at the end."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import permutations
from typing import Any, Self

from tests.faults.scene import CALM_S, Scene, at
from tests.timing import seconds

from . import chatter, leaks, plan
from .chatter import Chatter
from .ears import Answer, Ears, Question
from .logbook import Logbook
from .plan import DEVICES, Episode, Fault, Kind
from .scales import Scales
from .timeline import Step, steps

ONE_WAY_MS = 20.0
# All that an episode can last: CALM_S, two faults, the way back, and the calm after it.
SPOKEN_S = 75.0
# Far more than any single row of the table allows: faults come in twos, the machine is busy with judging, and of two
# hubs everybody has to be at the same one again, which takes a look (every 5 s, device/channel/moving.py).
BACK_WITHIN_S, AFTER_S = 10.0, 3.0
# And so much later, not sooner than the jitter buffers have noticed that nobody needs their depth any more, what is
# said is heard as soon as in a conversation.
PROMPT_WITHIN_S, PROMPT_MS, AUDIBLE_DBFS = 15.0, 300.0, -60
# The shipped bitrate; after a path was full it comes back in steps, with pauses that grow where one was too early.
BITRATE, DENSE_WITHIN_S = 28_000, 120.0
# A button is answered when it is done; what was said until then may be on its way.
PRESS_S = 0.05
WEIGH_EVERY_S = 60.0
# For who looks into a failure.
SAY_ALL = ("--log-level", "debug")

Report = dict[str, Any]


class Failure(Exception):
    """Something is not as it has to be; one line each."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)


class Soak:
    """Use as `with Soak(...) as soak: soak.run()`; `report` is what there is to say at any time.

    tell: gets a line for each episode, while it runs.
    """

    def __init__(self, minutes: float, seed: int, kinds: Sequence[Kind], tell: Callable[[str], None]) -> None:
        self._minutes, self._seed, self._kinds, self._tell = minutes, seed, kinds, tell
        self._history: list[dict[str, Any]] = []
        self._begun, self._back_s = Counter[str](), dict[str, float]()
        self._began_s = time.monotonic()
        self._ears, self._scene = Ears(), Scene(DEVICES, hubs=2, seed=seed, wall_clock=True, arguments=SAY_ALL)
        self._scales = Scales(self._scene, short=minutes * 60 < leaks.SHORT_RUN_S)
        self._logbook, self._chatter = Logbook(), Chatter()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._ears)
            stack.callback(self._know)  # also those that have not come far
            stack.enter_context(self._scene)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(self) -> None:
        """Raises Failure, and AssertionError where a process does not do what it is told."""
        self._began_s = time.monotonic()
        self._know()
        for name in plan.REMOTE:
            self._scene.net[name].set(delay_ms=ONE_WAY_MS)
        self._places = {name: self._scene[name].place()[1:] for name in DEVICES}
        self._logbook.news()  # of how it began
        weigh_at_s = self._now()
        for episode in plan.episodes(self._seed, self._kinds):
            if self._now() >= self._minutes * 60:
                break
            self._live_through(episode)
            if self._now() >= weigh_at_s:
                self._weigh()
                weigh_at_s = self._now() + WEIGH_EVERY_S
        self._weigh()
        _expect_none(self._chatter.calm(self._logbook.news(), ()))
        _expect_none(self._scales.left_over() + self._chatter.too_much())

    def report(self, wrong: Sequence[str] = ()) -> Report:
        """Everything that was measured; and where something is wrong, what led to it."""
        ok: Report = {
            "case": "soak", "minutes": round(self._now() / 60, 1), "seed": self._seed, "episodes": len(self._history),
            "faults": dict(sorted(self._begun.items())),
            "worst_back_s": dict(sorted(self._back_s.items())),
            "processes": self._scales.figures(),
            **self._chatter.figures(),
            "limit": f"back within {BACK_WITHIN_S:g} s to the same mute, channel and uid; old or forbidden speech 0; "
            f"memory +{leaks.GROWTH:.0%}; threads, descriptors, children +0; log lines of each process <= "
            f"{chatter.LINES_PER_FAULT} for each fault that hits it, {chatter.MEAN_LINES_PER_FAULT} in the mean, and "
            f"{chatter.LINES_PER_HOUR} an hour of outage, {chatter.LINES_BESIDES} besides; as many in a calm, "
            f"{chatter.MOVES_PER_FAULT} a fault in the mean",
            "ok": not wrong,
        }  # fmt: skip
        return ok if not wrong else {**ok, "wrong": wrong, "history": self._history, "logs": self._logbook.ends()}

    def _now(self) -> float:
        return time.monotonic() - self._began_s

    # One episode

    def _live_through(self, episode: Episode) -> None:
        entry = {
            "at_s": round(self._now(), 1),
            "faults": list(map(str, episode.faults)),
            "muted": sorted(episode.muted),
        }
        self._history.append(entry)
        pressed = [name for name in DEVICES if self._muted(name) != (name in episode.muted)]
        for name in pressed:
            self._scene[name].daemon.ask("mute" if name in episode.muted else "unmute")
        at(time.monotonic() + PRESS_S)
        spoken_s = self._scene.speak(SPOKEN_S)
        at(spoken_s + CALM_S)
        _expect_none(self._chatter.calm(self._logbook.news(), pressed))
        began_s = time.monotonic()
        done = self._do(steps(self._scene, episode))
        ended_s = max(ended for _, _, ended in done)
        self._know()
        for fault in episode.faults:
            if fault.kind == "left and rejoined":  # it gave its seat up, and gets another, with another uid
                self._scene[fault.target].daemon.until_state("in-call", BACK_WITHIN_S)
                self._places[fault.target] = self._scene[fault.target].place()[1:]
        self._until_well(episode.muted, ended_s)
        at(time.monotonic() + AFTER_S)
        self._until_well(episode.muted, ended_s)  # all may have met at the second hub, and be moving to the first
        self._until_prompt(ended_s)
        wrong = self._chatter.outage(self._logbook.news(), episode, time.monotonic() - began_s)
        self._begun.update(fault.kind for fault in episode.faults)
        trouble_s, within_s = (began_s, 0.0) if episode.harmless else (ended_s, BACK_WITHIN_S)
        answers = self._listen(spoken_s, trouble_s, silences(done))
        entry["back_s"] = back_s = round(max(answer.back_s for answer in answers), 2)
        wrong += [line for answer in answers for line in answer.faults(within_s)] + self._logbook.tracebacks()
        self._tell(f"{entry['at_s']:7.1f} s  {'; '.join(map(str, episode.faults))}: back after {back_s:.2f} s")
        _expect_none(wrong)
        self._until_dense(ended_s)
        self._back_s[episode.name] = max(back_s, self._back_s.get(episode.name, 0.0))

    def _do(self, todo: Sequence[Step]) -> list[tuple[Fault, float, float]]:
        """(fault, begin, end) of each step, by time.monotonic()."""
        began_s, done = time.monotonic(), []
        for step in todo:
            at(began_s + step.at_s)
            step_s = time.monotonic()
            step.act()
            done.append((step.fault, step_s, time.monotonic()))
        return done

    def _until_well(self, muted: frozenset[str], since_s: float) -> None:
        """Wait until everything is as it was. Raises Failure."""
        while self._wrong(muted):
            if time.monotonic() > since_s + seconds(BACK_WITHIN_S):
                _expect_none(self._wrong(muted))
            at(time.monotonic() + 0.05)

    def _until_prompt(self, since_s: float) -> None:
        """Wait until nobody is heard late any more. Raises Failure."""
        while wrong := self._late():
            if time.monotonic() > since_s + seconds(PROMPT_WITHIN_S):
                raise Failure(wrong)
            at(time.monotonic() + 0.05)

    def _until_dense(self, since_s: float) -> None:
        """Wait until everybody sends as many bits as he wants, as on a path with room. Raises Failure."""
        while few := self._sparse():
            if time.monotonic() > since_s + seconds(DENSE_WITHIN_S):
                raise Failure(few)
            at(time.monotonic() + 0.2)

    def _sparse(self) -> list[str]:
        """Who sends fewer bits than he wants."""
        links = {name: self._scene[name].daemon.ask("status")["link"] for name in DEVICES}
        return [
            f"{name}: sends {link['bitrate']} bit/s in packets of {link['packet_ms']} ms"
            for name, link in links.items()
            if link["bitrate"] < BITRATE
        ]

    def _late(self) -> list[str]:
        """Who hears whom too late, of those that talk."""
        return [
            f"{name}: hears {talker['label']} {talker['latency_ms']:.0f} ms late, expected {PROMPT_MS:g} at most"
            for name in DEVICES
            for talker in self._scene[name].daemon.ask("status")["talkers"]
            if talker["level_dbfs"] > AUDIBLE_DBFS and talker["latency_ms"] > PROMPT_MS
        ]

    def _muted(self, name: str) -> bool:
        muted: bool = self._scene[name].daemon.ask("status")["muted"]
        return muted

    def _know(self) -> None:
        """Processes that are new since the last time."""
        self._logbook.know(self._scales.daemons)
        self._scales.know()

    def _weigh(self) -> None:
        self._know()
        self._scales.weigh()

    def _wrong(self, muted: frozenset[str]) -> list[str]:
        """What is not as it was, or as it was told to be."""
        wrong, hubs = [], {}
        for name in DEVICES:
            try:
                status = self._scene[name].daemon.ask("status")
            except (FileNotFoundError, ConnectionRefusedError):  # it is about to start
                wrong.append(f"{name}: no answer, expected in the call")
                continue
            place = status["state"], status["muted"], status["channel"], status["uid"]
            expected = "in-call", name in muted, *self._places[name]
            if place != expected:
                wrong.append(f"{name}: is {place}, expected {expected}")
            hubs[name] = status["hub"]
        if not wrong and len(set(hubs.values())) > 1:
            wrong.append(f"expected all at one hub: {hubs}")
        return wrong

    def _listen(self, spoken_s: float, ended_s: float, silences: dict[str, list[tuple[float, float]]]) -> list[Answer]:
        until_s = time.monotonic()
        heard = {name: self._scene.heard(name, until_s) for name in DEVICES}
        questions = []
        for mouth, ear in permutations(DEVICES, 2):
            party = self._scene[mouth]
            assert party.said is not None
            silent = tuple((begin - spoken_s, end - spoken_s) for begin, end in silences.get(mouth, []))
            if self._muted(mouth):
                silent = ((0.0, until_s),)
            said = party.said[: len(heard[ear])]
            questions.append(Question(mouth, ear, said, heard[ear], CALM_S, ended_s - spoken_s, silent))
        return self._ears.answers(questions)


def _expect_none(wrong: Sequence[str]) -> None:
    if wrong:
        raise Failure(wrong)


def silences(done: Sequence[tuple[Fault, float, float]]) -> dict[str, list[tuple[float, float]]]:
    """Between which times nothing may be heard of whom: from when a button was answered until it was pressed again.

    done: each press, when it began and when it was answered, in order; those of two devices may overlap.
    """
    found = dict[str, list[tuple[float, float]]]()
    kinds = "muted for a moment", "left and rejoined"
    for fault in dict.fromkeys(fault for fault, _, _ in done if fault.kind in kinds):
        (_, _, begin), (_, end, _) = [press for press in done if press[0] is fault]
        found.setdefault(fault.target, []).append((begin + PRESS_S, end - PRESS_S))
    return found
