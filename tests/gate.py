"""The coverage gate of scripts/test: pure files to the last branch, the whole house to nine tenths."""

import io
import sys

import coverage

from tests.test_layers import PURE

OVERALL_PERCENT = 90.0


def main() -> int:
    """Reads the combined data, prints what is not covered and the verdict; 1 where it is not enough."""
    data = coverage.Coverage()
    data.load()
    overall = data.report()
    pure = {file: data.report(include=[f"device/{file}"], file=io.StringIO()) for file in PURE}
    mistakes = verdicts(overall, pure)
    print("\n".join(mistakes) or f"coverage is good: {overall:.1f} % overall, 100 % of every pure file")
    return 1 if mistakes else 0


def verdicts(overall: float, pure: dict[str, float]) -> list[str]:
    """What is not covered enough, in percent of statements and branches; one line each."""
    lines = [
        f"COVERAGE FAILED: {file} is pure and has {percent:.1f} %, not 100"
        for file, percent in pure.items()
        if percent < 100
    ]
    if overall < OVERALL_PERCENT:
        lines.append(f"COVERAGE FAILED: {overall:.1f} % overall, less than {OVERALL_PERCENT:.0f}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
