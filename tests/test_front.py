"""The front of the box: presses in, inputs out; looks in, lights out."""

import asyncio
import time

import pytest

from device.call import Input, Light, Looks
from device.front import Buttons, Lights
from device.panel.meaning import Meaning
from tests.timing import seconds

MS = 1_000_000


class Told:
    """What buttons told."""

    def __init__(self, **meanings: Meaning) -> None:
        self.inputs: asyncio.Queue[Input] = asyncio.Queue()
        self.turned: list[int] = []
        self.at_ns = time.monotonic_ns() - 1_000_000 * MS
        self.buttons = Buttons(meanings, self.inputs.put_nowait, self.turned.append)

    def press(self, name: str, lasts_ms: int) -> None:
        """All of it lies in the past when it is told, and after the one before."""
        begin_ns, self.at_ns = self.at_ns, self.at_ns + (lasts_ms + 1_000) * MS
        self.buttons.edge(name, True, begin_ns)
        self.buttons.edge(name, False, begin_ns + lasts_ms * MS)
        self.buttons.edge(name, False, begin_ns + (lasts_ms + 30) * MS)  # still open: it is over

    def all(self) -> list[Input]:
        return [self.inputs.get_nowait() for _ in range(self.inputs.qsize())]


async def test_mute_and_talk_hear_of_every_phase_that_matters() -> None:
    told = Told(mute=Meaning("mute"), talk=Meaning("talk"))
    told.press("mute", 50)
    assert told.all() == [Input.MUTE_EDGE, Input.MUTE_DOWN]
    told.press("talk", 50)
    assert told.all() == [Input.TALK_EDGE, Input.TALK_DOWN, Input.TALK_TAP]
    told.press("talk", 500)
    assert told.all() == [Input.TALK_EDGE, Input.TALK_DOWN, Input.TALK_UP]
    begin_ns = told.at_ns
    for closed, at_ms in ((True, 0), (False, 500), (True, 503), (False, 900)):
        told.buttons.edge("talk", closed, begin_ns + at_ms * MS)
    assert told.all() == [Input.TALK_EDGE, Input.TALK_DOWN, Input.TALK_UP, Input.TALK_AGAIN, Input.TALK_UP]
    told.buttons.stop()


async def test_a_press_is_sure_after_5_ms_also_while_it_lasts() -> None:
    told = Told(leave=Meaning("leave"))
    told.buttons.edge("leave", True, time.monotonic_ns())
    assert told.all() == []
    assert await asyncio.wait_for(told.inputs.get(), seconds(5)) is Input.LEAVE
    told.buttons.stop()


async def test_the_other_actions(caplog: pytest.LogCaptureFixture) -> None:
    told = Told(
        rejoin=Meaning("rejoin"),
        call=Meaning("ring"),
        up=Meaning("volume-up"),
        down=Meaning("volume-down"),
        no=Meaning(""),
    )
    for name in ("rejoin", "call", "up", "down", "no"):
        told.press(name, 20)
    assert told.all() == [Input.REJOIN, Input.RING]
    assert told.turned == [10, -10]
    told.press("up", 61_000)
    assert "the button up has been pressed for a minute" in caplog.text


async def test_a_talk_button_that_is_stuck_closes_the_microphone() -> None:
    told = Told(talk=Meaning("talk", long="leave"))
    told.press("talk", 61_000)
    assert told.all() == [Input.TALK_EDGE, Input.TALK_DOWN, Input.LEAVE, Input.TALK_UP]


async def test_lights_go_through_their_patterns() -> None:
    seen: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
    lights = Lights(lambda light, on: seen.put_nowait((light, on)))
    lights.show(Looks(Light.ON, Light.OFF, Light.OFF))
    assert [seen.get_nowait() for _ in range(3)] == [("link", True), ("talk", False), ("mute", False)]
    lights.show(Looks(Light.ON, Light.OFF, Light.FAST))
    blinks = [await asyncio.wait_for(seen.get(), seconds(5)) for _ in range(4)]
    assert blinks == [("mute", True), ("mute", False), ("mute", True), ("mute", False)]
    lights.show(Looks(Light.ON, Light.OFF, Light.ON))
    while await asyncio.wait_for(seen.get(), seconds(5)) != ("mute", True):
        pass
    lights.show(Looks(Light.ON, Light.OFF, Light.ON))
    await asyncio.sleep(0.3)
    assert seen.empty(), "what stays as it is is not switched again"
    lights.stop()
