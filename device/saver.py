"""A file that is replaced as a whole, in a thread of its own: a memory card may take a second for it.

Written beside it, synced, renamed, and the folder synced, so that at any moment there is the old one or the new one.
"""

import logging
import os
import threading
from pathlib import Path

logger = logging.getLogger(__name__)

# What a full disk did not take it may take later; nobody changes anything until then.
AGAIN_S = 30.0


class Saver:
    """forgets: what a restart does not know where the file cannot be written, for people."""

    def __init__(self, path: Path, forgets: str) -> None:
        self._path, self._forgets = path, forgets
        self._failed = self._ending = False
        self._news = threading.Condition()
        self._next: bytes | None = None
        self._thread: threading.Thread | None = None

    def save(self, data: bytes) -> bool:
        """Replace the file; returns whether it is. It takes as long as the disk does.

        A disk that refuses is one warning, until it works.
        """
        try:
            _replace(self._path, data)
        except OSError as error:
            level = logging.DEBUG if self._failed else logging.WARNING
            logger.log(level, "%s cannot be written (%s): a restart forgets %s", self._path, error, self._forgets)
            self._failed = True
        else:
            self._failed = False
        return not self._failed

    def keep(self, data: bytes) -> None:
        """Save this soon, one after the other and the newest only, and try again every 30 s; never waits."""
        with self._news:
            self._next = data
            self._news.notify()
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="saver", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # no memory for one more; the next change tries again
                    logger.warning("%s: a restart forgets what has just changed", error)
                else:
                    self._thread, self._ending = thread, False

    def join(self, within_s: float) -> None:
        """Wait until it is saved, or refused, no longer than this."""
        with self._news:
            self._ending, thread = True, self._thread
            self._news.notify()
        if thread is not None:
            thread.join(within_s)

    def _work(self) -> None:
        while (data := self._taken()) is not None:
            if not self.save(data):
                self._wait_with(data)

    def _taken(self) -> bytes | None:
        with self._news:
            data, self._next = self._next, None
            if data is None:
                self._thread = None
            return data

    def _wait_with(self, data: bytes) -> None:
        """Until it is time to try again, or there is something newer, or the process ends."""
        with self._news:
            self._news.wait_for(lambda: self._next is not None or self._ending, AGAIN_S)
            if self._next is None and not self._ending:
                self._next = data


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
