"""Speech over bad networks: PESQ, STOI, gaps and delay of what a speaker sounded, on real processes and real TCP.

    scripts/bench speech [--seeds N] [--only PATH]... [--report FILE]

As root, as each run has network namespaces of its own. Eight sentences of eight voices; medians over the seeds, of the
gap the p95. `delay_ms` is from mouth to ear, of the latest sentence. --report writes a page with plots.
"""

import argparse
import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path as File

from tests.speech import report
from tests.speech.heard import Run, run
from tests.speech.path import PATHS, Limits

SEEDS = 5


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help=f"runs of each path; default {SEEDS}")
    parser.add_argument("--only", action="append", choices=[path.name for path in PATHS], metavar="PATH")
    parser.add_argument("--report", type=File, metavar="FILE", help="an HTML page with plots")


def cases(chosen: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One for each path; the clean one is always run, as others are compared with it."""
    clean: list[Run] = []
    told, first = [], {}
    for path in PATHS:
        if chosen.only and path.name not in chosen.only and path is not PATHS[0]:
            continue
        runs = [run(path, seed) for seed in range(1, chosen.seeds + 1)]
        clean = clean or runs
        first[path.name] = runs[0]
        told.append(case(path.name, path.limits, runs, clean))
        yield told[-1]
    if chosen.report:
        report.write(chosen.report, told, first)


def case(name: str, limits: Limits, runs: Sequence[Run], clean: Sequence[Run]) -> dict[str, object]:
    """What is printed of them."""
    pesq, stoi = (statistics.median(getattr(one, figure) for one in runs) for figure in ("pesq", "stoi"))
    delay_ms = statistics.median(one.delay_ms for one in runs)
    gap_ms = sorted(one.longest_gap_ms for one in runs)[math.ceil(0.95 * len(runs)) - 1]
    clean_pesq = statistics.median(one.pesq for one in clean)
    clean_ms = statistics.median(one.delay_ms for one in clean)
    return {
        "case": name, "runs": len(runs), "pesq_wb": round(pesq, 2), "stoi": round(stoi, 3),
        "longest_gap_ms": round(gap_ms), "delay_ms": round(delay_ms, 1), "limit": str(limits),
        "ok": pesq >= max(limits.pesq, clean_pesq - limits.pesq_below_clean) and stoi >= limits.stoi
        and gap_ms <= limits.longest_gap_ms and delay_ms <= min(limits.delay_ms, clean_ms + limits.delay_over_clean_ms),
    }  # fmt: skip
