"""What is said of lights; with real pins it is in test_examination.py."""

from device.doctor import lights
from device.doctor.finding import Verdict
from device.doctor.pins import Pins

NUMBERS = {"link": 5, "talk": 6}
OPEN = {"open": True, "problem": "", "buttons": {}, "lights": ["link", "talk"]}
CLOSED = {**OPEN, "open": False, "problem": "no buttons and lights: there are no pins here"}


async def test_each_is_lit_alone_and_in_the_end_none_is() -> None:
    lit: list[str] = []
    said: list[str] = []
    assert await lights.light_up(Pins(lambda: OPEN, lit.append), said.append, for_s=0) == ("link", "talk")
    assert lit == ["link", "talk", ""] and len(said) == 2


async def test_those_of_somebody_else_or_that_cannot_be_had_are_not_touched() -> None:
    assert await lights.light_up(Pins(lambda: OPEN, None), print) == ()
    lit: list[str] = []
    assert await lights.light_up(Pins(lambda: CLOSED, lit.append), print) == ()
    assert lit == [""]


def test_what_is_said() -> None:
    assert lights.judge({**OPEN, "lights": []}, (), NUMBERS, False).found == "none is wired"
    assert lights.judge(CLOSED, (), NUMBERS, False).verdict is Verdict.WARN
    assert "--buttons" in lights.judge(OPEN, (), NUMBERS, False).remedy
    assert "stop the intercom" in lights.judge(OPEN, (), NUMBERS, True).remedy
    assert lights.judge(OPEN, ("link", "talk"), NUMBERS, True).found == "lit one by one: link (pin 5), talk (pin 6)"
