"""Has the box listen to itself: the intercom that holds its cards, or else the doctor, who opens them for that."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from device import selftest
from device.audio.capture_clock import RATE_HZ, Block
from device.audio.card import Capture, Playback
from device.audio.selftest import Result, Verdict
from device.config import Audio
from device.doctor.cards import Granted
from device.doctor.patient import Patient
from device.service.control import ControlError, call

BLOCK_FRAMES = RATE_HZ // 50
RESERVE_FRAMES = BLOCK_FRAMES
ROOM_S = 1.0
_OPENS_WITHIN_S = 2.0
_END_S = 0.3


@dataclass(frozen=True, slots=True)
class Heard:
    """microphone, speaker: what there is to say of each, None with why_not."""

    microphone: Result | None
    loop: Result | None
    why_not: str = ""


async def listen(patient: Patient, cards: Mapping[str, Granted]) -> Heard:
    """cards: what was found of them before, by way."""
    if patient.status is not None:
        return _ask(patient)
    if patient.config is None:
        return Heard(None, None, "the configuration is wrong")
    if not cards["capture"].usable:
        return Heard(None, None, "the capture card cannot be used")
    result = await _test(patient.config.audio)
    if not cards["playback"].usable:
        return Heard(result, None, "the playback card cannot be used")
    return Heard(result, result)


def _ask(patient: Patient) -> Heard:
    try:
        test = call("self-test", folder=patient.control)["self_test"]
    except ControlError as error:
        return Heard(None, None, str(error).removeprefix("self-test: "))
    result = of_status(test)
    return Heard(result, result)


def of_status(test: Mapping[str, Any]) -> Result:
    """The result that a status tells."""
    return Result(
        Verdict(test["verdict"]), test["level_dbfs"], test["clipped_share"], test["loop_dbfs"], test["delay_ms"],
        test["why"],
    )  # fmt: skip


class _Cards:
    """Both cards, for one test."""

    def __init__(self, audio: Audio) -> None:
        self._sink: Callable[[Block], None] | None = None
        self._sounding = b""
        self._began: Callable[[int], None] | None = None
        self.capture = Capture(audio.capture, BLOCK_FRAMES, self._captured)
        self.playback = Playback(audio.playback, BLOCK_FRAMES, RESERVE_FRAMES, self._pull)

    def listen(self, sink: Callable[[Block], None] | None) -> None:
        self._sink = sink

    def sound(self, pcm: bytes, began: Callable[[int], None]) -> None:
        self._began, self._sounding = began, pcm

    def _captured(self, block: Block) -> None:
        """In the capture thread."""
        sink = self._sink
        if sink is not None:
            sink(block)

    def _pull(self, now_ns: int, since: int) -> bytes:
        """In the playback thread."""
        size = 2 * BLOCK_FRAMES
        block, self._sounding = self._sounding[:size], self._sounding[size:]
        if block and self._began is not None:
            self._began(now_ns)
            self._began = None
        return block.ljust(size, b"\0")


async def _test(audio: Audio) -> Result:
    cards = _Cards(audio)
    threads = (cards.capture, cards.playback)
    for thread in threads:
        thread.start()
    try:
        deadline = time.monotonic() + _OPENS_WITHIN_S
        while any(thread.status.state == "opening" for thread in threads) and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return await selftest.measure(cards.listen, cards.sound, ROOM_S)
    finally:
        for thread in threads:
            thread.stop()
        for thread in threads:
            thread.join(_END_S)
