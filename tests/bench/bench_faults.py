"""Faults: every one of the table, against real processes, and what is left of the call.

    scripts/bench faults [--only ROW]... [--runs N] [--jobs N] [--resume FILE]

A hub and two devices on the virtual sound card, in network namespaces of their own; network faults at a round trip of
40 ms over real TCP with cubic, as on a Raspberry Pi (tests/badnet). Both microphones hear a sound from which every 20
ms can be dated (tests/faults/dated.py), so that the speakers' tapes tell, for the worse of both ways:

    sound_back_s         from the end of the fault until there is fresh sound that stays
    old_speech_s         played with an age over 500 ms beyond the normal latency, at any time
    longest_gap_ms       without fresh sound while the fault lasts
    unplayable_percent   of what was said while it lasts: not heard in time
    not_kept             devices that came back with another mute state, channel or uid; a muted one that was heard
    leaves_and_joins     that somebody else in the channel was told of; streams_ended_or_added likewise
    memory_growth_mb     of all processes together; who was replaced is compared with his predecessor

A figure that is infinite, or for which too little was heard, is null and outside every limit. Faults begin when all
seats are 6 s old. 20 runs of faults up to 5 s, 5 of longer ones, 20 where a row says so; the worst run counts unless
the limit names another. In every second run of most rows one device is muted: it must stay so, and nothing of it may be
heard. Rows with loss have the floor beside them: what one bare TCP connection makes of the same path at the same time,
without and with TCP_THIN_LINEAR_TIMEOUTS, and two that carry the same packets. So has the listener who is stopped:
floor_others_gap_ms is the longest gap of the same others in as long a time before he is.

Three runs at a time on the whole machine, each with networks, hub and cards of its own. One takes a fifth of a core
while it measures, and all of one for seconds when it starts and judges: with three, two cores are 30 % busy on the
average, and starts do not pile up on what others measure. A run during which the machine stood still, or never rested,
is made again. What was finished is kept in the state file, so that --resume FILE goes on after an interruption
(build/faults.jsonl is begun anew without it).
"""

import argparse
import fcntl
import json
import math
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.daemon import ROOT
from tests.faults.once import once
from tests.faults.row import Figures, Row, rows

JOBS = 3
# Where the forwarder, which has real-time priority, was later than this, the machine stood still, and where no core was
# ever idle, everybody waited for it: such a run is made again. The last one counts, whatever it was.
LOOK_EVERY_S = 0.2
LATE_MS, BUSY_PERCENT, ATTEMPTS = 5.0, 90, 3
# Benches that run at the same time, from whatever checkout, share the machine: each run takes one of these.
SLOTS = [Path(tempfile.gettempdir()) / f"intercomd-bench-faults-{number}" for number in range(JOBS)]
STATE = ROOT / "build" / "faults.jsonl"
# Shown as the worst of all runs, or as the median where there is no worst.
WORST = (
    "sound_back_s", "old_speech_s", "longest_gap_ms", "unplayable_percent", "not_kept", "leaves_and_joins",
    "streams_ended_or_added", "others_gap_ms", "memory_growth_mb", "latency_change_ms", "forwarder_late_ms",
    "machine_busy_percent",
)  # fmt: skip


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--only", action="append", metavar="ROW", choices=sorted(rows()), help="this row; repeatable")
    parser.add_argument("--runs", type=int, metavar="N", help="instead of what each row says")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help=f"at a time; default {JOBS}")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="go on with what is in this state file")


def cases(chosen: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One case per row, as soon as its last run is done."""
    table = {name: row for name, row in rows().items() if not chosen.only or name in chosen.only}
    state: Path = chosen.resume or STATE
    state.parent.mkdir(parents=True, exist_ok=True)
    done = _finished(state) if chosen.resume and state.exists() else {}
    state.write_text("".join(_line(*run, figures) for run, figures in done.items()))
    wanted = {name: range(chosen.runs or row.how_often()) for name, row in table.items()}
    missing = [(name, seed) for name, seeds in wanted.items() for seed in seeds if (name, seed) not in done]
    with ThreadPoolExecutor(chosen.jobs) as pool, state.open("a") as file:
        running = {pool.submit(_once, name, seed): (name, seed) for name, seed in missing}
        try:
            for name, seeds in wanted.items():
                for future in as_completed([future for future, run in running.items() if run[0] == name]):
                    done[running[future]] = future.result()
                    file.write(_line(*running[future], future.result()))
                    file.flush()
                yield case(table[name], [done[name, seed] for seed in seeds])
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def case(row: Row, runs: list[Figures]) -> dict[str, object]:
    """What is printed of these runs. One that came to no figures is outside every limit."""
    good = [figures for figures in runs if "failed" not in figures]
    figures: dict[str, Any] = {
        name: max(run[name] for run in good) for name in WORST if good and all(name in run for run in good)
    }
    names = sorted({name for run in good for name in run if name.startswith("floor_")})
    figures |= {name: max(run[name] for run in good) for name in names}
    kept = [(limit, limit.counted(good)) for limit in row.limits] if good else []
    figures |= {f"{limit.by}_{limit.figure}": value for limit, value in kept if limit.by != "worst"}
    figures = {name: value if math.isfinite(value) else None for name, value in figures.items()}  # null: never
    return {
        "case": row.name,
        "runs": len(runs),
        "failed": len(runs) - len(good),
        **figures,
        "limit": ", ".join(map(str, row.limits)),
        "ok": len(good) == len(runs) and all(value <= limit.most for limit, value in kept),
    }


def _once(name: str, seed: int) -> Figures:
    """One run that counts."""
    for _ in range(ATTEMPTS):
        with _slot():
            figures = once(name, seed)
        if figures.get("forwarder_late_ms", 0) <= LATE_MS and figures.get("machine_busy_percent", 0) <= BUSY_PERCENT:
            break
    return figures


@contextmanager
def _slot() -> Iterator[None]:
    """Wait until one is free; it is again when this process ends, however that is."""
    while True:
        for path in SLOTS:
            with path.open("a") as file, suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
                return
        time.sleep(LOOK_EVERY_S)


def _line(name: str, seed: int, figures: Figures) -> str:
    return json.dumps({"row": name, "seed": seed, "figures": figures}) + "\n"


def _finished(state: Path) -> dict[tuple[str, int], Figures]:
    """Runs by row and seed. The last line may be half written."""
    done = {}
    for line in state.read_text().splitlines():
        try:
            run = json.loads(line)
        except ValueError:
            continue
        done[run["row"], run["seed"]] = run["figures"]
    return done
