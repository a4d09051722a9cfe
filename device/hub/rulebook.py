"""The file in which the rules of a hub outlive it. Written in a thread of its own: a memory card may take a second.

The file holds wall clock times; everything else in the hub goes by the monotonic clock.
"""

import contextlib
import logging
import os
import threading
import time
from pathlib import Path

from device.hub.moderation import Rules

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
        self._lock = threading.Lock()
        self._next: str | None = None
        self._thread: threading.Thread | None = None
        self._failed = False

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
        with self._lock:
            self._next = rules.dump(ahead_s)
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="rules", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # no memory for one more; the next change tries again
                    logger.warning("%s: a restart forgets the newest rules", error)
                else:
                    self._thread = thread

    def join(self) -> None:
        """Wait until it is saved, for a moment."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(SAVED_WITHIN_S)

    def _work(self) -> None:
        while True:
            with self._lock:
                text, self._next = self._next, None
                if text is None:
                    self._thread = None
                    return
            self._save(text)

    def _save(self, text: str) -> None:
        try:
            _replace(self._path, text.encode())
        except OSError as error:
            level = logging.DEBUG if self._failed else logging.WARNING
            logger.log(level, "%s cannot be written (%s): a restart forgets rules", self._path, error.strerror)
            self._failed = True
        else:
            self._failed = False


def _wall_is_ahead_s() -> float:
    return time.time() - time.monotonic()


def _replace(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
