"""Who pressed what; with real pins and people it is in test_examination.py."""

from device.doctor import buttons
from device.doctor.buttons import Pressed
from device.doctor.finding import Verdict
from device.doctor.pins import Pins


def panel(**presses: object) -> dict[str, object]:
    return {"open": True, "problem": "", "buttons": presses, "lights": []}


def test_only_a_press_that_is_over_and_came_since_counts() -> None:
    tap = {"gesture": "tap", "age_s": 0.5}
    assert buttons.since(panel(mute=None), "mute", 1.0) == Pressed("")
    assert buttons.since(panel(mute=tap), "mute", 1.0) == Pressed("tap")
    assert buttons.since(panel(mute=tap), "mute", 0.4) == Pressed("")
    assert buttons.since(panel(mute={"gesture": "pressed", "age_s": 0.1}), "mute", 1.0) == Pressed("")
    assert buttons.since(panel(mute=None, leave=tap), "mute", 1.0) == Pressed("", ("leave",))


async def test_a_button_that_is_never_pressed_is_waited_for_and_fails() -> None:
    said: list[str] = []
    seen = await buttons.watch(Pins(lambda: panel(mute=None), None), said.append, within_s=0.3)
    (found,) = buttons.judge_presses({"mute": 17}, seen)
    assert found.verdict is Verdict.FAIL and "pin 17" in found.remedy
    assert said == ["press the button mute now, within 0 s"]


def test_pins_that_cannot_be_had_are_a_warning_and_none_wired_is_fine() -> None:
    assert buttons.judge(panel()).found == "none is wired"
    closed = panel(mute=None) | {"open": False, "problem": "no buttons and lights: no permission; add the user to gpio"}
    found = buttons.judge(closed)
    assert (found.verdict, found.found) == (Verdict.WARN, "mute are wired, but no permission")
    assert found.remedy == "add the user to gpio"
    assert buttons.judge(panel(mute=None)).verdict is Verdict.OK
