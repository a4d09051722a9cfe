"""The front of the box, on the loop: edges of pins become gestures become inputs of the table; looks become lights.

pins (their own thread) --call_soon_threadsafe--> panel.gestures -> panel.meaning -> Input, or a step of the volume
Looks -> panel.lights -> pins
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from device.call import Input, Looks
from device.config import Config
from device.panel import lights
from device.panel.gestures import Button, Gesture
from device.panel.lights import Pattern
from device.panel.meaning import Meaning
from device.panel.pins import Pins, PinsError
from device.panel.presses import Press

logger = logging.getLogger(__name__)

VOLUME_STEPS = {"volume-up": 10, "volume-down": -10}  # percent
_PHASES: Mapping[str, Mapping[Gesture, Input]] = {
    "mute": {Gesture.EDGE: Input.MUTE_EDGE, Gesture.DOWN: Input.MUTE_DOWN},
    "talk": {
        Gesture.EDGE: Input.TALK_EDGE, Gesture.DOWN: Input.TALK_DOWN, Gesture.TAP: Input.TALK_TAP,
        Gesture.UP: Input.TALK_UP, Gesture.AGAIN: Input.TALK_AGAIN, Gesture.STUCK: Input.TALK_UP,
    },
}  # fmt: skip
_INPUTS = {"leave": Input.LEAVE, "rejoin": Input.REJOIN, "ring": Input.RING}


class Buttons:
    """What is pressed. meanings: of the buttons that are wired, by name.

    act is called with each Input, turn with each step of the volume in percent.
    """

    def __init__(
        self, meanings: Mapping[str, Meaning], act: Callable[[Input], None], turn: Callable[[int], None]
    ) -> None:
        self._meanings, self._act, self._turn = meanings, act, turn
        self._buttons = {name: Button(double=meaning.has_double) for name, meaning in meanings.items()}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.presses = {name: Press() for name in meanings}

    def edge(self, name: str, closed: bool, at_ns: int) -> None:
        """The contact of this button closed or opened at that moment, monotonic."""
        self._happened(name, self._buttons[name].edge(closed, at_ns))

    def stop(self) -> None:
        """No deadline is waited for any more."""
        for timer in self._timers.values():
            timer.cancel()

    def _happened(self, name: str, gestures: list[Gesture]) -> None:
        for gesture in gestures:
            self.presses[name].became(gesture, time.monotonic_ns())
            if gesture is Gesture.STUCK:
                logger.warning("the button %s has been pressed for a minute; ignored until it is released", name)
            self._do(self._meanings[name].of(gesture), gesture)
        if timer := self._timers.pop(name, None):
            timer.cancel()
        deadline_ns = self._buttons[name].deadline_ns()
        if deadline_ns is not None:
            wait_s = max(0, deadline_ns - time.monotonic_ns()) / 1e9
            self._timers[name] = asyncio.get_running_loop().call_later(wait_s, self._due, name)

    def _due(self, name: str) -> None:
        self._happened(name, self._buttons[name].tick(time.monotonic_ns()))

    def _do(self, action: str, gesture: Gesture) -> None:
        if action in _PHASES:
            phase = _PHASES[action].get(gesture)
            if phase is not None:
                self._act(phase)
        elif action in _INPUTS:
            self._act(_INPUTS[action])
        elif action:
            self._turn(VOLUME_STEPS[action])


class Lights:
    """What is shown. shine: switches a light, by name, on or off."""

    def __init__(self, shine: Callable[[str, bool], None]) -> None:
        self._shine = shine
        self._patterns: dict[str, tuple[Pattern, float]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._looks: Looks | None = None

    def show(self, looks: Looks) -> None:
        """From now on these patterns; one that stays the same goes on where it is."""
        if looks == self._looks:  # as five times a second, nearly always
            return
        self._looks = looks
        for light, wanted in looks._asdict().items():
            pattern = Pattern(wanted.value)
            if light not in self._patterns or self._patterns[light][0] is not pattern:
                self._patterns[light] = pattern, time.monotonic()
                self._step(light)

    def stop(self) -> None:
        """Nothing blinks any more."""
        for timer in self._timers.values():
            timer.cancel()

    def _step(self, light: str) -> None:
        pattern, since = self._patterns[light]
        at_ms = round((time.monotonic() - since) * 1_000)
        self._shine(light, lights.is_on(pattern, at_ms))
        if timer := self._timers.pop(light, None):
            timer.cancel()
        change_ms = lights.next_change_ms(pattern, at_ms)
        if change_ms is not None:
            wait_s = (change_ms - at_ms) / 1_000
            self._timers[light] = asyncio.get_running_loop().call_later(wait_s, self._step, light)


class Panel:
    """Buttons and lights of one box, where there are pins for them; act and turn: as those of `Buttons`."""

    def __init__(
        self,
        config: Config,
        loop: asyncio.AbstractEventLoop,
        act: Callable[[Input], None],
        turn: Callable[[int], None],
    ) -> None:
        self._wiring, self._loop = config.panel, loop
        self._wired = {name: pin for name, pin in asdict(config.buttons).items() if pin}
        self._lamps = {name: pin for name, pin in asdict(config.lights).items() if pin}
        taps, doubles, longs = asdict(config.tap), asdict(config.double_tap), asdict(config.long_press)
        self._buttons = Buttons(
            {name: Meaning(taps[name], doubles[name], longs[name]) for name in self._wired}, act, turn
        )
        self._lights = Lights(self._shine)
        self._pins: Pins | None = None
        self._problem = ""

    def status(self) -> dict[str, Any]:
        """Whether the pins are open, why not, and the last press of each wired button: its gesture and age_s."""
        now_ns = time.monotonic_ns()
        presses = {
            name: press.name and {"gesture": press.name, "age_s": round((now_ns - press.at_ns) / 1e9, 2)}
            for name, press in self._buttons.presses.items()
        }
        return {
            "open": self._pins is not None, "problem": self._problem,
            "buttons": {name: press or None for name, press in presses.items()}, "lights": list(self._lamps),
        }  # fmt: skip

    def open(self) -> None:
        """Take the pins. Where there are none, one warning says so and everything else works."""
        if not self._wired and not self._lamps:
            return
        wiring = self._wiring
        try:
            self._pins = Pins(
                self._wired, self._lamps, self._edge, pull=wiring.pull, pressed=wiring.pressed, lit=wiring.lit
            )
        except PinsError as error:
            self._problem = str(error)
            logger.warning("%s", error)

    def close(self) -> None:
        """Give them back, lights dark."""
        self._buttons.stop()
        self._lights.stop()
        if self._pins is not None:
            self._pins.close()
            self._pins = None

    def show(self, looks: Looks) -> None:
        """What the lights say from now on."""
        if self._pins is not None:
            self._lights.show(looks)

    def _edge(self, name: str, closed: bool, at_ns: int) -> None:
        """In the pins' thread: over to the loop, once."""
        with contextlib.suppress(RuntimeError):  # the loop has just closed: this process is ending
            self._loop.call_soon_threadsafe(self._told, name, closed, at_ns)

    def _told(self, name: str, closed: bool, at_ns: int) -> None:
        """On the loop, where the panel may be closed by now."""
        if self._pins is not None:
            self._buttons.edge(name, closed, at_ns)

    def _shine(self, light: str, on: bool) -> None:
        if self._pins is not None:
            self._pins.shine(light, on)
