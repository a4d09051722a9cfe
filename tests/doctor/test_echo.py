"""Whether the others hear themselves."""

from dataclasses import replace
from pathlib import Path

import pytest

from device import config
from device.audio import echo as makers
from device.audio.selftest import Result
from device.audio.selftest import Verdict as Loop
from device.config import Config
from device.doctor import echo
from device.doctor.finding import Verdict
from tests.service.test_status import alone

DEFAULTS = config.load(Path("/dev/null"), needs_app_id=False)
HEARD = Result(Loop.FINE, -50.0, -30.0, 12.0)


def configured(wanted: str, half_duplex: bool = False) -> config.Config:
    return replace(
        DEFAULTS, audio=replace(DEFAULTS.audio, echo=wanted), gate=replace(DEFAULTS.gate, half_duplex=half_duplex)
    )  # fmt: skip


def test_a_box_that_hears_itself_and_does_nothing_about_it_is_told_what_to_set() -> None:
    found = echo.judge(*echo.look(None, configured("off")), HEARD)
    assert found.verdict is Verdict.WARN and "the others hear themselves" in found.found
    assert 'echo = "auto"' in found.remedy


@pytest.mark.parametrize("loop", [None, Result(Loop.MUTE, -50.0, -90.0, 0.0)])
def test_a_headset_needs_nothing(loop: Result | None) -> None:
    assert echo.judge(*echo.look(None, configured("off")), loop).verdict is Verdict.OK


def test_without_any_maker_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(makers, "_make", missing)
    found = echo.judge(*echo.look(None, configured("auto")), HEARD)
    assert found.verdict is Verdict.WARN and found.figures == {"echo": "half-duplex"}
    assert "install webrtc" in found.remedy and "install speex" in found.remedy


def test_who_asked_for_half_duplex_has_it() -> None:
    found = echo.judge(*echo.look(None, configured("off", half_duplex=True)), HEARD)
    assert found.verdict is Verdict.OK and "half-duplex" in found.found


def test_the_maker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = echo.judge(*echo.look(None, configured("speex")), HEARD)
    assert found.verdict is Verdict.OK and found.found == "taken out by speex"


def test_of_a_running_intercom_its_own_word_counts() -> None:
    assert echo.look(alone(echo="webrtc"), configured("off")) == ("webrtc", "")


def missing(name: str, tasks: makers.Tasks) -> makers.Canceller:
    raise ImportError(f"install {name}")


def wanting(**audio: bool) -> Config:
    return replace(DEFAULTS, audio=replace(DEFAULTS.audio, **audio))  # type: ignore[arg-type]


def test_noise_and_gain_are_told_of_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert echo.judge_noise(DEFAULTS) == []
    (found,) = echo.judge_noise(wanting(noise=True, gain=True))
    assert (found.check, found.verdict, found.found) == ("noise, gain", Verdict.OK, "by webrtc")
    monkeypatch.setattr(makers, "_make", missing)
    (found,) = echo.judge_noise(wanting(noise=True))
    assert (found.check, found.verdict, found.remedy) == ("noise", Verdict.WARN, "install webrtc; install speex")
