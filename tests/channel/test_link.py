"""The connection that is seated: what is still to be said on it, and its doubts."""

from collections import deque

import pytest

from device.channel.actions import Action, Send
from device.channel.link import AGAIN_PER_S, Link
from device.channel.liveness import DOUBT_S, Liveness


def link(actions: list[Action] | None = None) -> Link:
    liveness = Liveness(0.0, 0.0, 1.0, secure=False)
    return Link(3, 0, 0.0, liveness, [] if actions is None else actions, deque(), 0.0)


def test_a_text_goes_out_and_is_waited_for() -> None:
    actions: list[Action] = []
    it = link(actions)
    it.send("hello", 0.5)
    assert actions == [Send(3, "hello")]
    assert it.deadline() == pytest.approx(0.5 + DOUBT_S)


def test_what_is_asked_again_keeps_to_the_pace_of_the_hub() -> None:
    it = link()
    it.again = deque(("subscribe", {"uid": uid}) for uid in range(1, 101))
    assert it.deadline() == 0.0
    assert len(it.due_again(0.0)) == AGAIN_PER_S
    assert it.due_again(0.9) == []
    assert it.deadline() == 1.0
    assert len(it.due_again(1.0)) == AGAIN_PER_S
    assert [params["uid"] for _, params in it.due_again(2.0)] == list(range(81, 101))
    assert it.due_again(3.0) == []


def test_a_doubt_begins_once_and_ends_when_something_comes() -> None:
    it = link()
    assert not it.proved(0.0)
    it.send("hello", 0.5)
    assert not it.doubted(0.8)
    assert it.doubted(0.9)
    assert not it.doubted(1.0)
    assert it.silent_since == 0.5
    assert not it.proved(1.1)
    it.liveness.heard(1.2)
    it.liveness.acknowledged_all_but(0, 1.2)
    assert it.proved(1.2)
    assert not it.proved(1.2)
    assert it.silent_since is None
    it.send("again", 2.0)
    assert it.liveness.doubt_at() > 2.0 + DOUBT_S, "it has learned"


def test_a_connection_in_doubt_has_no_other_deadline_than_its_ping() -> None:
    it = link()
    it.send("hello", 0.1)
    assert it.doubted(0.9)
    assert it.deadline() == 1.0
