"""What is said of sound cards; that of the virtual ones is in test_examination.py."""

import pytest

from device.audio import alsa
from device.audio.faults import CardDenied
from device.doctor import cards
from device.doctor.cards import Granted
from device.doctor.finding import Verdict
from tests.audio import recorded


def test_the_cards_of_a_machine_by_name_with_what_they_grant() -> None:
    busy = Granted("hw:CARD=Device", state="busy", problem="used by another program; stop that program")
    found = cards.judge_all({
        "Device": {"capture": Granted("hw:CARD=Device", 48_000, 1, "S16_LE"), "playback": busy},
        "vc4hdmi": {"capture": Granted("x", state="absent", problem="none; plug it in"),
                    "playback": Granted("x", 48_000, 2, "S16_LE")},
    }, "")  # fmt: skip
    assert found.verdict is Verdict.OK
    assert found.found == (
        "Device (capture 48000 Hz mono S16_LE, playback in use); "
        "vc4hdmi (capture none, playback 48000 Hz 2 channels S16_LE)"
    )
    assert cards.judge_all({}, "").verdict is Verdict.WARN


def test_this_machine_can_be_looked_at() -> None:
    around, problem = cards.look_around()
    assert set(around) == set(cards.judge_all(around, problem).figures["cards"])


def test_who_may_not_look_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied() -> list[str]:
        raise CardDenied("the list of sound cards may not be opened; add the user to group audio")

    monkeypatch.setattr(alsa, "cards", denied)
    found = cards.judge_all(*cards.look_around())
    assert (found.verdict, found.remedy) == (Verdict.FAIL, "add the user to group audio")


# A USB card has both ways; the jack and HDMI of a Raspberry Pi have no microphone.
BOTH_WAYS = ("Device", "Device_1", "CODEC")


def pi(names: list[str]) -> dict[str, dict[str, Granted]]:
    """What these cards of a Raspberry Pi grant."""
    absent = Granted("x", state="absent", problem="there is no sound card x; plug it in, or name another in [audio]")
    playback, microphone = Granted("x", 48_000, 2, "S16_LE"), Granted("x", 48_000, 1, "S16_LE")
    return {
        name: {"capture": microphone if name in (*BOTH_WAYS, "Webcam") else absent,
               "playback": absent if name == "Webcam" else playback}
        for name in names
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "microphones", "speakers"),
    [
        (recorded.PI_4, "", "plughw:CARD=Headphones or plughw:CARD=vc4hdmi0 or plughw:CARD=vc4hdmi1"),
        (recorded.PI_5_WITH_A_HAT, "", "plughw:CARD=vc4hdmi0 or plughw:CARD=vc4hdmi1 or plughw:CARD=sndrpihifiberry"),
        (
            recorded.PI_3_WITH_USB_CARDS,
            "plughw:CARD=Webcam or plughw:CARD=CODEC",
            "plughw:CARD=Headphones or plughw:CARD=CODEC or plughw:CARD=vc4hdmi",
        ),
        (recorded.NONE, "", ""),
    ],
)
def test_what_it_suggests_on_a_raspberry_pi(names: list[str], microphones: str, speakers: str) -> None:
    around = pi(names)
    assert (cards.suggest(around, "capture"), cards.suggest(around, "playback")) == (microphones, speakers)
    missing = Granted(
        "default", state="absent", problem="there is no sound card default; plug it in, or name another in [audio]"
    )
    remedy = cards.judge("capture", missing, around).remedy
    assert remedy == "plug it in, or name another in [audio]" + (f": {microphones}" if microphones else "")


def test_a_usb_card_is_suggested_by_the_same_name_wherever_it_stands() -> None:
    for names in (recorded.PI_4_WITH_ITS_USB_CARD, recorded.PI_4_STARTED_WITH_ITS_USB_CARD):
        assert cards.suggest(pi(names), "capture") == "plughw:CARD=Device"
    two = pi(recorded.PI_4_WITH_TWO_OF_A_KIND)
    assert cards.suggest(two, "capture") == "plughw:CARD=Device or plughw:CARD=Device_1"


@pytest.mark.parametrize("device", ["hw:3", "plughw:3,0", "plughw:CARD=3", "plughw:CARD=3,DEV=0"])
def test_a_card_that_is_named_by_its_number_is_to_be_named_by_its_name(device: str) -> None:
    around = pi(recorded.PI_4_WITH_ITS_USB_CARD)
    for grant in (Granted(device, 48_000, 1, "S16_LE"), Granted(device)):
        found = cards.judge("capture", grant, around)
        assert (found.verdict, found.remedy) == (Verdict.WARN, "name it in [audio]: plughw:CARD=Device")
    assert cards.judge("capture", Granted("plughw:CARD=Device", 48_000, 1, "S16_LE"), around).verdict is Verdict.OK


@pytest.mark.parametrize("state", ["absent", "busy", "denied", "unsupported", "suspended", "stalled", "failing"])
def test_a_card_that_does_not_run_in_the_intercom_has_a_remedy(state: str) -> None:
    found = cards.judge("capture", Granted("plughw:CARD=Device", state=state), {})
    assert found.verdict is Verdict.FAIL and found.remedy
    assert cards.judge("capture", Granted("plughw:CARD=Device"), {}).verdict is Verdict.OK
