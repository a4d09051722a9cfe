"""Pins through gpiozero, pressed and looked at from outside."""

import queue
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device.panel.pins import Pins, PinsError
from tests import pins
from tests.pins import Fingers
from tests.timing import seconds

Edge = tuple[str, bool, int]


@pytest.fixture
def fingers_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "pins.sock"
    for name, value in pins.env(path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", [str(pins.HERE), *sys.path])
    yield path
    from gpiozero import Device

    if Device.pin_factory is not None:
        Device.pin_factory.close()
        Device.pin_factory = None


@pytest.mark.parametrize(
    ("pull", "pressed"), [("up", "low"), ("down", "high"), ("up", "high"), ("down", "low"), ("none", "low")]
)
def test_edges_are_told_as_the_button_is_wired(fingers_at: Path, pull: str, pressed: str) -> None:
    edges: queue.Queue[Edge] = queue.Queue()
    panel = Pins({"mute": 17}, {}, lambda *edge: edges.put(edge), pull=pull, pressed=pressed)
    try:
        with Fingers(fingers_at) as fingers:
            fingers.down(17)
            fingers.up(17)
            low = fingers.down(17)
    finally:
        panel.close()
    told = [edges.get(timeout=seconds(1)) for _ in range(edges.qsize())][-3:]
    assert [closed for _, closed, _ in told[-2:]] == [pressed == "high", pressed == "low"]
    assert {name for name, _, _ in told} == {"mute"}
    assert 0 <= low - told[-1][2] < seconds(1) * 1e9


def test_an_edge_that_is_told_late_has_the_time_when_it_happened(fingers_at: Path) -> None:
    edges: queue.Queue[Edge] = queue.Queue()
    panel = Pins({"mute": 17}, {}, lambda *edge: edges.put(edge))
    with Fingers(fingers_at) as fingers:
        told_ns = fingers.down(17, late_ms=50)
        _, closed, at_ns = edges.get_nowait()
        assert closed
        assert 50e6 <= told_ns - at_ns < 50e6 + seconds(1) * 1e9
    panel.close()


@pytest.mark.parametrize("apart_s", [-3_600.0, 3_600.0])
def test_times_of_another_clock_are_not_believed(fingers_at: Path, apart_s: float) -> None:
    from gpiozero import Device

    edges: queue.Queue[Edge] = queue.Queue()
    panel = Pins({"mute": 17}, {}, lambda *edge: edges.put(edge))
    Device.pin_factory.ticks = lambda: time.monotonic() + apart_s
    with Fingers(fingers_at) as fingers:
        before_ns = time.monotonic_ns()
        told_ns = fingers.down(17)
        assert before_ns <= edges.get_nowait()[2] <= told_ns
    panel.close()


@pytest.mark.parametrize("lit", ["high", "low"])
def test_lights_shine_as_they_are_wired_and_end_dark(fingers_at: Path, lit: str) -> None:
    panel = Pins({}, {"link": 5}, lambda *_: None, lit=lit)
    with Fingers(fingers_at) as fingers:
        assert fingers.shines(5) is (lit == "low")
        panel.shine("link", True)
        assert fingers.shines(5) is (lit == "high")
        panel.shine("nowhere", True)
        panel.close()


def test_after_closing_nothing_is_told(fingers_at: Path) -> None:
    edges: list[Edge] = []
    panel = Pins({"mute": 17}, {}, lambda *edge: edges.append(edge))
    with Fingers(fingers_at) as fingers:
        panel.close()
        edges.clear()
        fingers.down(17)
    assert edges == []
    Pins({"mute": 17}, {}, lambda *edge: None).close()


def test_a_pin_that_is_taken_is_one_line(fingers_at: Path) -> None:
    panel = Pins({"mute": 17}, {}, lambda *_: None)
    with pytest.raises(PinsError, match="another program has one of the pins") as refusal:
        Pins({"leave": 17}, {"link": 5}, lambda *_: None)
    assert "\n" not in str(refusal.value)
    panel.close()
    Pins({}, {"link": 5}, lambda *_: None).close()


@pytest.mark.parametrize("factory", ["lgpio", "no-such-factory"])
def test_without_pins_the_line_says_what_to_install(fingers_at: Path, factory: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GPIOZERO_PIN_FACTORY", factory)
        patch.setattr(sys, "path", [folder for folder in sys.path if not folder.endswith("/dist-packages")])
        with pytest.raises(PinsError, match=f"sudo apt install python3-lgpio.*{sys.prefix}"):
            Pins({"mute": 17}, {}, lambda *_: None)


def test_without_permission_the_line_names_the_group(fingers_at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gpiozero

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(gpiozero, "DigitalInputDevice", refuse)
    with pytest.raises(PinsError, match="add the user to group gpio"):
        Pins({"mute": 17}, {}, lambda *_: None)


def test_anything_else_is_named(fingers_at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gpiozero

    def fail(*_: object, **__: object) -> None:
        raise ValueError("something else")

    monkeypatch.setattr(gpiozero, "DigitalInputDevice", fail)
    with pytest.raises(PinsError, match="ValueError: something else"):
        Pins({"mute": 17}, {}, lambda *_: None)
