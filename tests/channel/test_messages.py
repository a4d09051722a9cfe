"""Requests and notifications: what one end writes the other reads, and wrong members are named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import jsonrpc
from device.channel import messages, rules
from device.channel.messages import Join, Rejoin, Seated, Stream
from device.jsonrpc import JsonRpcError

uids = st.integers(1, rules.UID_MAX)
labels = st.text(max_size=16).filter(str.isprintable)
joins = st.builds(
    Join,
    app_id=st.text(alphabet="0123456789abcdefABCDEF", min_size=32, max_size=32),
    channel=st.text(alphabet=sorted(rules.CHANNEL_CHARACTERS), min_size=1, max_size=64),
    uid=st.integers(0, rules.UID_MAX),
    token=st.text(max_size=40),
    role=st.sampled_from(rules.Role),
    label=labels,
    auto_subscribe=st.booleans(),
)
seats = st.builds(
    Seated,
    uid=uids,
    session=st.text(max_size=messages.SESSION_MAX_CHARACTERS),
    resumed=st.booleans(),
    streams=st.lists(st.builds(Stream, uids, labels), max_size=4).map(tuple),
    removed=st.lists(uids, max_size=4).map(tuple),
    ping_ms=st.integers(100, 60_000),
    grace_ms=st.integers(0, 3_600_000),
    hub_version=st.text(max_size=10),
)
JOIN = Join("0" * 32, "lobby").params()
SEATED = Seated(7, "secret", True, (), (), 1_000, 20_000, "1").params()


def over_the_wire(params: jsonrpc.Params) -> jsonrpc.Params:
    message = jsonrpc.parse(jsonrpc.notification("x", params))
    assert isinstance(message, jsonrpc.Notification)
    return message.params


@given(joins, st.text(max_size=40), st.lists(uids, max_size=5))
def test_what_a_client_asks_the_hub_reads(join: Join, session: str, known: list[int]) -> None:
    assert Join.read(over_the_wire(join.params())) == join
    rejoin = Rejoin(join, session, tuple(known))
    assert Rejoin.read(over_the_wire(rejoin.params())) == rejoin


@given(seats)
def test_what_the_hub_answers_a_client_reads(seated: Seated) -> None:
    assert Seated.read(over_the_wire(seated.params())) == seated


@given(joins)
def test_members_that_only_a_newer_client_knows_are_ignored(join: Join) -> None:
    assert Join.read({**join.params(), "hologram": True}) == join


def test_what_has_a_default_may_be_missing() -> None:
    assert Join.read({"appId": "0" * 32, "channel": "lobby"}) == Join("0" * 32, "lobby")
    assert Seated.read({"uid": 7, "session": "s"}) == Seated(7, "s", False, (), (), 1_000, 20_000, "")


def test_secrets_are_in_no_repr() -> None:
    join = Join("0" * 32, "lobby", token="SECRET-TOKEN")
    for shown in (join, Rejoin(join, "SECRET-SESSION"), Seated(7, "SECRET-SESSION", True, (), (), 1_000, 0, "")):
        assert "SECRET" not in repr(shown)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("appId", "0"),
        ("appId", 1),
        ("channel", "a/b"),
        ("channel", None),
        ("uid", -1),
        ("uid", 2**32),
        ("uid", True),
        ("uid", "7"),
        ("token", "x" * (messages.TOKEN_MAX_CHARACTERS + 1)),
        ("token", 5),
        ("role", "king"),
        ("label", "a\nb"),
        ("label", "\ud800"),
        ("autoSubscribe", 1),
        ("session", "x" * (messages.SESSION_MAX_CHARACTERS + 1)),
        ("session", None),
        ("known", {}),
        ("known", [1] * (messages.MAX_KNOWN_UIDS + 1)),
        ("known", [-1]),
        ("known", ["7"]),
    ],
)
def test_a_wrong_member_of_a_request_is_named(member: str, value: Any) -> None:
    with pytest.raises(JsonRpcError, match=member) as refused:
        Rejoin.read({**JOIN, "session": "s", member: value})
    assert refused.value.code == jsonrpc.INVALID_PARAMS


@pytest.mark.parametrize("member", ["appId", "channel", "session"])
def test_a_member_that_must_be_there_is_named(member: str) -> None:
    params = {name: value for name, value in {**JOIN, "session": "s"}.items() if name != member}
    with pytest.raises(JsonRpcError, match=f"{member} is missing"):
        Rejoin.read(params)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("uid", 0),
        ("uid", True),
        ("session", None),
        ("resumed", 1),
        ("streams", {}),
        ("streams", [7]),
        ("streams", [{"uid": 0}]),
        ("streams", [{"uid": 7, "label": "\x00"}]),
        ("removed", [0]),
        ("removed", None),
        ("ping_ms", 0),
        ("ping_ms", 10**9),
        ("ping_ms", 1.5),
        ("grace_ms", -1),
        ("hub", []),
        ("hub", {"version": 1}),
    ],
)
def test_a_wrong_member_of_an_answer_is_refused(member: str, value: Any) -> None:
    with pytest.raises(JsonRpcError):
        Seated.read({**SEATED, member: value})


def test_an_error_notification_has_a_code_and_perhaps_a_reason() -> None:
    assert messages.read_error({"code": 502, "reason": "busy"}) == (502, "busy")
    assert messages.read_error({"code": 502}) == (502, "")
    with pytest.raises(JsonRpcError):
        messages.read_error({"reason": "busy"})


def test_somebody_quits_becomes_an_audience_or_is_dropped() -> None:
    assert messages.read_reason({"reason": "quit"}) == "quit"
    assert messages.read_reason({"reason": "became-audience"}) == "became-audience"
    assert messages.read_reason({"reason": ["quit"]}) == "dropped"


def test_the_longest_rejoin_fits_into_a_text_message() -> None:
    join = Join("0" * 32, "x" * 64, rules.UID_MAX, "x" * messages.TOKEN_MAX_CHARACTERS, label="é" * 32)
    rejoin = Rejoin(join, "x" * messages.SESSION_MAX_CHARACTERS, (rules.UID_MAX,) * messages.MAX_KNOWN_UIDS)
    assert len(jsonrpc.request(2**31, messages.REJOIN, rejoin.params())) <= rules.MAX_TEXT_BYTES


def test_where_a_hub_sends_us_is_a_short_text_or_itself() -> None:
    assert messages.read_url({}) == ""
    assert messages.read_url({"url": "ws://hub:8800"}) == "ws://hub:8800"
    for wrong in (7, None, "x" * 2_049):
        with pytest.raises(jsonrpc.JsonRpcError):
            messages.read_url({"url": wrong})


def test_a_ticket_goes_into_no_join_and_into_no_log() -> None:
    ticket = messages.Ticket(7, "SECRET")
    join = Join("0" * 32, "lobby", ticket=ticket)
    assert "SECRET" not in f"{ticket} {join} {join.params()}"
    assert "7" in str(ticket)
    assert join == Join("0" * 32, "lobby"), "it asks for the same"


def test_A18_a_role_is_one_of_two_and_any_other_is_431() -> None:
    assert messages.read_role({"role": "audience"}) is rules.Role.AUDIENCE
    for wrong in ({}, {"role": "king"}, {"role": ["audience"]}):
        with pytest.raises(JsonRpcError) as refused:
            messages.read_role(wrong)
        assert refused.value.code == 431


def test_A22_a_new_token_is_a_text_that_is_not_too_long() -> None:
    assert messages.read_token({"token": "007"}) == "007"
    for wrong in ({}, {"token": 7}, {"token": "x" * (messages.TOKEN_MAX_CHARACTERS + 1)}):
        with pytest.raises(JsonRpcError, match="token") as refused:
            messages.read_token(wrong)
        assert refused.value.code == jsonrpc.INVALID_PARAMS
