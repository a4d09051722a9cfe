"""The way of one connection to a seat, message by message."""

from dataclasses import replace
from itertools import count
from random import Random

import pytest

from device import jsonrpc
from device.channel import address, errors, messages
from device.channel.actions import Action, Close, Dial, Send
from device.channel.approach import Approach, Arrival, Setback
from device.channel.dialling import Dialling
from device.channel.messages import Join, Rejoin, Seated
from device.channel.moving import Moving
from device.channel.verdicts import Miss, Verdict

HUB = address.read("ws://127.0.0.1:8800")
JOIN = Join("0" * 32, "lobby", uid=7)
SEATED = Seated(7, "s", False, (), (), 1_000, 20_000, "1")


class Way:
    """An approach with one attempt dialled."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.dialling = Dialling(1, Random(1))
        self.dialling.start(0)
        self.approach = Approach([HUB], self.dialling, Moving([HUB], Random(1)), self.actions, count(1))
        self.approach.dial(0.0)
        (dial,) = self.actions
        assert isinstance(dial, Dial)
        self.conn = dial.conn
        self.actions.clear()

    def asks(self, asks: Join | Rejoin = JOIN, now: float = 0.5) -> jsonrpc.Request:
        """Connects, and asks for the seat."""
        self.approach.reached(self.conn, now - 0.2)
        self.approach.opened(self.conn, now - 0.1)
        self.approach.ask(asks, now)
        return self.sent()

    def sent(self) -> jsonrpc.Request:
        """The request that was sent last."""
        (send,) = self.actions
        assert isinstance(send, Send)
        message = jsonrpc.parse(send.text)
        assert isinstance(message, jsonrpc.Request)
        self.actions.clear()
        return message


def test_the_seat_is_given_and_the_round_trip_measured() -> None:
    way = Way()
    request = way.asks()
    assert (request.method, request.params) == ("join", JOIN.params())
    outcome = way.approach.text(way.conn, jsonrpc.reply(request.id, SEATED.params()), JOIN, 0.8)
    assert isinstance(outcome, Arrival)
    assert outcome.seated == SEATED
    assert outcome.rtt_s == pytest.approx(0.3)


def test_a_hub_that_does_not_know_the_session_is_asked_for_a_seat_with_the_same_uid_on_the_same_connection() -> None:
    way = Way()
    rejoin = Rejoin(replace(JOIN, uid=4_711), "old")
    request = way.asks(rejoin)
    assert request.method == "rejoin"
    assert way.approach.text(way.conn, jsonrpc.failure(request.id, errors.SESSION_UNKNOWN, ""), rejoin, 0.8) is None
    again = way.sent()
    assert (again.method, again.params["uid"], again.id != request.id) == ("join", 4_711, True)
    refused = way.approach.text(way.conn, jsonrpc.failure(again.id, errors.SESSION_UNKNOWN, ""), JOIN, 0.9)
    assert isinstance(refused, Setback)
    assert refused.verdict is Verdict.SLOWED


def test_a_hub_says_why_it_refuses_in_one_line() -> None:
    way = Way()
    request = way.asks()
    refused = way.approach.text(way.conn, jsonrpc.failure(request.id, errors.LOGIN_FAILED, "no\nway"), JOIN, 0.8)
    assert isinstance(refused, Setback)
    assert (refused.verdict, refused.error.reason) == (Verdict.REFUSED, "no?way")
    way.approach.give_up(refused, 0.8)
    assert way.actions == [Close(way.conn, abort=True)]


def test_an_attempt_that_stands_still_is_given_up() -> None:
    way = Way()
    assert way.approach.overdue(4.9) == []
    (setback,) = way.approach.overdue(5.0)
    assert (setback.attempt.conn, setback.verdict) == (way.conn, Verdict.MISSED)


def test_an_attempt_that_got_no_answer_makes_way_for_the_next_to_ask() -> None:
    way = Way()
    way.asks()
    way.approach.dial(3.0)
    (dial,) = way.actions
    assert isinstance(dial, Dial)
    way.actions.clear()
    way.approach.opened(dial.conn, 3.1)
    way.approach.ask(JOIN, 3.1)
    close, send = way.actions
    assert close == Close(way.conn, abort=True)
    assert isinstance(send, Send)
    assert send.conn == dial.conn


def test_a_connection_closed_before_its_answer_was_dropped_or_has_lost_to_another_device() -> None:
    for code, verdict in ((1006, Verdict.SLOWED), (messages.CLOSE_UID_CONFLICT, Verdict.GIVE_WAY)):
        way = Way()
        outcome = way.approach.closed(way.conn, code)
        assert isinstance(outcome, Setback)
        assert outcome.verdict is verdict


def test_a_connection_that_nobody_dialled_changes_nothing() -> None:
    way = Way()
    way.approach.reached(99, 0.1)
    way.approach.opened(99, 0.1)
    way.approach.ask(JOIN, 0.1)
    assert way.approach.failed(99, Miss.REFUSED, 0, "") is None
    assert way.approach.closed(99, messages.CLOSE_UID_CONFLICT) is None
    assert way.approach.text(99, "{}", JOIN, 0.1) is None
    assert way.actions == []
    way.approach.stop()
    assert way.actions == [Close(way.conn, abort=True)]
