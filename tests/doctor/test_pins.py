"""The doctor's own pins, where there are some and where there are none."""

import sys
from pathlib import Path

import pytest

from device import config
from device.doctor.pins import Pins
from tests import pins
from tests.daemon import APP_ID
from tests.pins import Fingers
from tests.timing import until


@pytest.fixture
def wired(tmp_path: Path) -> config.Config:
    file = tmp_path / "intercom.toml"
    file.write_text(f"[channel]\napp_id = '{APP_ID}'\n")
    return config.load(file)


async def test_one_light_at_a_time_and_dark_in_the_end(
    wired: config.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pins.sock"
    for name, value in pins.env(path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", [str(pins.HERE), *sys.path])
    own = Pins.own(wired)
    try:
        assert own.status()["open"] and own.light
        until(path.exists)
        with Fingers(path) as fingers:
            for name, pin in (("link", 5), ("talk", 6), ("mute", 13)):
                own.light(name)
                assert [number for number in (5, 6, 13) if fingers.shines(number)] == [pin]
            own.light("")
            assert not any(fingers.shines(number) for number in (5, 6, 13))
    finally:
        own.close()
        from gpiozero import Device

        assert Device.pin_factory is not None
        Device.pin_factory.close()
        Device.pin_factory = None


async def test_without_pins_it_says_why(wired: config.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "lgpio")
    own = Pins.own(wired)
    assert not own.status()["open"]
    assert "no buttons and lights" in own.status()["problem"]
    own.close()
