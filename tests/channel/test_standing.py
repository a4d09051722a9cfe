"""Role and token of a seat: wanted, agreed to, asked for again. How a seat uses it: test_seat.py."""

from device.channel.messages import Join
from device.channel.rules import Role
from device.channel.standing import Standing

JOIN = Join("0" * 32, "lobby", token="first", role=Role.BROADCASTER)
AUDIENCE, BROADCASTER = ("setRole", {"role": "audience"}), ("setRole", {"role": "broadcaster"})
SECOND, THIRD = ("renewToken", {"token": "second"}), ("renewToken", {"token": "third"})


def test_the_seat_is_asked_for_as_it_was_joined_until_something_else_is_wanted() -> None:
    standing = Standing()
    assert standing.asks(JOIN) == JOIN and standing.again() == []
    standing.wished("publish", {})
    standing.agreed("publish", {})
    standing.refused("publish", {})
    assert standing.asks(JOIN) == JOIN and standing.again() == []


def test_A18_A22_what_is_not_agreed_is_asked_for_again_the_role_first() -> None:
    standing = Standing()
    standing.wished(*SECOND)
    standing.wished(*AUDIENCE)
    asked = standing.asks(JOIN)
    assert (asked.token, asked.role) == ("second", Role.AUDIENCE)
    assert standing.again() == [AUDIENCE, SECOND] and standing.steps_down
    standing.agreed(*AUDIENCE)
    assert standing.again() == [SECOND] and not standing.steps_down
    standing.agreed(*SECOND)
    assert standing.again() == [] and standing.asks(JOIN) == asked


def test_A22_a_refusal_brings_back_the_last_token_that_was_good() -> None:
    standing = Standing()
    standing.wished(*SECOND)
    standing.refused(*SECOND)
    assert standing.asks(JOIN).token == "first"
    standing.wished(*SECOND)
    standing.wished(*THIRD)
    standing.refused(*SECOND)
    assert standing.asks(JOIN).token == "third", "the refusal of the one before it does not matter"
    standing.wished(*SECOND)
    standing.agreed(*SECOND)
    standing.wished(*THIRD)
    standing.refused(*THIRD)
    assert standing.asks(JOIN).token == "second" and standing.again() == []


def test_A18_a_refusal_brings_back_the_role_of_before() -> None:
    standing = Standing()
    standing.wished(*AUDIENCE)
    standing.refused(*AUDIENCE)
    assert standing.asks(JOIN).role is Role.BROADCASTER and standing.again() == []
    standing.wished(*BROADCASTER)
    assert not standing.steps_down


def test_a_token_is_in_no_repr() -> None:
    standing = Standing()
    standing.wished("renewToken", {"token": "SECRET"})
    assert "SECRET" not in repr(standing) + repr(standing._wishes)
