"""The file in which the rules of a hub outlive it. Written in a thread of its own: a memory card may take a second.

The file holds wall clock times; everything else in the hub goes by the monotonic clock.
"""

import contextlib
import logging
import time
from pathlib import Path

from device.hub.moderation import Rules
from device.saver import Saver

logger = logging.getLogger(__name__)

FILE = "rules.json"
# 500 rules with long names are 200 kB.
MAX_BYTES = 1_000_000
# At the end, for the last change to reach the disk.
SAVED_WITHIN_S = 0.3
# A clock that moves by more than this was set: a Raspberry Pi learns the time some seconds after its start.
CLOCK_SET_S = 10.0


class Rulebook:
    """Of one folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._version = 0
        self._ahead_s = 0.0
        self._saver = Saver(self._path, "rules")

    def load(self, rules: Rules) -> None:
        """Fill in what was kept. A file that cannot be read is put aside: no rule of it is in force."""
        self._ahead_s = _wall_is_ahead_s()
        try:
            with self._path.open("rb") as file:
                rules.load(file.read(MAX_BYTES).decode(), time.monotonic(), self._ahead_s)
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            logger.error("%s cannot be read (%s): nobody is banned any more", self._path, error)
            with contextlib.suppress(OSError):
                self._path.replace(self._path.with_suffix(".unreadable"))
        self._version = rules.version

    def keep(self, rules: Rules) -> None:
        """Save them soon, where they or the wall clock have changed since this was called last; never waits."""
        ahead_s = _wall_is_ahead_s()
        if rules.version == self._version and abs(ahead_s - self._ahead_s) < CLOCK_SET_S:
            return
        self._version, self._ahead_s = rules.version, ahead_s
        self._saver.keep(rules.dump(ahead_s).encode())

    def join(self) -> None:
        """Wait until it is saved, for a moment."""
        self._saver.join(SAVED_WITHIN_S)


def _wall_is_ahead_s() -> float:
    return time.time() - time.monotonic()
