"""Pins pressed from outside: the test's end. See pressed_pins.py, which runs in the daemon."""

import os
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.timing import seconds

HERE = Path(__file__).parent
# A finger is away for longer than that between two presses; what is shorter is a contact that bounces.
_AWAY_S = 0.025


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
        self._pressed_until_s: dict[int, float] = {}

    def down(self, pin: int, late_ms: float = 0.0) -> int:
        """Close a contact; monotonic ns of the moment after every callback has returned. late_ms: they come so late."""
        return int(self._ask(f"low {pin} {late_ms}"))

    def up(self, pin: int, late_ms: float = 0.0) -> int:
        """Open it."""
        return int(self._ask(f"high {pin} {late_ms}"))

    def press(self, pin: int, lasts_ms: float = 60) -> int:
        """Close, wait, open, as a finger does; monotonic ns of the closing."""
        time.sleep(max(0.0, self._pressed_until_s.get(pin, 0.0) + _AWAY_S - time.monotonic()))
        closed_ns = self.down(pin)
        time.sleep(lasts_ms / 1_000)
        self.up(pin)
        self._pressed_until_s[pin] = time.monotonic()
        return closed_ns

    def shines(self, pin: int) -> bool:
        """Whether a light shines now."""
        return self._ask(f"level {pin}") == "1"

    def history(self, pin: int, last: int = 0) -> list[tuple[int, int]]:
        """Every change of a pin so far, or the last ones: (monotonic ns, level)."""
        changes = self._ask(f"history {pin} {last}").split()
        return [(int(at_ns), int(level)) for at_ns, level in (change.split(":") for change in changes)]

    def hang(self, pin: int) -> None:
        """Whoever switches this light does not come back from there."""
        self._ask(f"hang {pin}")

    def _ask(self, line: str) -> str:
        self._lines.write(f"{line}\n")
        self._lines.flush()
        return self._lines.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lines.close()
        self._socket.close()
