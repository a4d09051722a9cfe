"""One run of one row: python -m tests.faults.once ROW SEED prints its figures as one line of JSON."""

import json
import sys

from .row import rows


def main(name: str, seed: str) -> None:
    """Raises AssertionError where not even the call came about."""
    print(json.dumps(rows()[name].run(int(seed))))


if __name__ == "__main__":
    main(*sys.argv[1:])
