"""What the last press of a button was."""

import pytest

from device.panel.gestures import Gesture
from device.panel.presses import Press

EDGE, DOWN, UP, AGAIN, TAP, DOUBLE, OVER, LONG, STUCK = Gesture


@pytest.mark.parametrize(
    ("gestures", "name"),
    [
        ([], ""),
        ([EDGE], ""),
        ([EDGE, DOWN], "pressed"),
        ([EDGE, DOWN, TAP], "tap"),
        ([EDGE, DOWN, EDGE, DOWN, DOUBLE], "double tap"),
        ([EDGE, DOWN, EDGE, DOWN, DOUBLE, UP, OVER], "double tap"),
        ([EDGE, DOWN, UP, OVER], "hold"),
        ([EDGE, DOWN, LONG], "long press"),
        ([EDGE, DOWN, LONG, UP, AGAIN, UP, OVER], "long press"),
        ([EDGE, DOWN, LONG, STUCK], "stuck"),
        ([EDGE, DOWN, LONG, UP, OVER, EDGE], "long press"),
        ([EDGE, DOWN, LONG, UP, OVER, EDGE, DOWN], "pressed"),
        ([EDGE, DOWN, LONG, UP, OVER, EDGE, DOWN, UP, OVER], "hold"),
    ],
)
def test_a_press_has_the_name_that_people_give_it(gestures: list[Gesture], name: str) -> None:
    press = Press()
    for at_ns, gesture in enumerate(gestures, 1):
        press.became(gesture, at_ns)
    assert press.name == name


def test_it_is_as_old_as_what_it_became_last() -> None:
    press = Press()
    press.became(DOWN, 5)
    press.became(TAP, 8)
    press.became(EDGE, 9)
    assert press.at_ns == 8
    press.became(DOWN, 10)
    press.became(LONG, 11)
    press.became(UP, 12)
    assert press.at_ns == 11
