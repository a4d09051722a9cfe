"""Channels, seats and links as plain structures."""

import pytest

from device.hub.seats import Channel, Link, Seat


def seat(channel: Channel, uid: int, *connections: str, auto: bool = False) -> Seat:
    """A seat in this channel, with a link for each connection."""
    seat = channel.seats[uid] = Seat(uid, "secret", channel, auto_subscribe=auto)
    for n, connection in enumerate(connections):
        channel.attach(seat, Link(connection, "10.0.0.1", opened_at=0.0, heard_at=float(n)))
    return seat


def test_the_list_of_listeners_is_made_once_and_again_after_a_change() -> None:
    channel = Channel("app", "lobby")
    talker, listener = seat(channel, 1, "a"), seat(channel, 2, "b")
    channel.subscribe(listener, talker)
    first = talker.heard_by()
    assert first == ["b"] and talker.heard_by() is first
    channel.attach(listener, Link("b2", "10.0.0.1", 0.0, 0.0))
    assert talker.heard_by() == ["b", "b2"]
    channel.detach(listener, listener.links[0], 1.0)
    assert talker.heard_by() == ["b2"]


def test_a_seat_given_up_is_in_nobodys_list() -> None:
    channel = Channel("app", "lobby")
    talker, listener = seat(channel, 1, "a"), seat(channel, 2)
    channel.subscribe(listener, talker)
    channel.give_up(listener)
    assert not talker.subscribers and list(channel.seats) == [1]


def test_a_stream_that_is_shown_reaches_those_who_want_all() -> None:
    channel = Channel("app", "lobby")
    talker = seat(channel, 1, "a", auto=True)
    seat(channel, 2, "b", auto=True)
    seat(channel, 3, "c")
    channel.show(talker)
    assert talker.heard_by() == ["b"] and channel.streams() == [talker]
    channel.hide(talker)
    assert talker.heard_by() == [] and channel.streams() == []


def test_the_last_sign_of_a_seat_is_that_of_its_liveliest_link_or_its_last_close() -> None:
    channel = Channel("app", "lobby")
    owner = seat(channel, 1, "a", "a2")
    assert owner.last_heard() == 1.0
    for link in list(owner.links):
        channel.detach(owner, link, 5.0)
    assert owner.last_heard() == 5.0


def test_a_sign_of_life_stays_one_when_its_link_is_gone_before_an_older_silent_one() -> None:
    channel = Channel("app", "lobby")
    owner = seat(channel, 1, "silent", "fresh")
    silent, fresh = owner.links
    channel.detach(owner, fresh, 10.0)
    assert owner.last_heard() == 10.0
    channel.detach(owner, silent, silent.heard_at)
    assert owner.last_heard() == 10.0


@pytest.mark.parametrize(("heard_at", "silent"), [((1.0, 2.0), "a"), ((2.0, 1.0), "a2"), ((2.0, 2.0), "a")])
def test_a_third_link_pushes_out_the_one_of_the_two_that_was_not_heard_for_longest(
    heard_at: tuple[float, float], silent: str
) -> None:
    channel = Channel("app", "lobby")
    owner = seat(channel, 1, "a", "a2")
    for link, at in zip(owner.links, heard_at, strict=True):
        link.heard_at = at
    surplus = channel.attach(owner, Link("a3", "10.0.0.1", 0.0, 0.0))
    assert surplus is not None and surplus.connection == silent


def test_the_session_is_not_shown() -> None:
    channel = Channel("app", "lobby")
    assert "secret" not in repr(seat(channel, 1, "a")) + repr(channel)
