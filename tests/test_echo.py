"""A box whose microphone hears its own speaker, on the virtual card: the others do not hear themselves."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.audio.opus import Decoder, Encoder
from device.channel.rtp import Packet
from device.config import load
from device.duplex import Duplex
from tests.audio.echo_room import level_db
from tests.soundcard import Bench
from tests.soundcard.coupling import Coupling
from tests.soundcard.speech import speech

DEFAULTS = load(Path("/dev/null"), needs_app_id=False)
FRAMES = 960
FAR = 1


async def reduction_db(bench: Bench, echo: str, said_s: float, judged_s: float) -> float:
    """Another one talks for so long: how much quieter in the last seconds is what the box sends than what it hears."""
    loop, sent, decoder, encoder = asyncio.get_running_loop(), list[np.ndarray](), Decoder(), Encoder(20, 28_000, 5)
    said = speech(pause_s=(0.0, 0.1)).samples
    mic, spk = bench.devices["mic"], bench.devices["spk"]
    audio = replace(DEFAULTS.audio, capture="mic", playback="spk", echo=echo)
    box = Duplex(
        replace(DEFAULTS, audio=audio),
        lambda payload, *_: sent.append(np.frombuffer(decoder.decode(payload), np.int16)), loop,
    )  # fmt: skip
    with Coupling(spk, mic, loss_db=6, delay_ms=60, room_dbfs=-70):
        box.start()
        box.gate.unmute(0)
        box.speaker.added(FAR)
        begin = loop.time()
        for number in range(round(said_s * 50)):
            frame = said[number * FRAMES :][:FRAMES]
            packet = Packet(FAR, number, number * FRAMES, encoder.encode(frame.tobytes()))
            box.speaker.received(packet, time.monotonic_ns())
            await asyncio.sleep(max(0.0, begin + (number + 1) * 0.02 - loop.time()))
        now, judged = int(mic.frame()), round(judged_s * 48_000)
        heard = mic.got(now - judged, now)
        box.stop()
        box.join()
    return level_db(heard.astype(float)) - level_db(np.concatenate(sent)[-judged:].astype(float))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with Bench() as bench:
        bench.device("mic"), bench.device("spk")
        for name, value in bench.env().items():
            monkeypatch.setenv(name, value)
        yield bench


async def test_without_anything_the_box_sends_back_what_it_hears(bench: Bench) -> None:
    assert abs(await reduction_db(bench, "off", 4, 2)) < 3


async def test_where_the_canceller_is_missing_the_box_is_half_duplex(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("device.audio.speex.LIBRARY", "libnothing.so.1")
    config = replace(DEFAULTS, audio=replace(DEFAULTS.audio, capture="mic", playback="spk", echo="speex"))
    box = Duplex(config, lambda *_: None, asyncio.get_running_loop())
    box.gate.unmute(0)
    box.gate.heard(-20, 1_000)
    assert box.cleaned["echo"] == "half-duplex" and not box.gate.admit(1_000, -20).send


@pytest.mark.parametrize(("echo", "least_db"), [("speex", 15), ("webrtc", 20)])
async def test_X6_what_the_speaker_sounds_is_not_sent_back(bench: Bench, echo: str, least_db: float) -> None:
    assert await reduction_db(bench, echo, 10, 3) > least_db
