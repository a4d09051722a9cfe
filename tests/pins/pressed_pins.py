"""A pin factory for gpiozero whose pins another process presses and looks at.

Found by an unchanged daemon through the entry point beside it, with this folder in PYTHONPATH and
GPIOZERO_PIN_FACTORY=pressed. PRESSED_PINS names the UNIX socket it listens at; a line each way:

    low 17      drive an input                 -> monotonic ns, after every callback has returned
    high 17
    low 17 30   the same, and the callback comes 30 ms after that, as in a process that is held up
    level 5     of any pin                     -> 0 or 1
    history 5   changes of any pin             -> "ns:level ns:level ..."
    history 5 2 the last two of them
    hang 5      who sets this output from now on does not come back
"""

import os
import socket
import threading
import time
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin


class PressedPin(MockPin):
    """One pin; remembers when it changed."""

    late_s = 0.0

    def clear_states(self) -> None:
        super().clear_states()
        self.history: list[tuple[int, int]] = []
        self.hung = False

    def _change_state(self, value: bool) -> bool:
        while self.hung:
            time.sleep(0.01)
        changed: bool = super()._change_state(value)
        if changed:
            self.history.append((time.monotonic_ns(), int(value)))
        return changed

    def _call_when_changed(self) -> None:
        time.sleep(self.late_s)
        super()._call_when_changed()


class PressedFactory(MockFactory):
    """All of them."""

    def __init__(self) -> None:
        super().__init__(pin_class=PressedPin)
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(os.environ["PRESSED_PINS"])
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()
        super().close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rw") as lines:
            for line in lines:
                command, number, *more = line.split()
                lines.write(f"{self._do(command, self.pin(f'GPIO{number}'), *map(float, more))}\n")
                lines.flush()

    def _do(self, command: str, pin: Any, more: float = 0.0) -> str:
        if command == "history":
            return " ".join(f"{at_ns}:{level}" for at_ns, level in pin.history[-int(more) :])
        if command == "level":
            return str(int(pin.state))
        if command == "hang":
            pin.hung = True
            return ""
        pin.late_s = more / 1_000
        pin.drive_low() if command == "low" else pin.drive_high()
        return str(time.monotonic_ns())
