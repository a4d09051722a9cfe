"""Which maker takes the echo out, and that each does, at which times."""

from array import array

import pytest

from device.audio import echo
from device.audio.capture_clock import RATE_HZ, Block
from device.audio.echo import Echo
from tests.audio.echo_room import choose, delay_ms

FRAMES = 960


class Subtraction:
    """A canceller for a path without delay, which gives what it has taken 10 ms later."""

    name, delay_ms = "subtraction", 10

    def __init__(self) -> None:
        self.taken, self._held = 0, bytes(960)

    def clean(self, captured: bytes, reference: bytes) -> bytes:
        """What is left."""
        self.taken += 1
        left = (one - other for one, other in zip(array("h", captured), array("h", reference), strict=True))
        sound = self._held + array("h", left).tobytes()
        self._held = sound[len(captured) :]
        return sound[: len(captured)]


def test_off_is_nobody_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    assert echo.choose("off") is None and not caplog.records


def test_the_first_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def make(name: str, tasks: echo.Tasks) -> echo.Canceller:
        if name == "webrtc":
            raise ImportError("install it")
        return Subtraction()

    monkeypatch.setattr(echo, "_make", make)
    chosen = echo.choose("auto")
    assert chosen is not None and chosen.canceller.name == "subtraction"
    assert caplog.messages == ["echo: by subtraction"]


def test_one_that_is_wanted_and_missing_is_said_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("device.audio.speex.LIBRARY", "libnothing.so.1")
    assert echo.choose("speex") is None
    assert caplog.messages == [
        "echo: half-duplex instead, as libspeexdsp is missing; install it: apt install libspeexdsp1"
    ]


@pytest.mark.parametrize("maker", echo.MAKERS)
def test_each_maker_is_as_late_as_it_says(maker: str) -> None:
    """So that a microphone that is opened sends nothing from before."""
    canceller = choose(maker).canceller
    assert abs(delay_ms(canceller) - canceller.delay_ms) < 0.2


def test_the_times_of_what_comes_out_are_those_of_the_sound_in_it() -> None:
    """So a microphone that is opened now sends nothing from before, however late it comes out."""
    block = Echo(Subtraction()).clean(Block(bytes(2 * FRAMES), 1_000, 50_000_000_000))
    assert (block.frame, block.captured_ns) == (1_000 - 480, 50_000_000_000 - 480 * (1_000_000_000 // RATE_HZ))


def test_while_nothing_is_played_the_sound_only_waits_and_nothing_is_heard_twice_or_missing() -> None:
    """Somebody counts; after 3 s of that, and again after 8, the speaker sounds something for a second."""
    box, said = Echo(canceller := Subtraction()), array("h", [number % 20_000 + 1 for number in range(12 * RATE_HZ)])
    pcm, came = said.tobytes(), b""
    for number in range(12 * 50):
        at_ns = 10**12 + number * 20_000_000
        box.played((b"\1\0" if number // 50 in (3, 8) else b"\0\0") * FRAMES, at_ns + 20_000_000)
        came += box.clean(Block(pcm[number * 2 * FRAMES :][: 2 * FRAMES], number * FRAMES, at_ns + 20_000_000)).pcm
    assert canceller.taken in range(2 * 100, 7 * 100), "it rests before, between and after"
    heard = array("h", came)[480:]
    steps = [before - after for before, after in zip(said, heard, strict=False)]
    assert set(steps) == {0, 1}


def test_noise_alone_takes_the_first_maker_there_is_and_never_rests(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    box = echo.choose("off", noise=True)
    assert box is not None and echo.done_by(box) == {"echo": "off", "noise": "webrtc", "gain": "off"}
    assert caplog.messages == ["noise: by webrtc"]
    always = Echo(canceller := Subtraction(), echo.Tasks(echo=True, noise=True))
    for number in range(300):
        always.clean(Block(bytes(2 * FRAMES), number * FRAMES, 10**12 + number * 20_000_000))
    assert canceller.taken == 600


def test_noise_and_gain_stay_where_there_is_no_maker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def make(name: str, tasks: echo.Tasks) -> echo.Canceller:
        raise ImportError(f"{name} is missing")

    monkeypatch.setattr(echo, "_make", make)
    assert echo.choose("off", noise=True, gain=True) is None
    assert caplog.messages == ["noise, gain: nothing is done about it, as webrtc is missing; speex is missing"]
    assert echo.done_by(None) == {"echo": "off", "noise": "off", "gain": "off"}
