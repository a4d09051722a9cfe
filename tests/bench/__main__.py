"""scripts/bench: runs `cases()` of tests/bench/bench_NAME.py and prints one JSON line for each case.

A case is a dict with `case`, figures with their units in their names, `limit` and `ok`.
"""

import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType


def names() -> list[str]:
    """What there is to measure; bench_mouth_to_ear.py is called mouth-to-ear."""
    return sorted(
        path.stem.removeprefix("bench_").replace("_", "-") for path in Path(__file__).parent.glob("bench_*.py")
    )


def bench(name: str) -> ModuleType:
    return importlib.import_module(f"tests.bench.bench_{name.replace('-', '_')}")


def main(wanted: Sequence[str]) -> int:
    """Exit code 0, 1 when a case is outside its limit, 2 for a name that does not exist."""
    if not wanted or "--help" in wanted:
        for name in names():
            print(f"{name:<14} {(bench(name).__doc__ or '').splitlines()[0]}")
        return 0
    if unknown := set(wanted) - set(names()):
        print(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    good = True
    for name in wanted:
        for case in bench(name).cases():
            print(json.dumps(case), flush=True)
            good = good and case["ok"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
