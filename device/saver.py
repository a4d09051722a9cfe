"""A file that is replaced as a whole, in a thread of its own: a memory card may take a second for it.

Written beside it, synced, renamed, and the folder synced, so that at any moment there is the old one or the new one.
"""

import logging
import os
import threading
from pathlib import Path

logger = logging.getLogger(__name__)


class Saver:
    """forgets: what a restart does not know where the file cannot be written, for people."""

    def __init__(self, path: Path, forgets: str) -> None:
        self._path, self._forgets = path, forgets
        self._failed = False
        self._lock = threading.Lock()
        self._next: bytes | None = None
        self._thread: threading.Thread | None = None

    def save(self, data: bytes) -> None:
        """Replace the file. It takes as long as the disk does. A disk that refuses is one warning, until it works."""
        try:
            _replace(self._path, data)
        except OSError as error:
            level = logging.DEBUG if self._failed else logging.WARNING
            logger.log(level, "%s cannot be written (%s): a restart forgets %s", self._path, error, self._forgets)
            self._failed = True
        else:
            self._failed = False

    def keep(self, data: bytes) -> None:
        """Save this soon, one after the other and the newest only; never waits."""
        with self._lock:
            self._next = data
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="saver", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # no memory for one more; the next change tries again
                    logger.warning("%s: a restart forgets what has just changed", error)
                else:
                    self._thread = thread

    def join(self, within_s: float) -> None:
        """Wait until it is saved, no longer than this."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(within_s)

    def _work(self) -> None:
        while True:
            with self._lock:
                data, self._next = self._next, None
                if data is None:
                    self._thread = None
                    return
            self.save(data)


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
