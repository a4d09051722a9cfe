"""Starts the demo, and ends it well whenever that is asked for, also while it still imports: nothing of it stays."""

import signal
import sys
from types import FrameType


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """The demo's exit code."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    from tests import demo  # which takes a second

    return demo.main()


if __name__ == "__main__":
    sys.exit(main())
