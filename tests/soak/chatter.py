"""How much the logs may say. PURE.

At the shipped level, that is: what begins is a WARNING, its repeats are DEBUG, its end is INFO.

A run is cut into outages, each from the beginning of a fault until all is well again, and the calm between two of them.
Nothing is said because time passes, so a line that comes again and again is too much in either: soon where it comes
every second, at the end of the run where it comes every minute.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .plan import DEVICES, HUBS, Episode

Said = Mapping[str, Sequence[str]]
"""Lines by the name of their process."""

# Of one fault, for a process that it hits: what was seen is 2 or 3 lines (the seat is lost, the hub refuses, back at
# the other one; or both ways of a card fail, and work again: 4). Room for as much again: the second hub does not answer
# either, the seat is lost once more on the way, the card fails in another way before it works.
LINES_PER_FAULT = 8
# In any outage and any calm, of itself or of others: there is one line where the call moves to the first hub again, and
# all do; the first xrun of either way of a card, when this machine is busy.
LINES_BESIDES = 3
# In the mean of a run. 2.5 were the most in 30 minutes of all kinds; a hub that is killed is 3, and 1 for the way back.
MEAN_LINES_PER_FAULT = 4
# After a fault the call moves back once, be it in the calm: in the mean of a run nothing else is said there.
MOVES_PER_FAULT = 1
# An outage that lasts may change its name: another hub that cannot be reached, another error.
LINES_PER_HOUR = 120


def hit(episode: Episode) -> Counter[str]:
    """How many of its faults hit each process: those of a hub everybody who is there, the wall clock nobody."""
    return Counter(
        name
        for fault in episode.faults
        if not fault.harmless
        for name in ((fault.target, *DEVICES) if fault.target in HUBS else (fault.target,))
    )


@dataclass
class Chatter:
    """Counts by the name of a process. hits: faults that hit it; presses: of its buttons, in the calm, a line each."""

    faults: int = 0
    outage_s: float = 0.0
    hits: Counter[str] = field(default_factory=Counter)
    presses: Counter[str] = field(default_factory=Counter)
    in_outages: Counter[str] = field(default_factory=Counter)
    in_calm: Counter[str] = field(default_factory=Counter)

    def outage(self, said: Said, episode: Episode, lasted_s: float) -> list[str]:
        """One more. Returns who said too much, one line each.

        One that nobody may notice is calm, and in it nobody has to be warned, but of what this machine does.
        """
        if episode.harmless:
            return self.calm(said, ()) + _warnings(said)
        hits = hit(episode)
        self.faults += len(episode.faults)
        self.outage_s += lasted_s
        self.hits += hits
        self.in_outages += _count(said)
        hourly = LINES_PER_HOUR * lasted_s / 3_600
        return _too_many(said, "in one outage", {name: _allowed(hits[name], hourly) for name in said})

    def calm(self, said: Said, pressed: Collection[str]) -> list[str]:
        """One more. pressed: whose button was. Returns who said too much, one line each."""
        self.presses.update(pressed)
        self.in_calm += _count(said)
        return _too_many(said, "in one calm", {name: LINES_BESIDES + (name in pressed) for name in said})

    def too_much(self) -> list[str]:
        """Who said too much in all."""
        names = sorted(self.in_outages | self.in_calm)
        return [
            f"{name}: {count[name]} lines of log {when}, expected {allowed(name)} at most"
            for count, allowed, when in (
                (self.in_outages, self.allowed_in_outages, "in all outages"),
                (self.in_calm, self.allowed_in_calm, "in all calm"),
            )
            for name in names
            if count[name] > allowed(name)
        ]

    def allowed_in_outages(self, name: str) -> int:
        """Of this process: for each fault that hits it and for each hour."""
        return LINES_BESIDES + round(MEAN_LINES_PER_FAULT * self.hits[name] + LINES_PER_HOUR * self.outage_s / 3_600)

    def allowed_in_calm(self, name: str) -> int:
        """Of this process: for each button, and for each move."""
        return LINES_BESIDES + self.presses[name] + MOVES_PER_FAULT * self.faults

    def figures(self) -> dict[str, object]:
        """For the report: [how many, how many were allowed]."""
        names = sorted(self.in_outages | self.in_calm)
        hours = max(self.outage_s, 1e-9) / 3_600
        return {
            "outage_s": round(self.outage_s, 1),
            "log_lines_in_outages": {name: [self.in_outages[name], self.allowed_in_outages(name)] for name in names},
            "log_lines_in_calm": {name: [self.in_calm[name], self.allowed_in_calm(name)] for name in names},
            "log_lines_per_hour_of_outage": {name: round(self.in_outages[name] / hours) for name in names},
        }


def _allowed(hits: int, hourly: float) -> int:
    return LINES_PER_FAULT * hits + LINES_BESIDES + round(hourly)


def _warnings(said: Said) -> list[str]:
    return [
        f"{name}: a warning where nothing is wrong: {line}"
        for name, lines in said.items()
        for line in lines
        if " WARNING " in line and "xrun" not in line
    ]


def _count(said: Said) -> Counter[str]:
    return Counter({name: len(lines) for name, lines in said.items() if lines})


def _too_many(said: Said, when: str, allowed: Mapping[str, int]) -> list[str]:
    return [
        f"{name}: {len(lines)} lines of log {when}, expected {allowed[name]} at most; the last one: {lines[-1]}"
        for name, lines in said.items()
        if len(lines) > allowed[name]
    ]
