"""What is said of sound cards; that of the virtual ones is in test_examination.py."""

import pytest

from device.doctor import cards
from device.doctor.cards import Granted
from device.doctor.finding import Verdict


def test_the_cards_of_a_machine_by_name_with_what_they_grant() -> None:
    busy = Granted("hw:CARD=Device", state="busy", problem="used by another program; stop that program")
    found = cards.judge_all({
        "Device": {"capture": Granted("hw:CARD=Device", 48_000, 1, "S16_LE"), "playback": busy},
        "vc4hdmi": {"capture": Granted("x", state="absent", problem="none; plug it in"),
                    "playback": Granted("x", 48_000, 2, "S16_LE")},
    })  # fmt: skip
    assert found.verdict is Verdict.OK
    assert found.found == (
        "Device (capture 48000 Hz mono S16_LE, playback in use); "
        "vc4hdmi (capture none, playback 48000 Hz 2 channels S16_LE)"
    )
    assert cards.judge_all({}).verdict is Verdict.WARN


def test_this_machine_can_be_looked_at() -> None:
    assert set(cards.look_around()) == set(cards.judge_all(cards.look_around()).figures["cards"])


@pytest.mark.parametrize("state", ["absent", "busy", "denied", "unsupported", "stalled", "failing"])
def test_a_card_that_does_not_run_in_the_intercom_has_a_remedy(state: str) -> None:
    found = cards.judge("capture", Granted("plughw:CARD=Device", state=state))
    assert found.verdict is Verdict.FAIL and found.remedy
    assert cards.judge("capture", Granted("plughw:CARD=Device")).verdict is Verdict.OK
