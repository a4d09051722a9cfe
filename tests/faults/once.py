"""One run of one row: python -m tests.faults.once ROW SEED [AFTER_S [CALM_S]] prints its figures as a line of JSON."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

from tests.daemon import ROOT
from tests.timing import seconds

from .row import AFTER_S, STEADY_S, Figures, rows

# Start, return, judging, end, beside what the row itself lasts; more than that is a run that hangs.
WITHIN_S = 120.0


def once(name: str, seed: int, after_s: float = AFTER_S, calm_s: float = STEADY_S) -> Figures:
    """One run in a process of its own, which nothing of the others can disturb; {"failed": why} where it has failed."""
    command = [sys.executable, "-m", "tests.faults.once", name, str(seed), str(after_s), str(calm_s)]
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


def main(name: str, seed: str, after_s: str = str(AFTER_S), calm_s: str = str(STEADY_S)) -> None:
    """Raises AssertionError, as `Row.run`.

    Ended by SIGTERM it ends what it has started, too. It judges with low priority, so as not to disturb other runs.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    row = replace(rows()[name], calm_s=float(calm_s))
    print(json.dumps(row.run(int(seed), float(after_s), then=lambda: os.nice(19))))


if __name__ == "__main__":
    main(*sys.argv[1:])
