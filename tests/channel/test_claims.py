"""Role and token of a seat: wanted, agreed to, asked for again. How a seat uses it: test_seat.py."""

from device.channel.claims import Claims
from device.channel.messages import Join
from device.channel.rules import Role

JOIN = Join("0" * 32, "lobby", token="first", role=Role.BROADCASTER)
AUDIENCE, BROADCASTER = ("setRole", {"role": "audience"}), ("setRole", {"role": "broadcaster"})
SECOND, THIRD = ("renewToken", {"token": "second"}), ("renewToken", {"token": "third"})


def test_the_seat_is_asked_for_as_it_was_joined_until_something_else_is_wanted() -> None:
    claims = Claims()
    assert claims.asks(JOIN) == JOIN and claims.again() == []
    claims.wished("publish", {})
    claims.agreed("publish", {})
    claims.refused("publish", {})
    assert claims.asks(JOIN) == JOIN and claims.again() == []


def test_A18_A22_what_is_not_agreed_is_asked_for_again_the_role_first() -> None:
    claims = Claims()
    claims.wished(*SECOND)
    claims.wished(*AUDIENCE)
    asked = claims.asks(JOIN)
    assert (asked.token, asked.role) == ("second", Role.AUDIENCE)
    assert claims.again() == [AUDIENCE, SECOND] and claims.steps_down
    claims.agreed(*AUDIENCE)
    assert claims.again() == [SECOND] and not claims.steps_down
    claims.agreed(*SECOND)
    assert claims.again() == [] and claims.asks(JOIN) == asked


def test_A22_a_refusal_brings_back_the_last_token_that_was_good() -> None:
    claims = Claims()
    claims.wished(*SECOND)
    claims.refused(*SECOND)
    assert claims.asks(JOIN).token == "first"
    claims.wished(*SECOND)
    claims.wished(*THIRD)
    claims.refused(*SECOND)
    assert claims.asks(JOIN).token == "third", "the refusal of the one before it does not matter"
    claims.wished(*SECOND)
    claims.agreed(*SECOND)
    claims.wished(*THIRD)
    claims.refused(*THIRD)
    assert claims.asks(JOIN).token == "second" and claims.again() == []


def test_A18_a_refusal_brings_back_the_role_of_before() -> None:
    claims = Claims()
    claims.wished(*AUDIENCE)
    claims.refused(*AUDIENCE)
    assert claims.asks(JOIN).role is Role.BROADCASTER and claims.again() == []
    claims.wished(*BROADCASTER)
    assert not claims.steps_down


def test_a_token_is_in_no_repr() -> None:
    claims = Claims()
    claims.wished("renewToken", {"token": "SECRET"})
    assert "SECRET" not in repr(claims) + repr(claims._wishes)
