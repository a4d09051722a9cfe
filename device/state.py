"""What survives a restart and a power cut: mute, volumes, whether we were in the channel, and in which seat.

A small JSON file, replaced as a whole (saver.py). What cannot be read means muted: nobody knows what it said.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from device.saver import Saver

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
        self._saver = Saver(self._path, "mute and volume") if self._path else None

    def load(self, default: Kept) -> Kept:
        """What was saved last; `default` where nothing was, and muted where it cannot be read."""
        if self._path is None:
            logger.info(
                "mute, volumes, whether it has left, and its seat are not kept over a restart: the environment names "
                'no folder for them, such as STATE_DIRECTORY="$HOME/.local/state/intercomd"'
            )
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
        """Replace the file. It takes as long as the disk does."""
        if self._saver is not None:
            self._saver.save(_packed(kept))

    def keep(self, kept: Kept) -> None:
        """Save this soon; never waits."""
        if self._saver is not None:
            self._saver.keep(_packed(kept))

    def join(self, within_s: float) -> None:
        """Wait until it is saved, no longer than this."""
        if self._saver is not None:
            self._saver.join(within_s)


def _packed(kept: Kept) -> bytes:
    return json.dumps(asdict(kept)).encode()


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
