"""Which maker takes the echo out, and that each does, at which times."""

from array import array

import numpy as np
import pytest
from scipy.signal import fftconvolve

from device.audio import echo
from device.audio.capture_clock import RATE_HZ, Block
from device.audio.echo import Echo
from tests.soundcard.speech import speech

FRAMES = 960
NS_PER_FRAME = 1_000_000_000 / RATE_HZ


class Subtraction:
    """A canceller for a path without delay."""

    name, delay_ms = "subtraction", 10

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """What is left."""
        return array(
            "h", [one - other for one, other in zip(array("h", captured), array("h", reference), strict=True)]
        ).tobytes()


def test_off_is_nobody_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    assert echo.choose("off") is None and not caplog.records


def test_the_first_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def make(name: str) -> echo.Canceller:
        if name == "webrtc":
            raise ImportError("install it")
        return Subtraction()

    monkeypatch.setattr(echo, "_make", make)
    chosen = echo.choose("auto")
    assert chosen is not None and chosen.canceller.name == "subtraction"
    assert caplog.messages == ["echo: taken out by subtraction"]


def test_one_that_is_wanted_and_missing_is_said_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("device.audio.speex.LIBRARY", "libnothing.so.1")
    assert echo.choose("speex") is None
    assert caplog.messages == [
        "echo: half-duplex instead, as libspeexdsp is missing; install it: apt install libspeexdsp1"
    ]


def test_the_times_of_what_comes_out_are_those_of_the_sound_in_it() -> None:
    """So a microphone that is opened now sends nothing from before, however late it comes out."""
    block = Echo(Subtraction()).clean(Block(bytes(2 * FRAMES), 1_000, 50_000_000_000))
    assert (block.frame, block.captured_ns) == (1_000 - 480, 50_000_000_000 - 480 * (1_000_000_000 // RATE_HZ))


def reduction_db(maker: str, ppm: float = 0, delay_ms: int = 60) -> float:
    """20 s of speech come to a microphone 6 dB quieter: how much quieter the second half becomes.

    ppm: how much faster the speaker's clock runs than the microphone's. The times that both tell wobble by 1 ms.
    """
    rng = np.random.default_rng(1)
    far = speech(pause_s=(0.0, 0.1)).samples[: 20 * RATE_HZ].astype(float)
    room = rng.normal(0, 1, RATE_HZ // 10) * 10 ** np.linspace(0, -3, RATE_HZ // 10)
    in_the_air = np.interp(np.arange(len(far)) * (1 + ppm / 1e6), np.arange(len(far)), far)
    echo_of_it = fftconvolve(in_the_air, 0.5 * room / np.sqrt(np.sum(room**2)))
    heard = np.concatenate([np.zeros(RATE_HZ * delay_ms // 1_000), echo_of_it])[: len(far)] + rng.normal(
        0, 20, len(far)
    )
    ticks, blocks = (
        [one.astype(np.int16).tobytes() for one in np.split(way, len(way) // FRAMES)] for way in (far, heard)
    )
    box, cleaned, told = choose(maker), list[bytes](), 0

    def about(frames: float, rate: float) -> int:
        return round(1e12 + frames * NS_PER_FRAME / rate + rng.uniform(0, 1e6))

    for number, block in enumerate(blocks):
        while told < min(number + 3, len(ticks)):  # the card holds two
            box.played(ticks[told], about(told * FRAMES, 1 + ppm / 1e6))
            told += 1
        cleaned.append(box.clean(Block(block, number * FRAMES, about((number + 1) * FRAMES, 1))).pcm)
    return level_db(blocks[len(blocks) // 2 :]) - level_db(cleaned[len(blocks) // 2 :])


def delay_ms(maker: str) -> float:
    """How much later speech comes out of it, while nothing is played."""
    said = speech().samples[: 4 * RATE_HZ]
    canceller = choose(maker).canceller
    cleaned = b"".join(canceller.clean(one.tobytes(), bytes(2 * FRAMES)) for one in np.split(said, len(said) // FRAMES))
    came = np.frombuffer(cleaned, np.int16).astype(float)
    likeness = [float(np.dot(said[RATE_HZ:-RATE_HZ], came[RATE_HZ + late : late - RATE_HZ])) for late in range(960)]
    return int(np.argmax(likeness)) * 1_000 / RATE_HZ


def choose(maker: str) -> Echo:
    chosen = echo.choose(maker)
    assert chosen is not None, f"{maker} is not installed"
    return chosen


def level_db(blocks: list[bytes]) -> float:
    samples = np.frombuffer(b"".join(blocks), np.int16).astype(float)
    return float(10 * np.log10(np.mean(samples**2)))
