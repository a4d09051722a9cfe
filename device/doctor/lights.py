"""The lights: whether their pins can be had, and, if somebody is there to look, one after the other."""

import asyncio
from collections.abc import Callable, Mapping

from device.doctor.finding import Finding, Verdict
from device.doctor.pins import PanelStatus, Pins

LIT_S = 1.0


async def light_up(pins: Pins, say: Callable[[str], None], for_s: float = LIT_S) -> tuple[str, ...]:
    """Light each one in turn, and tell which; those that were lit. None where another program shows its own on them."""
    lit = tuple(pins.status()["lights"]) if pins.light and pins.status()["open"] else ()
    for name in lit:
        say(f"the light {name} is on, and no other")
        assert pins.light
        pins.light(name)
        await asyncio.sleep(for_s)
    if pins.light:
        pins.light("")
    return lit


def judge(status: PanelStatus, lit: tuple[str, ...], numbers: Mapping[str, int], interactive: bool) -> Finding:
    """lit: those that were lit one by one, if it was asked for; numbers: of the pins."""
    wired = list(status["lights"])
    if not wired:
        return Finding("lights", Verdict.OK, "none is wired")
    if not status["open"]:
        found, _, remedy = status["problem"].removeprefix("no buttons and lights: ").partition("; ")
        remedy = remedy or "name the pins in [lights], 0 where nothing is wired"
        return Finding("lights", Verdict.WARN, f"{', '.join(wired)} are wired, but {found}", remedy)
    if lit:
        found = "lit one by one: " + ", ".join(f"{name} (pin {numbers[name]})" for name in lit)
        remedy = "one that stayed dark: look at its wire, and at lit in [panel]"
        return Finding("lights", Verdict.OK, found, remedy, {"lit": list(lit)})
    found = f"the pins of {', '.join(wired)} are open"
    if interactive:
        remedy = "to see them one by one stop the intercom, which shows its own: sudo systemctl stop intercomd"
        return Finding("lights", Verdict.OK, found, remedy)
    return Finding("lights", Verdict.OK, found, "see them one by one with --buttons")
