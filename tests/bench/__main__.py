"""scripts/bench: runs `cases()` of tests/bench/bench_NAME.py and prints one JSON line for each case.

A case is a dict with `case`, figures with their units in their names, `limit` and `ok`. A bench that takes options has
`options(parser)`, which adds them, and gets the result: `cases(chosen)`. They follow the name of the one bench.
"""

import argparse
import importlib
import itertools
import json
import sys
import time
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


def main(arguments: Sequence[str]) -> int:
    """Exit code 0, 1 when a case is outside its limit, 2 for a name or an option that does not exist."""
    wanted = list(itertools.takewhile(lambda argument: not argument.startswith("-"), arguments))
    if not wanted:
        for name in names():
            print(f"{name:<14} {(bench(name).__doc__ or '').splitlines()[0]}")
        return 0
    if unknown := set(wanted) - set(names()):
        print(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(names())}", file=sys.stderr)
        return 2
    try:
        chosen = _chosen(wanted, arguments[len(wanted) :])
    except SystemExit as end:  # argparse has said why
        return int(end.code or 0)
    good = True
    for name in wanted:
        begin = time.monotonic()
        for case in bench(name).cases(*chosen[name]):
            print(json.dumps(case), flush=True)
            good = good and case["ok"]
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return 0 if good else 1


def _chosen(names: Sequence[str], options: Sequence[str]) -> dict[str, list[argparse.Namespace]]:
    """What `cases` of each bench gets. Raises SystemExit for wrong options, and after help was printed."""
    chosen: dict[str, list[argparse.Namespace]] = {}
    helps = not {"-h", "--help"}.isdisjoint(options)
    taken = any(hasattr(bench(name), "options") for name in names)  # those that have options get them all
    for name in names:
        module = bench(name)
        parser = argparse.ArgumentParser(
            f"scripts/bench {name}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        has_options = hasattr(module, "options")
        if has_options:
            module.options(parser)
        if helps:
            parser.print_help()
            continue
        parsed = parser.parse_args([] if taken and not has_options else options)
        chosen[name] = [parsed] if has_options else []
    if helps:
        raise SystemExit(0)
    return chosen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
