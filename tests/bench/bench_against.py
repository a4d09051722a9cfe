"""Whether a change makes a device cheaper: another checkout of intercomd and this one, in one call at the same moment.

    git worktree add ../before HEAD~1
    scripts/bench against --other ../before

From one minute to the next a machine may be faster or slower by a third, which hides any change worth a few percent;
two devices of one call meet the same minutes. A round is two calls, with the roles changed between them. The figure is
how much CPU this one takes for each ms of the other, as geometric mean of the rounds, and how far off that may be: its
standard error, as a share of it. There is no limit.

Hub and configuration are those of this checkout. Each device receives what the other sends: whatever changes on the
wire is paid for by the other one, and is not to be measured so.
"""

import math
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from pathlib import Path

from tests import unprivileged
from tests.bench.bench_cpu import MEASURE_S, SETTLE_S, talk
from tests.call import Call
from tests.daemon import ROOT


def options(parser: ArgumentParser) -> None:
    """What it is called with."""
    parser.add_argument("--other", type=checkout, required=True, metavar="DIR", help="the other checkout")
    parser.add_argument("--rounds", type=_rounds, default=12, help="of two calls, half a minute each; 2 and more (12)")


def checkout(name: str) -> Path:
    """A folder with an intercom that a device under test can read. Without one Python would take ours, unsaid."""
    folder = Path(name).resolve()
    if not folder.is_dir():
        raise ArgumentTypeError(f"{name} is no folder")
    run = [*_in(folder), *unprivileged.drop(), sys.executable, "-c", "import device; print(device.__file__)"]
    found = subprocess.run(run, capture_output=True, text=True, check=False).stdout.strip()
    if found != str(folder / "device" / "__init__.py"):
        raise ArgumentTypeError(f"{name} holds no intercomd, or not where the user nobody can read it")
    return folder


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:
        raise ArgumentTypeError("2 and more: of one nobody knows how far off it is")
    return int(text)


def cases(chosen: Namespace) -> Iterator[dict[str, object]]:
    """The CPU of this one, over that of the other."""
    here: list[float] = []
    there: list[float] = []
    logarithms = []
    for _ in range(chosen.rounds):
        this_first, other_first = _cpu(ROOT, chosen.other), _cpu(chosen.other, ROOT)
        here += [this_first[0], other_first[1]]
        there += [this_first[1], other_first[0]]
        logarithms.append(sum(math.log(one / other) for one, other in zip(here[-2:], there[-2:], strict=True)) / 2)
    error = statistics.stdev(logarithms) / math.sqrt(len(logarithms))
    yield {
        "case": f"a device of this checkout and one of {chosen.other} in one call, {chosen.rounds} rounds",
        "cpu_ms_per_s": round(statistics.median(here), 1),
        "other_cpu_ms_per_s": round(statistics.median(there), 1),
        "times_other": round(math.exp(statistics.mean(logarithms)), 3),
        "standard_error_share": round(error, 3),
        "limit": "none",
        "ok": True,
    }


class Mixed(Call):
    """A call of two devices, each of a checkout of its own."""

    def __init__(self, *checkouts: Path) -> None:
        super().__init__(tape=talk, wired=True)
        self._checkouts = checkouts

    def prefix_of(self, number: int) -> tuple[str, ...]:
        return _in(self._checkouts[number])


def _cpu(*checkouts: Path) -> list[float]:
    """Of each, ms per second of call."""
    with Mixed(*checkouts) as call:
        daemons = [party.daemon for party in call.parties]
        time.sleep(SETTLE_S)
        began_s, cpu_s = time.monotonic(), [daemon.cpu_s() for daemon in daemons]
        time.sleep(MEASURE_S)
        took_s = time.monotonic() - began_s
        return [(daemon.cpu_s() - before_s) / took_s * 1_000 for daemon, before_s in zip(daemons, cpu_s, strict=True)]


def _in(folder: Path) -> tuple[str, ...]:
    """Begins a command that runs there."""
    return ("env", "-C", str(folder))
