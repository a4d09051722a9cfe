"""One run of one row. python -m tests.faults.once ROW SEED [AFTER_S [CALM_S [NICE]]] prints its figures as JSON."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

from tests.daemon import ROOT
from tests.timing import seconds

from .row import AFTER_S, STEADY_S, Figures, rows

# So as not to disturb other runs, it judges with this priority.
NICE = 19
# Start, return, judging, end, beside what the row itself lasts; more than that is a run that hangs.
WITHIN_S = 120.0


def once(name: str, seed: int, after_s: float = AFTER_S, calm_s: float = STEADY_S, nice: int = NICE) -> Figures:
    """One run in a process of its own, which nothing of the others can disturb; {"failed": why} where it has failed."""
    command = [sys.executable, "-m", "tests.faults.once", name, *map(str, (seed, after_s, calm_s, nice))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            figures, why = run.communicate(timeout=seconds(WITHIN_S) + rows()[name].lasts_s(after_s))
        except subprocess.TimeoutExpired:
            run.terminate()
            figures, why = run.communicate()
    if run.returncode != 0:
        return {"failed": why[-4_000:]}
    answer: Figures = json.loads(figures)
    return answer


def main(name: str, seed: str, after_s: str = str(AFTER_S), calm_s: str = str(STEADY_S), nice: str = str(NICE)) -> None:
    """Raises AssertionError, as `Row.run`. Ended by SIGTERM it ends what it has started, too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    row = replace(rows()[name], calm_s=float(calm_s))
    print(json.dumps(row.run(int(seed), float(after_s), then=lambda: os.nice(int(nice)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
