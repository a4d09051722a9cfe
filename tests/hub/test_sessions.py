"""A session opens one seat, at the hub that made it, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel import messages
from device.hub.sessions import Sessions

APP = "0123456789abcdef0123456789abcdef"
SEAT = (APP, "lobby", 7)
OURS = Sessions(b"k" * 32)
SESSION = OURS.issue(*SEAT, random=bytes(range(16)))


def test_its_maker_knows_it() -> None:
    assert OURS.is_ours(SESSION, *SEAT)


def test_it_fits_what_a_client_may_send() -> None:
    assert len(SESSION) == 43 <= messages.SESSION_MAX_CHARACTERS


def test_another_hub_does_not_know_it() -> None:
    assert not Sessions(b"x" * 32).is_ours(SESSION, *SEAT)


@pytest.mark.parametrize("seat", [("f" * 32, "lobby", 7), (APP, "lobby ", 7), (APP, "lobby", 8)])
def test_it_opens_no_other_seat(seat: tuple[str, str, int]) -> None:
    assert not OURS.is_ours(SESSION, *seat)


def test_the_same_seat_gets_another_session_from_other_random_bits() -> None:
    assert OURS.issue(*SEAT, random=b"x" * 16) != SESSION


@given(at=st.integers(0, 42), character=st.characters())
def test_no_character_of_it_can_be_changed(at: int, character: str) -> None:
    changed = SESSION[:at] + character + SESSION[at + 1 :]
    assert OURS.is_ours(changed, *SEAT) == (changed == SESSION)


@given(st.text(max_size=128))
def test_no_text_passes_for_one(text: str) -> None:
    assert not OURS.is_ours(text, *SEAT)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sessions(b"short")
