"""Reads an apps file, and the files that its certificates are in: see `apps` for what stands there."""

from pathlib import Path

from device.hub import apps
from device.hub.apps import Apps, AppsError
from device.tomltext import one_line


def load(path: Path, named: list[Path] | None = None) -> Apps:
    """The Apps of this file. named: gets the files that its certificates are in.

    Raises AppsError, each line with the file's name; and PermissionError where this process may not read all of it,
    which says nothing about what a hub may.
    """

    def read_file(name: str) -> str:
        if named is not None:
            named.append(path.parent / name)
        return _read(path.parent / name)

    try:
        return apps.read(_read(path), read_file)
    except AppsError as error:
        raise AppsError("\n".join(one_line(f"{path}: {line}") for line in str(error).splitlines())) from error
    except PermissionError:
        raise
    except ValueError as error:
        raise AppsError(one_line(f"{path}: {error}")) from error


def _read(path: Path) -> str:
    """Raises PermissionError, and ValueError with what else is wrong; neither quotes what is in there."""
    try:
        return path.read_text("utf-8-sig")
    except PermissionError:
        raise
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
