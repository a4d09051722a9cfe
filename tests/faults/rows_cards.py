"""Faults of the sound card of one device, "far", both ways of it at once; and a wall clock that steps."""

import time

from tests.soundcard import Device
from tests.timing import until
from tests.wallclock import DAY_S

from . import dated
from .row import KEPT, NOBODY_NOTICES, NOTHING_OLD, Limit, Row
from .scene import Scene, at

FAR = "far"
XRUNS = 1_000
# So that each is one of its own, with sound in between: a muted microphone is read every 40 ms (device/audio/card.py,
# Capture.lazy), and one that has eleven with nothing in between is closed and opened again.
XRUN_EVERY_S = 0.06


def unplug(scene: Scene) -> None:
    scene[FAR].mic.unplug()
    scene[FAR].spk.unplug()


def plug_in_another(scene: Scene) -> None:
    scene.replace_card(FAR, ppm=120)


def start_with_a_busy_card(scene: Scene) -> None:
    scene[FAR].mic.busy()
    scene[FAR].spk.busy()
    scene.restart(FAR)


def free(scene: Scene) -> None:
    scene[FAR].mic.busy(False)
    scene[FAR].spk.busy(False)


def stall(scene: Scene) -> None:
    scene[FAR].mic.stall()
    scene[FAR].spk.stall()


def run_again(scene: Scene) -> None:
    scene[FAR].mic.set_ppm(0)
    scene[FAR].spk.set_ppm(0)
    scene.speak_on(FAR)


def order_xruns(scene: Scene) -> None:
    """Of the microphone and of the speaker so many each, one after the other; returns when both have had the last."""
    next_s = 0.0
    for _ in range(XRUNS):
        at(next_s)
        next_s = time.monotonic() + XRUN_EVERY_S
        order_one_each(scene[FAR].mic, scene[FAR].spk)


def order_one_each(*cards: Device) -> None:
    before = [card.stats()["xruns"] for card in cards]
    for card in cards:
        card.xrun()
    until(lambda: all(card.stats()["xruns"] > had for card, had in zip(cards, before, strict=True)))


def calm(scene: Scene) -> None:
    """The last one is over."""


def step_the_clock(scene: Scene) -> None:
    """A day ahead, and after a second two days back."""
    for ahead_s in (DAY_S, -DAY_S):
        scene.set_wall_clock(ahead_s)
        time.sleep(1)


def right_the_clock(scene: Scene) -> None:
    scene.set_wall_clock(0)


BACK_SOON, BACK_IN_A_SECOND = Limit("sound_back_s", 0.2), Limit("sound_back_s", 1.0)
NO_DRIFT = Limit("latency_change_ms", 5.0)
NOTHING_HAPPENS = Limit("longest_gap_ms", dated.FRAME_MS)
# A speaker's card that ran dry again and again has a longer reserve until 10 s have passed without that
# (device/audio/reserve.py); jitter buffers that were too short are longer for up to 10 s (device/audio/arrivals.py).
# Before that there is nothing to be said about drift.
RESERVE_S = 12.0

ROWS = (
    Row(
        "card unplugged 10 s, then another device", 10.0, unplug, plug_in_another,
        (BACK_IN_A_SECOND, NOTHING_OLD, KEPT, *NOBODY_NOTICES),
    ),
    Row("card busy at boot", 3.0, start_with_a_busy_card, free, (BACK_IN_A_SECOND, NOTHING_OLD, KEPT, *NOBODY_NOTICES)),
    Row("card stalls 3 s", 3.0, stall, run_again, (BACK_SOON, NOTHING_OLD, KEPT, *NOBODY_NOTICES, NO_DRIFT)),
    Row(
        "1,000 xruns", (XRUNS - 1) * XRUN_EVERY_S, order_xruns, calm,
        (BACK_SOON, NOTHING_OLD, KEPT, *NOBODY_NOTICES, NO_DRIFT), settles_s=RESERVE_S,
    ),
    Row(
        "wall clock +- 1 day", 2.5, step_the_clock, right_the_clock,
        (NOTHING_HAPPENS, NOTHING_OLD, KEPT, *NOBODY_NOTICES, NO_DRIFT), scene={"wall_clock": True},
    ),
)  # fmt: skip
