"""The buttons: whether their pins can be had, and, if somebody is there to press them, each one and its gesture."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from device.doctor.finding import Finding, Verdict
from device.doctor.pins import PanelStatus, Pins

PRESS_WITHIN_S = 10.0
# Where another button was pressed it may have been a slip, and the right one follows.
_SLIP_S = 2.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came when one button was asked for: its gesture, or else the buttons that were pressed instead."""

    gesture: str
    others: tuple[str, ...] = ()


async def watch(pins: Pins, say: Callable[[str], None], within_s: float = PRESS_WITHIN_S) -> dict[str, Pressed]:
    """Ask for each wired button in turn, and wait until it is pressed. say: tells the person. Raises ControlError."""
    seen = {}
    for name in pins.status()["buttons"]:
        say(f"press the button {name} now, within {within_s:.0f} s")
        asked, pressed = time.monotonic(), Pressed("")
        end = asked + within_s
        while not pressed.gesture and time.monotonic() < end:
            await asyncio.sleep(_LOOK_S)
            slipped = bool(pressed.others)
            pressed = since(pins.status(), name, time.monotonic() - asked)
            if pressed.others and not slipped:
                end = min(end, time.monotonic() + _SLIP_S)
        seen[name] = pressed
        if pressed.gesture:
            say(f"{name}: {pressed.gesture}")
    return seen


def since(status: PanelStatus, asked: str, for_s: float) -> Pressed:
    """What was pressed since this button was asked for, for_s seconds ago; a press that lasts is none yet."""
    fresh = {
        name: press["gesture"]
        for name, press in status["buttons"].items()
        if press is not None and press["age_s"] < for_s and press["gesture"] != "pressed"
    }
    return Pressed(fresh.get(asked, ""), tuple(name for name in fresh if name != asked))


def judge(status: PanelStatus) -> Finding:
    """Whether the pins can be had."""
    wired = list(status["buttons"])
    if not wired:
        return Finding("buttons", Verdict.OK, "none is wired")
    if not status["open"]:
        found, _, remedy = status["problem"].removeprefix("no buttons and lights: ").partition("; ")
        remedy = remedy or "name the pins in [buttons], 0 where nothing is wired"
        return Finding("buttons", Verdict.WARN, f"{', '.join(wired)} are wired, but {found}", remedy)
    found = f"the pins of {', '.join(wired)} are open"
    return Finding("buttons", Verdict.OK, found, "press them one by one with --buttons")


def judge_press(name: str, pin: int, pressed: Pressed) -> Finding:
    """One button that was asked for. pin: its BCM number."""
    check, figures = f"button {name}", {"pin": pin, "gesture": pressed.gesture}
    if pressed.gesture:
        return Finding(check, Verdict.OK, pressed.gesture, figures=figures)
    if pressed.others:
        found = f"not pressed, but {', '.join(pressed.others)} was"
        return Finding(check, Verdict.FAIL, found, "exchange their wires, or their numbers in [buttons]", figures)
    remedy = f"look at its wire to pin {pin} (BCM), and at pull and pressed in [panel]"
    return Finding(check, Verdict.FAIL, "no press came", remedy, figures)


def judge_presses(numbers: Mapping[str, int], seen: Mapping[str, Pressed]) -> list[Finding]:
    """All that were asked for. numbers: of the pins, where they are known."""
    return [judge_press(name, numbers.get(name, 0), pressed) for name, pressed in seen.items()]
