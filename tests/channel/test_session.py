"""One client's side of the channel, in stories of virtual time: joining, leaving, and what is done in a seat.

What must hold at any time (never two seats, never more than eight attempts, a deadline ahead while a seat is wanted) is
checked by `World` at every step of every story.
"""

import math
from typing import Any

import pytest

from device import jsonrpc
from device.channel import errors, rtp
from device.channel.dialling import STABLE_S
from device.channel.errors import ChannelError
from device.channel.messages import Join, Stream
from device.channel.news import State
from tests.channel.world import JOIN, OPUS, World, in_call

# Joining and leaving


def test_a_join_is_dialled_at_once_and_answered_with_the_uid() -> None:
    world = World()
    request = world.session.join(JOIN, world.now)
    world.run(0.2)
    assert world.answers == {request: {"uid": 7}}
    assert world.methods() == ["join"]
    assert world.requests[0][2] == JOIN.params()
    assert world.states() == ["joining", "in-call"]
    assert len(world.dials) == 1


def test_status_tells_where_we_are() -> None:
    world = World(rtt_s=0.1)
    before = world.session.status
    assert (before.state, before.uid, before.channel, before.hub, before.rtt_ms) == (State.LEFT, 0, "", None, None)
    in_call(world)
    status = world.session.status
    assert (status.state, status.uid, status.channel, status.hub) == (State.IN_CALL, 7, "lobby", "ws://hub0:8800")
    assert status.rtt_ms == pytest.approx(100)
    assert (status.reconnects, status.skipped) == (0, 0)


def test_leaving_answers_at_once_tells_the_hub_and_closes_in_order() -> None:
    world = in_call(World())
    conn = world.session.conn
    world.dead = True
    pending = world.session.call("subscribe", {"uid": 9}, world.now)
    world.session.leave(world.now)
    world.run(0.0)
    assert world.methods(conn)[-1] == "leave"
    assert world.closes[conn or 0] is False
    assert world.answers[pending] == errors.OUT_OF_ORDER
    assert world.states() == ["left"]
    assert world.session.deadline() == math.inf
    world.session.leave(world.now)
    world.run(60.0)
    assert (world.dials, world.states()) == ([], ["left"])


def test_leaving_while_nobody_answers_ends_the_join_and_every_attempt() -> None:
    world = World()
    world.network = world.black_hole
    request = world.session.join(JOIN, world.now)
    world.run(3.0)
    world.session.leave(world.now)
    world.run(10.0)
    assert world.answers == {request: errors.OUT_OF_ORDER}
    assert world.open == []
    assert world.session.status.channel == "lobby"


def test_joining_twice_answers_twice_and_changes_nothing() -> None:
    world = World()
    first = world.session.join(JOIN, world.now)
    second = world.session.join(JOIN, world.now)
    world.run(1.0)
    third = world.session.join(JOIN, world.now)
    world.run(1.0)
    assert [world.answers[number] for number in (first, second, third)] == [{"uid": 7}] * 3
    assert world.methods().count("join") == 1


def test_joining_elsewhere_leaves_first() -> None:
    world = in_call(World())
    request = world.session.join(Join(JOIN.app_id, "hall"), world.now)
    world.run(1.0)
    assert world.answers[request] == {"uid": 4_711}
    assert world.methods()[-2:] == ["leave", "join"]
    assert world.states() == ["left", "joining", "in-call"]


def test_requests_before_joining_are_refused() -> None:
    world = World()
    request = world.session.call("publish", {}, world.now)
    world.run(0.0)
    assert world.answers == {request: errors.OUT_OF_ORDER}
    with pytest.raises(ChannelError, match="join first"):
        world.session.rejoin(world.now)


def test_rejoin_takes_the_seat_again_on_a_new_connection_now() -> None:
    world = in_call(World())
    before = world.session.conn
    request = world.session.rejoin(world.now)
    assert world.session.conn == before, "the call goes on until the new connection is seated"
    world.run(0.2)
    assert world.states() == []
    assert world.closes[before or 0] is True
    assert world.answers[request] == {"uid": 7}
    assert world.methods()[-2:] == ["rejoin", "publish"]
    world.session.leave(world.now)
    again = world.session.rejoin(world.now)
    world.run(0.2)
    assert world.answers[again] == {"uid": 7}
    assert world.methods()[-1] == "join", "the seat was given up, and with it the session"


# In the seat


def test_requests_are_answered_or_time_out_after_ten_seconds() -> None:
    world = in_call(World())
    good = world.session.call("subscribe", {"uid": 3}, world.now)
    world.run(0.1)
    assert world.answers[good] == {}
    world.dead, world.network = True, world.black_hole
    late = world.session.call("subscribe", {"uid": 4}, world.now)
    world.run(9.9)
    assert late not in world.answers
    world.run(0.2)
    assert world.answers[late] == errors.TIMED_OUT


def test_a_request_survives_the_connection_it_was_made_on() -> None:
    world = in_call(World())
    world.hub_closes(world.session.conn)
    request = world.session.call("subscribe", {"uid": 3}, world.now)
    world.run(0.5)
    assert world.answers[request] == {}
    assert world.methods(world.session.conn) == ["rejoin", "subscribe", "publish"]


def test_what_was_published_and_subscribed_is_so_again_at_the_next_seat() -> None:
    world = World()
    world.streams = {3: Stream(3, "hall"), 4: Stream(4, "door")}
    in_call(world)
    for uid in (3, 4):
        world.session.call("subscribe", {"uid": uid}, world.now)
    world.run(0.5)
    del world.streams[4]
    world.streams[5] = Stream(5, "attic")
    world.resumes = False
    world.hub_closes(world.session.conn)
    world.run(0.5)
    asked = [(method, params) for conn, method, params in world.requests if conn == world.session.conn]
    assert asked[1:] == [("publish", {}), ("subscribe", {"uid": 3})]
    assert sorted(asked[0][1]["known"]) == [3, 4]
    assert [event for event in world.events if event[0].startswith("stream")] == [
        ("stream-removed", {"uid": 4}),
        ("stream-added", {"uid": 5, "label": "attic"}),
    ]


def test_a_subscription_to_who_has_gone_meanwhile_ends_quietly() -> None:
    world = in_call(World())
    world.session.call("subscribe", {"uid": 3}, world.now)
    world.run(0.5)
    real = world._read

    def read(connection: object, data: str | bytes) -> None:
        message = jsonrpc.parse(data)
        if isinstance(message, jsonrpc.Request) and message.method == "subscribe":
            world.say(world.session.conn or 0, jsonrpc.failure(message.id, errors.NOT_A_BROADCASTER, ""))
        else:
            real(connection, data)  # type: ignore[arg-type]

    world._read = read  # type: ignore[method-assign]
    for _ in range(2):
        world.hub_closes(world.session.conn)
        world.run(STABLE_S + 1)
    assert world.methods().count("subscribe") == 2
    assert errors.NOT_A_BROADCASTER not in world.errors()


def test_a_refusal_of_what_we_asked_by_ourselves_is_told() -> None:
    world = in_call(World())
    world.session.call("subscribe", {"uid": 3}, world.now)
    world.run(0.5)
    world.hub_closes(world.session.conn)
    world.run(0.05)
    real = world._read
    world._read = lambda connection, data: (  # type: ignore[method-assign]
        world.say(connection.conn, jsonrpc.failure(message.id, errors.TOO_FREQUENT, ""))
        if isinstance(message := jsonrpc.parse(data), jsonrpc.Request) and message.method == "publish"
        else real(connection, data)
    )
    world.run(0.5)
    assert world.errors() == [errors.DISCONNECTED, errors.TOO_FREQUENT]


def test_a_refused_request_raises_for_who_made_it() -> None:
    world = in_call(World())
    world._read = lambda connection, data: world.say(  # type: ignore[method-assign]
        connection.conn,
        jsonrpc.failure(jsonrpc.parse(data).id, errors.AUDIENCE_CANNOT_PUBLISH, ""),  # type: ignore[union-attr]
    )
    request = world.session.call("publish", {}, world.now)
    world.run(0.1)
    assert world.answers[request] == errors.AUDIENCE_CANNOT_PUBLISH
    assert world.session.send(OPUS, 0, None, True, world.now) is None


def test_a_caller_who_asks_faster_than_anybody_answers_is_told_so() -> None:
    world = World()
    world.network = world.black_hole
    world.session.join(JOIN, world.now)
    requests = [world.session.call("subscribe", {"uid": uid}, world.now) for uid in range(1, 200)]
    world.run(0.1)
    assert {world.answers.get(request) for request in requests} == {None, errors.TOO_FREQUENT}


def test_the_hub_s_news_reach_the_owner_and_nonsense_does_not() -> None:
    world = in_call(World())
    news: list[tuple[str, dict[str, Any]]] = [
        ("user-joined", {"uid": 3, "label": "hall"}),
        ("stream-added", {"uid": 3, "label": "hall"}),
        ("user-joined", {"uid": 3, "label": "hall"}),
        ("stream-added", {"uid": 7, "label": "ourselves"}),
        ("stream-added", {"uid": "x"}),
        ("stream-removed", {"uid": 3}),
        ("stream-removed", {"uid": 3}),
        ("user-left", {"uid": 3, "reason": "quit"}),
        ("user-left", {"uid": 0}),
        ("hologram", {"uid": 3}),
        ("error", {"code": "x"}),
    ]
    for method, params in news:
        world.notify(method, **params)
    conn = world.session.conn or 0
    for text in (
        "",
        "garbage",
        "[]",
        jsonrpc.request(1, "join", {}),
        jsonrpc.reply(987, {}),
        jsonrpc.failure(9, 1, ""),
    ):
        world.deliver(conn, text)
    world.run(0.1)
    assert world.events == [
        ("user-joined", {"uid": 3, "label": "hall"}),
        ("stream-added", {"uid": 3, "label": "hall"}),
        ("stream-removed", {"uid": 3}),
        ("user-left", {"uid": 3, "reason": "quit"}),
    ]
    assert world.session.conn == conn


def test_a_hub_that_answers_no_ping_but_sends_other_things_is_alive() -> None:
    world = in_call(World())
    world._read = lambda connection, data: None  # type: ignore[method-assign]
    packet = rtp.Packet(3, 1, 2, b"opus").pack()
    for _ in range(200):
        world.run(0.2)
        world.session.media(world.session.conn or 0, packet, world.now)
    assert world.dials == []
    assert 3 <= world.methods().count("ping") - 9 <= 5
