"""One run of one row: python -m tests.faults.once ROW SEED [AFTER_S] prints its figures as one line of JSON."""

import json
import os
import sys

from .row import AFTER_S, rows


def main(name: str, seed: str, after_s: str = str(AFTER_S)) -> None:
    """Raises AssertionError, as `Row.run`. What other runs measure is not disturbed by the judging."""
    print(json.dumps(rows()[name].run(int(seed), float(after_s), then=lambda: os.nice(19))))


if __name__ == "__main__":
    main(*sys.argv[1:])
