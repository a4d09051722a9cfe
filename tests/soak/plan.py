"""Which faults come when, from a seed. PURE: the same seed gives the same hours.

A run is a sequence of episodes. Each has one fault, now and then a second one elsewhere at the same time, and devices
that are muted all along. Every kind comes once before one comes again.

What stays out. A disk that is full: a process would need a disk of its own, mounted before it starts; a limit on the
size of its files (RLIMIT_FSIZE) also stops the virtual card, whose tape is a file. Memory that runs out: it ends the
process that has to live. tests/test_outside.py has both. Certificates, tokens, names of hubs: this call has none.

Who lives for the whole run, so that a leak has the time to show: "near", "far" and the second hub. Killed are "other"
and the first hub.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

Range = tuple[float, float]

DEVICES = ("near", "far", "other")
# "near" is in the network of the hubs.
REMOTE = ("far", "other")
MORTAL = ("other",)
HUBS = ("hub 0", "hub 1")
FIRST_HUB = HUBS[:1]
# A day ahead, then a day back, then right: nothing may come of it.
WALL_CLOCK, EVERYBODY = "wall clock set", ("all",)
SECOND_FAULT, SECOND_AFTER_S = 0.3, (0.0, 4.0)
MUTED, MANY_MUTED = 0.25, 2  # of episodes, for each device; never all three


@dataclass(frozen=True)
class Kind:
    """takes: what of its target it needs for itself, as two faults of an episode must not disturb each other.

    lasts_s: from and to. amounts: how bad, in whatever its name says.
    """

    name: str
    targets: tuple[str, ...]
    takes: tuple[str, ...]
    lasts_s: Range
    amounts: Range = (0, 0)


KINDS = (
    Kind("black hole", REMOTE, ("network",), (1, 25)),
    Kind("loss, percent", REMOTE, ("network",), (4, 12), (1, 15)),
    Kind("rate limit, kbit/s", REMOTE, ("network",), (4, 12), (32, 200)),
    Kind("jitter, ms", REMOTE, ("network",), (4, 12), (5, 40)),
    Kind("interface down, new address", REMOTE, ("network",), (1, 20)),
    Kind("hub killed and restarted", FIRST_HUB, ("process",), (0.2, 3)),
    Kind("first hub gone for a while", FIRST_HUB, ("process",), (8, 20)),
    Kind("hub stopped", FIRST_HUB, ("process",), (0.5, 12)),
    Kind("hub restarted as planned", FIRST_HUB, ("process",), (0, 0)),
    Kind("device stopped", DEVICES, ("process",), (0.5, 12)),
    Kind("device killed and restarted", MORTAL, ("process",), (0, 3)),
    Kind("card unplugged, then another", DEVICES, ("card",), (0.5, 8)),
    Kind("card busy at boot", MORTAL, ("process", "card"), (0.5, 5)),
    Kind("card stalls", DEVICES, ("card",), (0.3, 5)),
    Kind("xruns", DEVICES, ("card",), (1, 4)),
    Kind("muted for a moment", DEVICES, ("process", "button"), (1, 6)),
    Kind("left and rejoined", DEVICES, ("process", "button"), (0.5, 6)),
    Kind(WALL_CLOCK, EVERYBODY, ("clock",), (1, 6)),
)


@dataclass(frozen=True)
class Fault:
    """begins_s: after the first moment of its episode's trouble."""

    kind: str
    target: str
    begins_s: float
    lasts_s: float
    amount: float = 0.0

    @property
    def ends_s(self) -> float:
        return self.begins_s + self.lasts_s

    @property
    def harmless(self) -> bool:
        """Whether nobody may notice."""
        return self.kind == WALL_CLOCK

    def __str__(self) -> str:
        amount = f" {self.amount:g}" if self.amount else ""
        return f"{self.kind}{amount} ({self.target}) {self.begins_s:g} to {self.ends_s:.1f} s"


@dataclass(frozen=True)
class Episode:
    """One stretch of trouble. muted: these devices, from before it until after it."""

    faults: tuple[Fault, ...]
    muted: frozenset[str] = frozenset()

    @property
    def lasts_s(self) -> float:
        return max(fault.ends_s for fault in self.faults)

    @property
    def harmless(self) -> bool:
        """Whether the call has to go on as if nothing were."""
        return all(fault.harmless for fault in self.faults)

    @property
    def name(self) -> str:
        return " + ".join(fault.kind for fault in self.faults)


def episodes(seed: int, kinds: Sequence[Kind] = KINDS) -> Iterator[Episode]:
    """Without an end."""
    random = Random(seed)
    bag: list[Kind] = []
    while True:
        bag = bag or random.sample(kinds, len(kinds))
        kind = bag.pop()
        target = random.choice(kind.targets)
        faults = [_fault(random, kind, target, 0.0)]
        if random.random() < SECOND_FAULT:
            begins_s = min(random.uniform(*SECOND_AFTER_S), faults[0].lasts_s)
            also = random.choice(kinds)
            where = random.choice(also.targets)
            if where != target or not set(also.takes) & set(kind.takes):
                faults.append(_fault(random, also, where, begins_s))
        muted = [name for name in random.sample(DEVICES, len(DEVICES)) if random.random() < MUTED][:MANY_MUTED]
        # Who is muted for a moment is not muted before.
        pressed = {fault.target for fault in faults if fault.kind == "muted for a moment"}
        yield Episode(tuple(faults), frozenset(muted) - pressed)


def _fault(random: Random, kind: Kind, target: str, begins_s: float) -> Fault:
    lasts_s, amount = random.uniform(*kind.lasts_s), random.uniform(*kind.amounts)
    return Fault(kind.name, target, round(begins_s, 2), round(lasts_s, 2), round(amount, 1))
