"""The table of codes: complete, and every error knows what follows from it."""

import pytest

from device.channel import errors
from device.channel.errors import ChannelError, Remedy

CODES = {name: value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)}


def test_every_code_has_its_row_under_its_own_name() -> None:
    del (codes := dict(CODES))["REASON_MAX_CHARACTERS"]
    assert {name: errors.TABLE[code].name for name, code in codes.items()} == {name: name for name in codes}


@pytest.mark.parametrize("code", errors.TABLE)
def test_an_error_without_a_reason_says_that_of_the_table(code: int) -> None:
    error = ChannelError(code)
    assert error.reason == errors.TABLE[code].reason
    assert error.remedy is errors.TABLE[code].remedy
    assert str(error) == f"{error.reason} ({code})"


def test_an_error_keeps_the_reason_it_was_given() -> None:
    assert ChannelError(errors.LOGIN_FAILED, "token expired").reason == "token expired"


def test_a_code_that_only_a_newer_hub_knows_asks_for_a_slower_retry() -> None:
    error = ChannelError(12_345)
    assert error.remedy is Remedy.SLOW_DOWN
    assert "12345" in str(error)


def test_what_a_peer_says_to_people_is_one_short_line() -> None:
    assert errors.for_people("a\n\x1b[31mb") == "a??[31mb"
    assert len(errors.for_people("x" * 10_000)) == errors.REASON_MAX_CHARACTERS
