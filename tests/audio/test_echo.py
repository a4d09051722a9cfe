"""Which maker takes the echo out, and that each does, at which times."""

from array import array

import pytest

from device.audio import echo
from device.audio.capture_clock import RATE_HZ, Block
from device.audio.echo import Echo

FRAMES = 960


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
