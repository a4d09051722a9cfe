"""Starts the demo, and ends it well whenever that is asked for, also while it still imports: nothing of it stays."""

import os
import select
import signal
import sys
from types import FrameType

# An exception that comes while Python cleans up after an object is lost: then it comes once more.
_ONCE_MORE_S = 3.0


class Ending:
    """What is done at the first signal that asks for the end."""

    def __init__(self) -> None:
        self.code = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.code = self.code or 128 + number
        signal.setitimer(signal.ITIMER_REAL, _ONCE_MORE_S)
        raise SystemExit(self.code)


def main() -> int:
    """The demo's exit code."""
    ending = Ending()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, ending)
    from tests import demo  # which takes a second

    try:
        code = demo.main()
        sys.stdout.flush()
    except BrokenPipeError:
        if not _unread():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    return ending.code or code


def _unread() -> bool:
    """Whether nobody reads what is said any more."""
    said = select.poll()
    said.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in said.poll(0))


if __name__ == "__main__":
    sys.exit(main())
