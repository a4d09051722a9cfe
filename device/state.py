"""What survives a restart and a power cut: mute, volumes, whether we were in the channel, and in which seat.

A small JSON file, replaced as a whole: written beside it, synced, renamed, and the folder synced, so that at any moment
there is the old one or the new one. What cannot be read means muted: nobody knows what it said.
"""

import contextlib
import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

FILE = "state.json"
MAX_BYTES = 65_536
# Volumes of single talkers: more than that is no household.
MAX_VOLUMES = 500


MAX_TEXT = 256


@dataclass(frozen=True, slots=True)
class Held:
    """The seat that we have. session: proves it, a secret. where: another text is another place, or another time."""

    uid: int
    session: str = field(repr=False)
    where: str


@dataclass(frozen=True, slots=True)
class Kept:
    """volume, and each of volumes by uid: 0 to 100."""

    muted: bool
    joined: bool
    volume: int
    volumes: Mapping[int, int] = field(default_factory=dict)
    seat: Held | None = None


class State:
    """The file of one device. folder: None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / FILE if folder else None
        self._failed = False

    def load(self, default: Kept) -> Kept:
        """What was saved last; `default` where nothing was, and muted where it cannot be read."""
        if self._path is None:
            return default
        try:
            with self._path.open("rb") as file:
                return _read(file.read(MAX_BYTES + 1))
        except FileNotFoundError:
            return default
        except (OSError, ValueError) as error:
            logger.warning("%s cannot be read (%s): starting muted", self._path, error)
            return Kept(muted=True, joined=default.joined, volume=default.volume)

    def save(self, kept: Kept) -> None:
        """Replace the file. It takes as long as the disk does. A disk that refuses is one warning, until it works."""
        if self._path is None:
            return
        try:
            _replace(self._path, json.dumps(asdict(kept)).encode())
        except OSError as error:
            level = logging.DEBUG if self._failed else logging.WARNING
            logger.log(level, "%s cannot be written (%s): a restart forgets mute and volume", self._path, error)
            self._failed = True
        else:
            self._failed = False


class Keeper:
    """Saves in a thread of its own, one at a time and the newest only: a memory card may take a second for it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._lock = threading.Lock()
        self._next: Kept | None = None
        self._thread: threading.Thread | None = None

    def keep(self, kept: Kept) -> None:
        """Save this soon; never waits."""
        with self._lock:
            self._next = kept
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="state", daemon=True)
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
                kept, self._next = self._next, None
                if kept is None:
                    self._thread = None
                    return
            self.state.save(kept)


def _read(data: bytes) -> Kept:
    """Raises ValueError for anything that `save` does not write."""
    if len(data) > MAX_BYTES:
        raise ValueError("too long")
    try:
        found: Any = json.loads(data)
        volumes = {int(uid): volume for uid, volume in found["volumes"].items()}
        seat = found.get("seat")  # not in the files of the first version
        held = None if seat is None else Held(seat["uid"], seat["session"], seat["where"])
        kept = Kept(found["muted"], found["joined"], found["volume"], volumes, held)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("not what was written") from error
    percents = [kept.volume, *volumes.values()]
    if type(kept.muted) is not bool or type(kept.joined) is not bool or len(volumes) > MAX_VOLUMES:
        raise ValueError("not what was written")
    if any(type(percent) is not int or not 0 <= percent <= 100 for percent in percents):
        raise ValueError("a volume is 0 to 100")
    if held and (type(held.uid) is not int or not 0 < held.uid < 1 << 32):
        raise ValueError("not a uid")
    if held and not (_is_text(held.session) and _is_text(held.where)):
        raise ValueError("not a seat")
    return kept


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT


def _replace(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
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
