"""Speech over bad networks: PESQ, STOI, gaps and delay of what a speaker sounded, on real processes and real TCP.

    scripts/bench speech [--seeds N] [--only PATH]... [--ours] [--report FILE]

As root, as each run has network namespaces of its own. Eight sentences of eight voices; medians over the seeds, of the
gap the p95. `delay_ms` is from mouth to ear, of the latest sentence. Where packets are lost the floor stands beside, at
the median: what bare TCP makes of the same path meanwhile, plain, with TCP_THIN_LINEAR_TIMEOUTS, and two connections
that carry the same (tests/faults/floors.py). --report writes a page with plots.

The first cases are simulated in virtual time: networks that lose packets, which TCP does not, and one that delays them
(tests/speech/datagrams.py). `speech_kbit` is what was sent of each second in which somebody spoke, without headers.

Where baresip is installed (Debian: baresip-core) it speaks over the same paths: a direct SIP call, RTP over UDP.
"""

import argparse
import math
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Self

from tests.soundcard.speech import speech
from tests.speech import baresip, datagrams, report
from tests.speech.datagrams import SIMULATED, Simulated
from tests.speech.heard import SENTENCES, Run, run
from tests.speech.path import PATHS, Limits

SEEDS = 5


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"runs of each path; default {SEEDS}")
    names = [one.name for one in (*PATHS, *SIMULATED)]
    parser.add_argument(
        "--only", action="append", choices=names, metavar="PATH", help=", ".join(names).replace("%", "%%")
    )
    parser.add_argument("--ours", action="store_true", help="without baresip, in half the time")
    parser.add_argument("--report", type=File, metavar="FILE", help="an HTML page with plots")


def cases(chosen: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One for each path; the clean one is always run, as others are compared with it."""
    clean: list[Run] = []
    told, first = [], {}
    for one in SIMULATED:
        if not chosen.only or one.name in chosen.only:
            told.append(simulated(one, chosen.seeds))
            yield told[-1]
    wanted = [path for path in PATHS if not chosen.only or path.name in chosen.only]
    peer = baresip.program() if wanted and not chosen.ours else None
    if wanted and peer is None and not chosen.ours:
        print("baresip is not installed: nothing to compare with", file=sys.stderr)
    for path in [PATHS[0], *(one for one in wanted if one is not PATHS[0])] if wanted else []:
        runs = [run(path, seed) for seed in range(1, chosen.seeds + 1)]
        clean = clean or runs
        first[path.name] = runs[0]
        told.append(case(path.name, path.limits, runs, clean))
        yield told[-1]
        if peer is not None:
            runs = [baresip.run(peer, path, seed) for seed in range(1, chosen.seeds + 1)]
            name = f"{baresip.name(peer)}, {path.name}"
            first[name] = runs[0]
            told.append(peer_case(name, runs))
            yield told[-1]
    if chosen.report:
        report.write(chosen.report, told, first)


def case(name: str, limits: Limits, runs: Sequence[Run], clean: Sequence[Run]) -> dict[str, object]:
    """What is printed of them."""
    one, undisturbed = Figures.of(runs), Figures.of(clean)
    return {
        **one.told(name), **floor(runs), "limit": str(limits),
        "ok": one.pesq >= max(limits.pesq, undisturbed.pesq - limits.pesq_below_clean) and one.stoi >= limits.stoi
        and one.gap_ms <= limits.longest_gap_ms
        and one.delay_ms <= min(limits.delay_ms, undisturbed.delay_ms + limits.delay_over_clean_ms),
    }  # fmt: skip


def floor(runs: Sequence[Run]) -> dict[str, float]:
    """What bare TCP made of the same path, at the median; nothing where nothing was lost."""
    return {name: statistics.median(one.floor[name] for one in runs) for name in runs[0].floor}


def peer_case(name: str, runs: Sequence[Run]) -> dict[str, object]:
    """What is printed of another program's."""
    return {**Figures.of(runs).told(name), "limit": "none: a peer", "ok": True}


@dataclass(frozen=True)
class Figures:
    """Of some runs over one path: medians; of the longest gap the p95."""

    runs: int
    pesq: float
    stoi: float
    gap_ms: float
    delay_ms: float

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Self:
        """Those of these runs."""
        pesq, stoi, delay_ms = (
            statistics.median(getattr(one, figure) for one in runs) for figure in ("pesq", "stoi", "delay_ms")
        )
        gap_ms = sorted(one.longest_gap_ms for one in runs)[math.ceil(0.95 * len(runs)) - 1]
        return cls(len(runs), pesq, stoi, gap_ms, delay_ms)

    def told(self, name: str) -> dict[str, object]:
        """In a line of the bench."""
        return {
            "case": name, "runs": self.runs, "pesq_wb": round(self.pesq, 2), "stoi": round(self.stoi, 3),
            "longest_gap_ms": round(self.gap_ms), "delay_ms": round(self.delay_ms, 1),
        }  # fmt: skip


def simulated(case: Simulated, seeds: int) -> dict[str, object]:
    """What is printed of a simulated one."""
    said = speech(SENTENCES)
    runs = [datagrams.run(said, case.weather, seed, case.fixed) for seed in range(1, seeds + 1)]
    pesq, stoi = (
        statistics.median(statistics.median(getattr(one, figure) for one in run.heard) for run in runs)
        for figure in ("pesq", "stoi")
    )
    kbit = statistics.median(run.speech_kbit for run in runs)
    gaps = [gap.length_ms for run in runs for one in run.heard for gap in one.gaps]
    return {
        "case": case.name, "runs": len(runs), "pesq_wb": round(pesq, 2), "stoi": round(stoi, 3),
        "longest_gap_ms": round(max(gaps, default=0)),
        "delay_ms": round(max(one.offset_ms for run in runs for one in run.heard), 1),
        "speech_kbit": round(kbit, 1), "limit": case.limit,
        "ok": pesq >= case.pesq and stoi >= case.stoi and kbit <= case.speech_kbit,
    }  # fmt: skip
