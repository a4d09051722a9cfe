"""What presses come to, as somebody who wires a panel expects it."""

import pytest

from device.panel.gestures import Gesture
from device.panel.meaning import Meaning

SHORT = (Gesture.EDGE, Gesture.DOWN, Gesture.TAP)
TWICE = (Gesture.EDGE, Gesture.DOWN, Gesture.EDGE, Gesture.DOWN, Gesture.DOUBLE, Gesture.OVER)
HELD = (Gesture.EDGE, Gesture.DOWN, Gesture.UP, Gesture.OVER)
LONG = (Gesture.EDGE, Gesture.DOWN, Gesture.LONG, Gesture.UP, Gesture.OVER)
BROKEN = (Gesture.EDGE, Gesture.DOWN, Gesture.UP, Gesture.AGAIN, Gesture.UP, Gesture.OVER)


def of(meaning: Meaning, gestures: tuple[Gesture, ...]) -> list[tuple[Gesture, str]]:
    return [(gesture, action) for gesture in gestures if (action := meaning.of(gesture))]


@pytest.mark.parametrize("press", [SHORT, HELD, LONG, BROKEN])
def test_a_button_with_one_meaning_acts_when_the_press_is_sure(press: tuple[Gesture, ...]) -> None:
    assert of(Meaning("leave"), press) == [(Gesture.DOWN, "leave")]
    assert of(Meaning("leave"), press * 2) == [(Gesture.DOWN, "leave")] * 2


def test_a_button_with_three_meanings_waits_until_it_is_clear_which() -> None:
    button = Meaning("leave", "ring", "rejoin")
    assert button.has_double
    for _ in range(2):
        assert of(button, SHORT) == [(Gesture.TAP, "leave")]
        assert of(button, TWICE) == [(Gesture.DOUBLE, "ring")]
        assert of(button, HELD) == of(button, BROKEN) == [(Gesture.OVER, "leave")]
        assert of(button, LONG) == [(Gesture.LONG, "rejoin")]


def test_what_mutes_or_talks_hears_everything_and_may_have_a_long_press_beside() -> None:
    talk = Meaning("talk", long="leave")
    assert not talk.has_double
    assert of(talk, (*LONG, Gesture.STUCK)) == [
        (Gesture.EDGE, "talk"),
        (Gesture.DOWN, "talk"),
        (Gesture.LONG, "leave"),
        (Gesture.UP, "talk"),
        (Gesture.OVER, "talk"),
        (Gesture.STUCK, "talk"),
    ]


@pytest.mark.parametrize("action", ["mute", "talk"])
def test_what_mutes_or_talks_never_waits_for_a_second_tap(action: str) -> None:
    with pytest.raises(ValueError, match="never waits"):
        Meaning(action, double="ring")


def test_a_glitch_means_nothing() -> None:
    assert of(Meaning("leave", "ring"), (Gesture.EDGE, Gesture.STUCK)) == []
