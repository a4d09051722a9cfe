"""The key by which a hub knows its own sessions, kept where a hub that has crashed finds it again."""

import contextlib
import logging
import os
from pathlib import Path

from device.hub.sessions import KEY_BYTES

logger = logging.getLogger(__name__)

KEY_FILE = "hub.key"


def new() -> bytes:
    """One that nobody has had."""
    return os.urandom(KEY_BYTES)


def load(state_dir: Path) -> tuple[bytes, bool]:
    """The key in this folder, made where there is none yet; and whether the next hub finds it there, too.

    It does not where the disk is full or fails, or the folder is closed to us: then it is a key for now alone.
    """
    path, made = state_dir / KEY_FILE, new()
    try:
        state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            key = path.read_bytes()
            if len(key) == KEY_BYTES:
                return key, True
            logger.warning("%s has %d bytes instead of %d: making a new one", path, len(key), KEY_BYTES)
        _keep(made, path)
    except OSError as error:
        logger.warning("cannot keep the hub's key in %s (%s): no seat outlives its next start", path, error.strerror)
        return made, False
    return made, True


def _keep(key: bytes, path: Path) -> None:
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
