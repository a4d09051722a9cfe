"""README shows the appliance as its tables are."""

from collections import Counter

from gpiozero.pins.pi import PiBoardInfo

from device.audio.tones import Tone
from device.call import Place
from device.panel.lights import Pattern
from tests import diagram


def test_readme_has_what_the_tables_say() -> None:
    shown = diagram.README.read_text("utf-8").partition(diagram.BEGIN)[2].partition(diagram.END)[0]
    assert shown == diagram.document(), "scripts/diagram --write puts it right"


def test_what_one_light_does_means_one_thing() -> None:
    rows = [tuple(row.split(" | ")[:2]) for row in list(diagram.lights())[2:]]
    assert [row for row, times in Counter(rows).items() if times > 1] == []
    assert {pattern.value for pattern in Pattern} == {row[1].removeprefix("is ").partition(":")[0] for row in rows}


def test_every_tone_is_explained_and_no_two_sound_alike() -> None:
    rows = list(diagram.tones())[2:]
    assert len({row.split(" | ")[0] for row in rows}) == len(rows) == len(Tone)


def test_every_place_is_in_the_diagram_and_can_be_left() -> None:
    drawn = "\n".join(diagram.states())
    assert all(place.value in drawn for place in Place)
    sources = {source for source, _ in diagram._arrows()}
    assert sources >= {"boot", "left", "wanted", "refused", "in_call"}


def test_the_header_is_that_of_every_raspberry_pi_with_40_pins() -> None:
    """As gpiozero knows them: a Zero, a 2 B, a 3 B, a 4 B and a 5."""
    for revision in (0x900093, 0xA01041, 0xA02082, 0xA03111, 0xC04170):
        header = PiBoardInfo.from_revision(revision).headers["J8"]
        names = {number: pin.name for number, pin in header.pins.items()}
        assert {pin: f"GPIO{bcm}" for pin, bcm in diagram.HEADER.items()} == {
            pin: name for pin, name in names.items() if name.startswith("GPIO")
        }
        assert [pin for pin, name in names.items() if name == "GND"] == list(diagram.GROUND)


def test_the_defaults_are_in_the_wiring_at_the_pins_of_the_header() -> None:
    drawn = "\n".join(diagram.wiring())
    for line in ("mute button - GPIO17  11 |", "leave button - GPIO27  13 |", "rejoin button - GPIO22  15 |",
                 "link light - GPIO5  29 |", "talk light - GPIO6  31 |", "mute light - GPIO13  33 |",
                 "15 | 16  GPIO23 - talk button", "17 | 18  GPIO24 - call button"):  # fmt: skip
        assert line in drawn
