"""The clocks of a seat, by numbers. What a hub does by them: test_stage.py."""

import math

import pytest

from device import jsonrpc
from device.channel import errors
from device.channel.rules import Role
from device.hub.rights import EXPIRED_GRACE_S, WILL_EXPIRE_S, Rights


def test_without_a_token_nothing_ever_ends() -> None:
    rights = Rights()
    assert rights.may_stay(1e12) and rights.may_publish(1e12)
    assert not rights.are_over(1e12) and rights.notice(1e12) == ""


@pytest.mark.parametrize(
    ("told", "now", "notice"),
    [
        ("", 69.9, ""),
        ("", 70.0, "token-privilege-will-expire"),
        ("token-privilege-will-expire", 99.9, ""),
        ("token-privilege-will-expire", 100.0, "token-privilege-did-expire"),
        ("", 100.0, "token-privilege-did-expire"),
        ("token-privilege-did-expire", 104.0, ""),
    ],
)
def test_B6_B7_what_is_told_when_a_right_to_join_ends_at_100_s(told: str, now: float, notice: str) -> None:
    assert (WILL_EXPIRE_S, EXPIRED_GRACE_S) == (30.0, 5.0)
    assert Rights(join_until=100.0, told=told).notice(now) == notice


def test_T7_at_the_end_it_is_over_and_a_moment_later_the_seat_is_given_up() -> None:
    rights = Rights(join_until=100.0, publish_until=50.0)
    assert rights.may_stay(99.9) and not rights.may_stay(100.0)
    assert rights.may_publish(49.9) and not rights.may_publish(50.0)
    assert not rights.are_over(104.9) and rights.are_over(105.0)
    assert not Rights(publish_until=-math.inf).may_publish(0.0)


def comes_back(kept: Rights, token: Rights | None, now: float = 10.0) -> Rights:
    def admit() -> Rights:
        if token is None:
            raise jsonrpc.JsonRpcError(errors.TOKEN_EXPIRED, "expired")
        return token

    return kept.or_better(admit, now)


def test_A8_who_comes_back_with_a_token_that_gives_more_has_that() -> None:
    kept, longer = Rights(Role.AUDIENCE, join_until=20.0, told="x"), Rights(join_until=3_600.0)
    assert comes_back(kept, longer) == Rights(Role.AUDIENCE, join_until=3_600.0)
    assert comes_back(Rights(publish_until=5.0), Rights()) == Rights()


def test_A8_who_comes_back_with_the_token_of_before_has_what_he_had() -> None:
    kept = Rights(join_until=20.0, told="token-privilege-will-expire")
    assert comes_back(kept, Rights(join_until=20.5)) is kept
    assert comes_back(kept, Rights(join_until=15.0)) is kept


def test_A8_a_token_that_is_good_no_more_matters_only_to_who_may_stay_no_more() -> None:
    kept = Rights(join_until=20.0)
    assert comes_back(kept, None) is kept
    with pytest.raises(jsonrpc.JsonRpcError):
        comes_back(kept, None, now=21.0)
