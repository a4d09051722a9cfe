"""A seat and its holder: requests, streams, pings, over one connection after another."""

from itertools import count
from random import Random
from typing import Any

import pytest

from device import jsonrpc
from device.channel import address, errors
from device.channel.actions import DEBUG, Action, Answer, Emit, Log, Send
from device.channel.errors import ChannelError
from device.channel.link import AGAIN_PER_S, Link
from device.channel.liveness import Liveness
from device.channel.messages import Join, Rejoin, Seated
from device.channel.moving import Moving
from device.channel.news import News
from device.channel.requests import MAX_WAITING
from device.channel.seat import Seat

HUB = address.read("ws://127.0.0.1:8800")
JOIN = Join("0" * 32, "lobby")


class Holder:
    """A seat, and what it asked for."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.seat = Seat(Random(1), self.actions, News(self.actions), count(1), Moving([HUB], Random(1)))

    def sit(self, now: float, conn: int = 1) -> None:
        link = self.link(now, conn)
        self.seat.sit(Seated(7, f"s{conn}", False, (), (), 1_000, 20_000, "1"), link, False, now)

    def link(self, now: float, conn: int) -> Link:
        return Link(conn, 0, now, Liveness(now, 0.01, 1.0, secure=False), self.actions)

    def hears(self, text: str, now: float, on: int = 0) -> ChannelError | None:
        """The hub says this, on the first connection or the second."""
        return self.seat.text(self.seat.links[on], text, now)

    def sends(self, now: float) -> bool:
        """Whether a frame goes out, on a connection that has delivered all that was written."""
        self.seat.links[0].liveness.acknowledged_all_but(0, now)
        return self.seat.send(b"opus", 0, None, False, now) is not None

    def took(self) -> list[Any]:
        """Requests sent and answers given since the last time."""
        out: list[Any] = []
        for action in self.actions:
            if isinstance(action, Send):
                message = jsonrpc.parse(action.text)
                assert isinstance(message, jsonrpc.Request)
                out.append((action.conn, message.method, message.params))
            elif isinstance(action, Answer):
                failed = isinstance(action.outcome, ChannelError)
                out.append((action.request, action.outcome.code if failed else action.outcome))  # type: ignore[union-attr]
        self.actions.clear()
        return out


def test_the_seat_is_asked_for_anew_or_as_the_one_we_had() -> None:
    holder = Holder()
    assert holder.seat.asks(JOIN) == JOIN
    holder.sit(0.0)
    asks = holder.seat.asks(JOIN)
    assert isinstance(asks, Rejoin)
    assert (asks.join.uid, asks.session) == (7, "s1")
    holder.seat.leave(ChannelError(errors.OUT_OF_ORDER))
    assert holder.seat.asks(JOIN) == JOIN
    assert holder.seat.uid == 0


def test_a_request_made_without_a_connection_goes_out_at_the_next_seat_once() -> None:
    holder = Holder()
    number = holder.seat.call("publish", {}, 0.0)
    assert holder.took() == []
    holder.sit(1.0)
    assert holder.took() == [(1, "publish", {})]
    assert holder.hears(jsonrpc.reply(number, {"ok": True}), 1.1) is None
    assert holder.took() == [(number, {"ok": True})]
    holder.sit(2.0, conn=2)
    assert holder.took() == [(2, "publish", {})]


def test_a_hundred_subscriptions_keep_to_the_pace_of_the_hub() -> None:
    holder = Holder()
    holder.sit(0.0)
    for uid in range(1, 101):
        holder.hears(jsonrpc.reply(holder.seat.call("subscribe", {"uid": uid}, 0.0), {}), 0.0)
    holder.took()
    holder.sit(1.0, conn=2)
    sent = [len(holder.took())]
    for at in (2.0, 3.0):
        holder.seat.tick(at)
        sent.append(sum(method == "subscribe" for _, method, _ in holder.took()))
    assert sent == [AGAIN_PER_S, AGAIN_PER_S, 100 - 2 * AGAIN_PER_S]


def test_a_ping_goes_out_every_second_and_its_answer_is_the_round_trip() -> None:
    holder = Holder()
    holder.sit(0.0)
    assert holder.seat.deadline() == 1.0
    holder.seat.tick(1.0)
    assert holder.took() == [(1, "ping", {})]
    assert holder.seat.link is not None
    holder.hears(jsonrpc.reply(1, {}), 1.25)
    assert holder.seat.link.liveness.rtt_s == pytest.approx(0.25)


def test_a_ping_of_the_caller_s_own_is_only_a_request() -> None:
    holder = Holder()
    holder.sit(0.0)
    number = holder.seat.call("ping", {}, 0.5)
    holder.hears(jsonrpc.reply(number, {}), 0.9)
    assert holder.seat.link is not None
    assert holder.seat.link.liveness.rtt_s == 0.01
    assert (number, {}) in holder.took()


def test_an_answer_that_is_late_is_no_answer_and_an_unanswered_ping_is_asked_again() -> None:
    holder = Holder()
    holder.sit(0.0)
    number = holder.seat.call("publish", {}, 0.0)
    holder.seat.tick(1.0)
    holder.took()
    holder.seat.tick(10.0)
    assert holder.took() == [(number, errors.TIMED_OUT)]
    holder.seat.tick(11.0)
    assert holder.took() == [(1, "ping", {})]
    holder.seat.part(holder.seat.links[0], 11.0)
    holder.seat.tick(30.0)
    assert holder.took() == []
    assert holder.seat.deadline() == float("inf")


def test_a_hub_that_complains_is_heard_and_one_that_babbles_is_not() -> None:
    holder = Holder()
    holder.sit(0.0)
    complaint = holder.hears(jsonrpc.notification("error", {"code": 502, "reason": "busy\n"}), 0.1)
    assert complaint is not None
    assert (complaint.code, complaint.reason) == (502, "busy?")
    holder.actions.clear()
    assert holder.hears("\x1b[2J", 0.1) is None
    assert holder.actions == [Log(DEBUG, "unreadable message from the hub: not JSON")]


def test_a_publish_that_was_refused_for_now_is_asked_for_at_the_next_seat() -> None:
    holder = Holder()
    holder.sit(0.0)
    number = holder.seat.call("publish", {}, 0.0)
    holder.hears(jsonrpc.failure(number, errors.TOO_FREQUENT, "later"), 0.1)
    assert (number, errors.TOO_FREQUENT) in holder.took()
    holder.sit(1.0, conn=2)
    assert holder.took() == [(2, "publish", {})]


def test_a_publish_that_is_never_allowed_is_not_asked_for_again() -> None:
    holder = Holder()
    holder.sit(0.0)
    number = holder.seat.call("publish", {}, 0.0)
    holder.hears(jsonrpc.failure(number, errors.AUDIENCE_CANNOT_PUBLISH, "no"), 0.1)
    holder.took()
    holder.sit(1.0, conn=2)
    assert holder.took() == []


def test_a_subscription_outlives_a_hub_that_does_not_know_the_stream_yet() -> None:
    holder = Holder()
    holder.sit(0.0)
    holder.hears(jsonrpc.notification("stream-added", {"uid": 9, "label": "gate"}), 0.1)
    number = holder.seat.call("subscribe", {"uid": 9}, 0.2)
    holder.hears(jsonrpc.reply(number, {}), 0.3)
    holder.took()
    holder.seat.sit(Seated(7, "s1", True, (), (), 1_000, 20_000, "1"), holder.link(1.0, 2), True, 1.0)
    holder.seat.tick(1.0)
    asked = [action for action in holder.actions if isinstance(action, Send)]
    again = jsonrpc.parse(asked[-1].text)
    assert isinstance(again, jsonrpc.Request) and again.method == "subscribe"
    holder.hears(jsonrpc.failure(again.id, errors.NOT_A_BROADCASTER, "nobody"), 1.1)
    holder.took()
    holder.hears(jsonrpc.notification("stream-added", {"uid": 9, "label": "gate"}), 1.2)
    assert holder.took() == [(2, "subscribe", {"uid": 9})]
    holder.hears(jsonrpc.notification("stream-removed", {"uid": 9}), 1.3)
    holder.hears(jsonrpc.notification("stream-added", {"uid": 9, "label": "gate"}), 1.4)
    assert holder.took() == []


def test_what_the_seat_asks_for_by_itself_gets_old_without_a_word() -> None:
    holder = Holder()
    holder.sit(0.0)
    holder.hears(jsonrpc.reply(holder.seat.call("publish", {}, 0.0), {}), 0.1)
    holder.sit(1.0, conn=2)
    assert (2, "publish", {}) in holder.took()
    holder.seat.tick(11.0)
    assert [what for what in holder.took() if len(what) == 2] == []


@pytest.mark.parametrize(("told_at", "news"), [(1.0, ["ring"]), (2.05, [])])
def test_a_second_connection_repeats_only_what_was_told_since_it_was_asked_for(told_at: float, news: list[str]) -> None:
    holder = Holder()
    holder.sit(0.0)
    ring = jsonrpc.notification("ring", {"uid": 9, "label": "gate", "answered": False})
    holder.hears(ring, told_at)
    holder.seat.double(holder.link(2.1, 2), asked_at=2.0, now=2.1)
    holder.actions.clear()
    holder.hears(ring, 2.2, on=1)
    assert [action.event for action in holder.actions if isinstance(action, Emit)] == news


def test_A18_A22_a_new_role_and_a_new_token_are_asked_for_on_the_next_connection_if_they_were_not_answered() -> None:
    holder = Holder()
    holder.sit(0.0)
    role = holder.seat.call("setRole", {"role": "audience"}, 0.0)
    token = holder.seat.call("renewToken", {"token": "new"}, 0.0)
    holder.seat.tick(10.0)
    assert [what for what in holder.took() if len(what) == 2] == [(role, 903), (token, 903)]
    asks = holder.seat.asks(JOIN)
    assert isinstance(asks, Rejoin) and (asks.join.role, asks.join.token) == ("audience", "new")
    holder.sit(11.0, conn=2)
    assert holder.took() == [(2, "setRole", {"role": "audience"}), (2, "renewToken", {"token": "new"})]
    holder.seat.leave(ChannelError(errors.OUT_OF_ORDER))
    assert holder.seat.asks(JOIN) == JOIN, "another join is another matter"


def test_A18_who_has_become_an_audience_publishes_no_more_on_any_connection() -> None:
    holder = Holder()
    holder.sit(0.0)
    holder.hears(jsonrpc.reply(holder.seat.call("publish", {}, 0.0), {}), 0.1)
    number = holder.seat.call("setRole", {"role": "audience"}, 0.2)
    assert holder.sends(0.2), "until the hub has agreed"
    holder.took()
    holder.sit(0.3, conn=2)
    assert holder.took() == [(2, "setRole", {"role": "audience"})], "a publish would only be refused"
    holder.hears(jsonrpc.reply(number, {}), 0.4)
    assert not holder.sends(0.5)
    holder.took()
    holder.hears(jsonrpc.reply(holder.seat.call("setRole", {"role": "broadcaster"}, 0.6), {}), 0.7)
    assert not holder.sends(0.8), "until it publishes again"


def test_A18_a_role_that_is_refused_is_not_asked_for_again() -> None:
    holder = Holder()
    holder.sit(0.0)
    holder.hears(jsonrpc.reply(holder.seat.call("publish", {}, 0.0), {}), 0.1)
    number = holder.seat.call("setRole", {"role": "audience"}, 0.2)
    holder.hears(jsonrpc.failure(number, errors.LOGIN_FAILED, "no"), 0.3)
    assert (number, errors.LOGIN_FAILED) in holder.took()
    assert holder.sends(0.4)
    holder.sit(1.0, conn=2)
    assert holder.took() == [(2, "publish", {})]


def test_A22_a_token_that_the_hub_has_no_time_for_now_is_wanted_still() -> None:
    holder = Holder()
    holder.sit(0.0)
    number = holder.seat.call("renewToken", {"token": "new"}, 0.0)
    holder.hears(jsonrpc.failure(number, errors.TOO_FREQUENT, "later"), 0.1)
    holder.took()
    holder.sit(1.0, conn=2)
    assert holder.took() == [(2, "renewToken", {"token": "new"})]


def test_T8_whose_right_to_publish_has_ended_sends_nothing_until_he_publishes_again() -> None:
    holder = Holder()
    holder.sit(0.0)
    holder.hears(jsonrpc.reply(holder.seat.call("publish", {}, 0.0), {}), 0.1)
    complaint = holder.hears(jsonrpc.notification("error", {"code": errors.NOT_ALLOWED_TO_PUBLISH}), 0.2)
    assert complaint is not None and complaint.code == errors.NOT_ALLOWED_TO_PUBLISH
    assert not holder.sends(0.3)
    late = holder.seat.call("publish", {}, 0.4)
    holder.hears(jsonrpc.notification("error", {"code": errors.NOT_ALLOWED_TO_PUBLISH}), 0.5)
    holder.hears(jsonrpc.reply(late, {}), 0.6)
    assert holder.sends(0.7), "what the hub says last counts"


def test_who_is_silenced_when_he_publishes_is_heard_once_the_hub_lets_him() -> None:
    """It says so to the others alone."""
    holder = Holder()
    holder.sit(0.0)
    number = holder.seat.call("publish", {}, 0.0)
    holder.hears(jsonrpc.failure(number, errors.SILENCED, "a rule"), 0.1)
    assert holder.sends(0.2)


def test_B6_B7_what_the_hub_says_about_a_token_is_an_event() -> None:
    holder = Holder()
    holder.sit(0.0)
    for event in ("token-privilege-will-expire", "token-privilege-did-expire"):
        holder.hears(jsonrpc.notification(event, {}), 0.1)
    events = [(action.event, action.params) for action in holder.actions if isinstance(action, Emit)]
    assert events == [("token-privilege-will-expire", {}), ("token-privilege-did-expire", {})]


# Silence, which is never taken back by whoever did not ask for it


def test_A19_to_be_silent_waits_for_nobody_also_where_too_many_requests_do() -> None:
    holder = Holder()
    holder.sit(0.0)
    holder.seat.call("publish", {}, 0.0)
    for _ in range(MAX_WAITING):
        holder.seat.call("streamMessage", {"stream": 1, "data": ""}, 0.0)
    holder.seat.call("muteLocal", {}, 0.1)
    assert not holder.sends(0.2)


@pytest.mark.parametrize("code", [jsonrpc.METHOD_NOT_FOUND, errors.AUDIENCE_CANNOT_PUBLISH])
def test_A19_whatever_the_hub_says_to_it_a_muted_one_is_silent(code: int) -> None:
    holder = Holder()
    holder.sit(0.0)
    holder.seat.call("publish", {}, 0.0)
    number = holder.seat.call("muteLocal", {}, 0.1)
    holder.hears(jsonrpc.failure(number, code, "no"), 0.2)
    assert not holder.sends(0.3)


@pytest.mark.parametrize(
    ("before", "meanwhile", "says"), [("muteLocal", "unmuteLocal", "unmuteLocal"), ("ping", "muteLocal", "muteLocal")]
)
def test_A19_a_seat_that_was_asked_for_with_the_silence_of_before_is_told_of_the_new_one(
    before: str, meanwhile: str, says: str
) -> None:
    """The answer to a rejoin may come after that of a mute on the first connection: the hub believes what came last."""
    holder = Holder()
    holder.sit(0.0)
    holder.hears(jsonrpc.reply(holder.seat.call(before, {}, 0.1), {}), 0.2)
    holder.seat.asks(Join("a" * 32, "lobby"))
    holder.hears(jsonrpc.reply(holder.seat.call(meanwhile, {}, 0.3), {}), 0.4)
    holder.actions.clear()
    holder.seat.double(holder.link(0.5, 2), asked_at=0.25, now=0.5)
    asked = [jsonrpc.parse(action.text) for action in holder.actions if isinstance(action, Send)]
    assert [one.method for one in asked if isinstance(one, jsonrpc.Request)] == [says]
