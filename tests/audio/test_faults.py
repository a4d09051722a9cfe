"""What people are told about a card that cannot be used, and what the rest of the program makes of it."""

import os
from errno import EACCES, EBUSY, EIO, ENODEV, ENOENT, EPERM, ESTRPIPE

import pytest

from device.audio.faults import CardError, Outage, fault, stalled, unsupported


@pytest.mark.parametrize(
    ("number", "state", "remedy"),
    [
        (EBUSY, "busy", "stop that program"),
        (ENODEV, "absent", "plug it in, or name another in [audio]"),
        (ENOENT, "absent", "plug it in, or name another in [audio]"),
        (EACCES, "denied", "add the user to group audio"),
        (EPERM, "denied", "add the user to group audio"),
        (ESTRPIPE, "suspended", "it is opened again"),
        (EIO, "failing", "unplug it and plug it in again"),
    ],
)
def test_a_text_of_libasound_becomes_a_state_and_a_remedy(number: int, state: str, remedy: str) -> None:
    """libasound's own text is that of strerror, after the name of the device."""
    error = fault("plughw:CARD=Device", f"{os.strerror(number)} [plughw:CARD=Device]")
    assert (error.state, isinstance(error, CardError)) == (state, True)
    assert "plughw:CARD=Device" in str(error)
    assert str(error).endswith(remedy)


def test_an_unknown_name_is_an_absent_card() -> None:
    assert fault("kitchen", "Unknown PCM kitchen").state == "absent"


def test_what_the_card_grants_is_said_beside_what_would_do() -> None:
    error = unsupported("hw:0", 44_100, 2, "S32_LE", 1_024)
    assert error.state == "unsupported"
    assert str(error).startswith("hw:0 grants 44100 Hz, 2 channel(s), S32_LE, a buffer of 1024 frames; ")
    assert "plughw:CARD=" in str(error)


def test_a_card_that_stands_still_says_what_to_do_if_it_stays_so() -> None:
    assert stalled("hw:0").state == "stalled"
    assert str(stalled("hw:0")).endswith("unplug it and plug it in again")


def test_the_program_that_holds_it_is_named_where_it_is_known() -> None:
    assert str(fault("hw:0", os.strerror(EBUSY), "mpv (12)")) == "hw:0 is used by mpv (12); stop that program"


def test_of_an_outage_each_kind_is_said_once_and_one_that_passes_is_not_said() -> None:
    outage = Outage(0)
    states = ["absent"] * 3 + ["denied", "absent", "busy", "busy", "busy", "absent", "denied", "denied", "denied"]
    said = [outage.is_news(state) for state in states]
    assert [state for state, news in zip(states, said, strict=True) if news] == ["absent", "busy", "denied"]
    assert said[6] and said[10], "when it came for the second time in a row"
