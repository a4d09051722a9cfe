"""What people are told about a card that cannot be used, and what the rest of the program makes of it."""

import os
from errno import EACCES, EBUSY, EIO, ENODEV, ENOENT, EPERM

import pytest

from device.audio.faults import CardError, fault, unsupported


@pytest.mark.parametrize(
    ("number", "state", "remedy"),
    [
        (EBUSY, "busy", "stop that program"),
        (ENODEV, "absent", "plug it in, or name another"),
        (ENOENT, "absent", "plug it in, or name another"),
        (EACCES, "denied", "add the user to group audio"),
        (EPERM, "denied", "add the user to group audio"),
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
