"""How a command ends: its exit code, and one line for people where it did not work."""

import sys
from typing import NoReturn

# WRONG: usage or configuration.
DONE, FAILED, WRONG = 0, 1, 2


def end(text: str, code: int = FAILED) -> NoReturn:
    """Say why, and end the process with this code."""
    print(f"intercomd: {text}", file=sys.stderr)
    raise SystemExit(code) from None
