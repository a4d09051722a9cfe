"""Pins pressed from outside: the test's end. See pressed_pins.py, which runs in the daemon."""

import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.timing import seconds

HERE = Path(__file__).parent


def env(path: Path) -> dict[str, str]:
    """What a daemon needs in its environment so that `Fingers(path)` reach its pins."""
    return {
        "GPIOZERO_PIN_FACTORY": "pressed",
        "PRESSED_PINS": str(path),
        "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }


class Fingers:
    """Presses buttons that are active low, and looks at lights; pins by their BCM numbers."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(seconds(5))
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rw")

    def down(self, pin: int) -> int:
        """Close a contact; monotonic ns of the moment after every callback has returned."""
        return int(self._ask("low", pin))

    def up(self, pin: int) -> int:
        """Open it."""
        return int(self._ask("high", pin))

    def press(self, pin: int, lasts_ms: float = 60) -> int:
        """Close, wait, open; monotonic ns of the closing."""
        closed_ns = self.down(pin)
        time.sleep(lasts_ms / 1_000)
        self.up(pin)
        return closed_ns

    def shines(self, pin: int) -> bool:
        """Whether a light shines now."""
        return self._ask("level", pin) == "1"

    def history(self, pin: int) -> list[tuple[int, int]]:
        """Every change of a pin so far: (monotonic ns, level)."""
        return [(int(at), int(level)) for at, level in (one.split(":") for one in self._ask("history", pin).split())]

    def _ask(self, command: str, pin: int) -> str:
        self._lines.write(f"{command} {pin}\n")
        self._lines.flush()
        return self._lines.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lines.close()
        self._socket.close()
