"""The pins of the Raspberry Pi: the only file that touches gpiozero, and through it lgpio.

Edges are reported by a thread of lgpio's; nothing polls. The library is loaded when a pin is wired and not before.
"""

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

# What gpiozero chooses between without being told; of those only lgpio works on every Raspberry Pi since the 5.
_FACTORY = "lgpio"
# An edge told later than that, or before it happened, has the time of another clock.
_LATEST_S = 1.0


class PinsError(Exception):
    """There are no pins, or one of them cannot be had; one line that says what to do."""


class Pins:
    """The wired pins of one panel, by name.

    buttons, lights: BCM numbers. pull: "up", "down" or "none". pressed: the level, "low" or "high", of a button that
    is pressed; lit: of a light that shines. on_edge: called with (button, whether its contact closed, when: monotonic
    ns, the kernel's time where that is known), in the library's thread. Raises PinsError, and holds no pin then.
    """

    def __init__(
        self,
        buttons: Mapping[str, int],
        lights: Mapping[str, int],
        on_edge: Callable[[str, bool, int], None],
        *,
        pull: str = "up",
        pressed: str = "low",
        lit: str = "high",
    ) -> None:
        self._on_edge = on_edge
        self._lights: dict[str, Any] = {}
        self._buttons: dict[str, Any] = {}
        # lgpio makes its pipes in the working directory, or else in that of LG_WD (gpiozero issue 1106).
        if not os.access(".", os.W_OK):
            os.environ.setdefault("LG_WD", tempfile.gettempdir())
        os.environ.setdefault("GPIOZERO_PIN_FACTORY", _FACTORY)
        try:
            self._open(buttons, lights, pull, pressed, lit)
        except Exception as error:  # gpiozero lets through what each of its libraries raises
            self.close()
            raise _explained(error) from error

    def shine(self, light: str, on: bool) -> None:
        """Switch a light; one that is not wired stays dark."""
        if light in self._lights:
            self._lights[light].value = on

    def close(self) -> None:
        """Give the pins back: lights dark, no edge is reported any more."""
        for device in (*self._buttons.values(), *self._lights.values()):
            device.close()
        self._buttons.clear()
        self._lights.clear()

    def _open(self, buttons: Mapping[str, int], lights: Mapping[str, int], pull: str, pressed: str, lit: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it says there is in our own words below
            from gpiozero import DigitalInputDevice, DigitalOutputDevice

            for name, pin in lights.items():
                self._lights[name] = DigitalOutputDevice(pin, active_high=lit == "high")
            resistor = {"up": True, "down": False, "none": None}[pull]
            for name, pin in buttons.items():
                # With a resistor of its own gpiozero takes the other level for active, and no other.
                active = pressed == "high" if resistor is None else None
                button = self._buttons[name] = DigitalInputDevice(pin, pull_up=resistor, active_state=active)
                closes = (pressed == "low") == bool(resistor) if resistor is not None else True
                button.when_activated = partial(self._changed, name, closes)
                button.when_deactivated = partial(self._changed, name, not closes)

    def _changed(self, name: str, closed: bool) -> None:
        """A process that was held up is told late of both ends of a press, which would look too short to be one."""
        now_ns, button = time.monotonic_ns(), self._buttons[name]
        late_s: float = button.active_time if button.active_time is not None else button.inactive_time
        self._on_edge(name, closed, now_ns - round(late_s * 1e9) if 0 <= late_s < _LATEST_S else now_ns)


def _unseen() -> str:
    """What else has to be done for an environment that sees no package of the system's."""
    sees = any(folder.endswith("/dist-packages") for folder in sys.path)
    return "" if sees else f"; {sys.prefix} does not see it: remove that, and scripts/run makes one that does"


def _explained(error: Exception) -> PinsError:
    if isinstance(error, PermissionError) or "permission" in str(error).lower():
        return PinsError("no buttons and lights: no permission for the pins; add the user to group gpio")
    if type(error).__name__ == "GPIOPinInUse" or "busy" in str(error).lower():
        return PinsError(f"no buttons and lights: {error}; another program has one of the pins")
    if type(error).__name__ == "BadPinFactory" or isinstance(error, (ImportError, OSError)):
        return PinsError(
            "no buttons and lights: there are no pins here, or python3-lgpio is missing "
            f"(sudo apt install python3-lgpio{_unseen()}): {error}"
        )
    return PinsError(f"no buttons and lights: {type(error).__name__}: {error}")
