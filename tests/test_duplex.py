"""Microphone and speaker of one box on the virtual card, exchanged while they run."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device import config
from device.config import Config
from device.duplex import Duplex, is_another
from tests.soundcard import Bench, Device
from tests.timing import seconds

DEFAULTS = config.load(Path("/dev/null"), needs_app_id=False)
HUM = (8_000 * np.sin(np.arange(48_000) * 2 * np.pi * 500 / 48_000)).astype(np.int16)


def with_audio(**changes: object) -> Config:
    audio = replace(DEFAULTS.audio, capture="mic", playback="spk", **changes)  # type: ignore[arg-type]
    return replace(DEFAULTS, audio=audio)


class Room:
    """A duplex, both ends of its card, and what it has sent."""

    def __init__(self, bench: Bench) -> None:
        self.mic, self.spk = bench.device("mic"), bench.device("spk")
        self.sent: list[int] = []  # timestamps
        self.worked_again = 0
        self.duplex = Duplex(
            with_audio(),
            lambda payload, timestamp, *_: self.sent.append(timestamp),
            asyncio.get_running_loop(),
            works_again=self.works_again,
        )

    def works_again(self) -> None:
        self.worked_again += 1

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(seconds(10)):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_it_sends(self) -> None:
        already = len(self.sent)
        await self.until(lambda: len(self.sent) > already)

    async def passes(self, device: Device, frames: int) -> None:
        """Wait for so many frames of a card's clock."""
        end = device.frame() + frames
        await self.until(lambda: device.frame() > end)


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    with Bench() as bench:
        room = Room(bench)
        for name, value in bench.env().items():
            monkeypatch.setenv(name, value)
        begin = round(room.mic.frame())
        room.mic.put(HUM, begin)
        room.mic.loop(begin, len(HUM))
        room.duplex.start()
        yield room
        room.mic.hang(False)
        room.duplex.stop()
        room.duplex.join()


async def test_another_codec_keeps_the_time_and_the_gate_closed_until_it_is_opened(room: Room) -> None:
    room.duplex.gate.unmute(0)
    await room.until_it_sends()
    last, at = room.sent[-1], room.mic.frame()
    await room.duplex.change(with_audio(bitrate=16_000))
    already = len(room.sent)
    await room.passes(room.mic, 24_000)
    assert len(room.sent) == already
    room.duplex.gate.unmute(0)
    await room.until_it_sends()
    passed = (room.sent[-1] - last) % 2**32
    assert abs(passed - (room.mic.frame() - at)) < 4_800
    assert room.mic.stats()["opens"] == 2


async def test_a_thread_that_hangs_with_its_card_is_left_behind_muted_and_known_to_hang(room: Room) -> None:
    room.duplex.gate.unmute(0)
    await room.until_it_sends()
    room.mic.hang()
    await room.passes(room.mic, 9_600)
    await room.duplex.change(with_audio(bitrate=16_000))
    already, beats = len(room.sent), room.duplex.beats()
    await room.until(lambda: room.duplex.microphone.card.status.state == "busy")
    await room.until(lambda: room.duplex.beats()["playback"] > beats["playback"])
    assert room.duplex.beats()["capture"] == beats["capture"] == 0
    room.mic.hang(False)
    await room.until(lambda: room.duplex.microphone.card.status.state == "running")
    assert room.duplex.beats()["capture"] > 0
    assert len(room.sent) == already, "what it had in its hands is not sent"


async def test_a_card_that_works_again_tells_the_loop_also_after_a_change(room: Room) -> None:
    await room.until(lambda: room.duplex.microphone.card.status.state == "running")
    for times in (1, 2):
        assert room.worked_again == times - 1, "only after an outage"
        room.mic.unplug()
        await room.until(lambda: room.duplex.microphone.card.status.state == "absent")
        room.mic.plug()
        await room.until(lambda: room.duplex.microphone.card.status.state == "running")
        await room.until(lambda times=times: room.worked_again == times)  # type: ignore[misc]
        await room.duplex.change(with_audio(bitrate=16_000 + times))
        await room.until(lambda: room.duplex.microphone.card.status.state == "running")


async def test_a_thread_that_does_not_end_is_named(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    await room.until(lambda: room.duplex.microphone.card.status.state == "running")
    room.mic.hang()
    await room.passes(room.mic, 4_800)
    room.duplex.stop()
    await asyncio.to_thread(room.duplex.join)
    assert "the capture thread does not end" in caplog.text
    assert "playback" not in caplog.text


def test_a_volume_alone_is_no_reason_to_open_the_cards_anew() -> None:
    assert not is_another(with_audio(), with_audio(volume=50))
    assert is_another(with_audio(), with_audio(bitrate=16_000))
    assert is_another(with_audio(), replace(with_audio(), gate=replace(DEFAULTS.gate, mode="voice")))
    assert is_another(with_audio(), replace(with_audio(), self_test=replace(DEFAULTS.self_test, every_h=1)))


async def test_threads_that_could_not_start_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not start them is what people are to read."""

    def fails(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fails)
    duplex = Duplex(with_audio(), lambda *_: None, asyncio.get_running_loop())
    with pytest.raises(RuntimeError, match="can't start"):
        duplex.start()
    duplex.stop()
    duplex.join()
