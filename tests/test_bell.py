"""The bell in a real speaker: short tones when they are wanted, and a ring that ends by itself."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from device import bell
from device.audio import tones
from device.audio.tones import Tone
from device.bell import Bell
from device.config import Tones
from device.sound import Speaker
from tests.soundcard import Bench, Device
from tests.test_sound import AUDIO
from tests.timing import seconds

SECOND = 48_000
ON = Tones(on=True, volume=100)


@contextmanager
def speaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Speaker, Device]]:
    with Bench() as bench:
        bench.device("mic")
        card = bench.device("speaker")
        for name, value in bench.env("mic", "speaker").items():
            monkeypatch.setenv(name, value)
        speaker = Speaker(AUDIO)
        speaker.card.start()
        try:
            yield speaker, card
        finally:
            speaker.card.stop()
            speaker.card.join(seconds(5))


async def sounded(card: Device, for_s: float) -> float:
    """How much of the next time something sounds, s."""
    begin = round(card.frame())
    while card.frame() < begin + for_s * SECOND:
        await asyncio.sleep(0.02)
    return float((np.abs(card.got(begin, begin + round(for_s * SECOND)).astype(int)) > 200).mean() * for_s)


async def test_a_tone_is_heard_once_and_none_where_there_are_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with speaker(monkeypatch) as (spk, card):
        lasts_s = Bell(ON, spk, lambda: None).sound(Tone.JOINED)
        assert lasts_s == len(tones.pcm(Tone.JOINED)) / 2 / SECOND
        assert 0.2 < await sounded(card, 0.6) < lasts_s
        Bell(Tones(on=False, volume=100), spk, lambda: None).sound(Tone.JOINED)
        assert await sounded(card, 0.4) == 0


async def test_it_rings_again_and_again_until_it_is_hushed(monkeypatch: pytest.MonkeyPatch) -> None:
    over: list[float] = []
    with speaker(monkeypatch) as (spk, card):
        rings = Bell(ON, spk, lambda: over.append(time.monotonic()))
        rings.ring()
        assert await sounded(card, 1.0) > 0.3
        assert await sounded(card, 1.3) > 0.1
        rings.hush()  # in the midst of the second one
        await sounded(card, 0.1)  # what the card holds already
        assert await sounded(card, 1.8) == 0
    assert over == []


async def test_a_ring_that_nobody_answers_is_over_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bell.RING_S == 30
    monkeypatch.setattr(bell, "RING_S", 0.5)
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with speaker(monkeypatch) as (spk, _):
        rings = Bell(ON, spk, lambda: over.set_result(None))
        began_s = time.monotonic()
        rings.ring()
        await asyncio.wait_for(over, seconds(5))
        assert time.monotonic() - began_s >= 0.5
        rings.stop()


async def test_what_a_missing_speaker_did_not_sound_is_not_heard_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with speaker(monkeypatch) as (spk, card):
        assert await sounded(card, 0.1) == 0
        card.unplug()
        while spk.card.status.state == "running":
            await asyncio.sleep(0.02)
        Bell(ON, spk, lambda: None).sound(Tone.LINK_LOST)
        card.plug()
        while spk.card.status.state != "running":
            await asyncio.sleep(0.02)
        assert await sounded(card, 0.6) == 0
