"""One client's side of the channel, in stories of virtual time: joining, leaving, and what is done in a seat.

What must hold at any time (never two seats, never more than eight attempts, a deadline ahead while a seat is wanted) is
checked by `World` at every step of every story.
"""

import math
from dataclasses import replace
from typing import Any

import pytest

from device import jsonrpc
from device.channel import errors, rtp
from device.channel.dialling import STABLE_S
from device.channel.errors import ChannelError
from device.channel.messages import Join, Stream, Ticket
from device.channel.news import State
from device.channel.verdicts import Miss
from tests.channel.world import JOIN, OPUS, World, in_call

# Joining and leaving


def test_A3_a_join_is_dialled_at_once_and_answered_with_the_uid() -> None:
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


def test_A14_leaving_while_nobody_answers_ends_the_join_and_every_attempt() -> None:
    world = World()
    world.network = world.black_hole
    request = world.session.join(JOIN, world.now)
    world.run(3.0)
    world.session.leave(world.now)
    world.run(10.0)
    assert world.answers == {request: errors.OUT_OF_ORDER}
    assert world.open == []
    assert world.session.status.channel == "lobby"


def test_A6_joining_twice_answers_twice_and_changes_nothing() -> None:
    world = World()
    first = world.session.join(JOIN, world.now)
    second = world.session.join(JOIN, world.now)
    world.run(1.0)
    third = world.session.join(JOIN, world.now)
    world.run(1.0)
    assert [world.answers[number] for number in (first, second, third)] == [{"uid": 7}] * 3
    assert world.methods().count("join") == 1


def test_A6_joining_elsewhere_leaves_first() -> None:
    world = in_call(World())
    request = world.session.join(Join(JOIN.app_id, "hall"), world.now)
    world.run(1.0)
    assert world.answers[request] == {"uid": 4_711}
    assert world.methods()[-2:] == ["leave", "join"]
    assert world.states() == ["left", "joining", "in-call"]


def test_E7_requests_before_joining_are_refused() -> None:
    world = World()
    request = world.session.call("publish", {}, world.now)
    world.run(0.0)
    assert world.answers == {request: errors.OUT_OF_ORDER}
    with pytest.raises(ChannelError, match="join first"):
        world.session.rejoin(world.now)


def test_a_seat_of_the_process_before_is_taken_again_and_asked_for_once_more_while_nobody_answers() -> None:
    world = World()
    assert world.session.status.ticket is None
    world.answer = world.ignores
    anybody = replace(JOIN, uid=0, ticket=Ticket(9, "SECRET-SESSION"))
    request = world.session.join(anybody, world.now)
    world.run(5.0)
    assert set(world.methods()) == {"rejoin"}
    assert all((params["uid"], params["session"]) == (9, "SECRET-SESSION") for _, _, params in world.requests)
    world.answer = world.gives_seat
    world.run(5.0)
    assert world.answers == {request: {"uid": 9}}
    ticket = world.session.status.ticket
    assert ticket is not None and ticket.uid == 9 and ticket.session != "SECRET-SESSION"
    assert ticket.session not in repr(world.session.status)
    world.session.leave(world.now)
    assert world.session.status.ticket is None


def test_a_hub_that_does_not_know_the_seat_of_the_process_before_gives_another_on_the_same_connection() -> None:
    world = World()
    world.answer = world.refuses(errors.SESSION_UNKNOWN, only="rejoin")
    world.session.join(replace(JOIN, uid=0, ticket=Ticket(9, "SECRET-SESSION")), world.now)
    world.run(1.0)
    assert world.methods() == ["rejoin", "join"]
    assert "SECRET-SESSION" not in str(world.requests[1])
    assert world.states()[-1] == "in-call"


def test_A8_rejoin_takes_the_seat_again_on_a_new_connection_now() -> None:
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


def test_E11_requests_are_answered_or_time_out_after_ten_seconds() -> None:
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


def test_E2_a_caller_who_asks_faster_than_anybody_answers_is_told_so() -> None:
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


def world_of_a_join_with(known: tuple[int, ...], streams: dict[int, Stream]) -> World:
    world = World()
    world.streams = streams
    world.session.join(replace(JOIN, known=known), world.now)
    world.run(1.0)
    return world


def test_A8_the_list_of_a_join_reaches_the_hub_and_its_subscriptions_follow() -> None:
    world = world_of_a_join_with((3, 5, 7), {3: Stream(3, "hall"), 4: Stream(4, "cellar")})
    joins = [params for _, method, params in world.requests if method == "join"]
    assert joins[0]["known"] == [3, 5, 7]
    asked = [(method, params.get("uid")) for _, method, params in world.requests if method == "subscribe"]
    assert asked == [("subscribe", 3), ("subscribe", 5)], "of whom may still come back, and never of ourselves"
    added = [params["uid"] for event, params in world.events if event == "stream-added"]
    assert added == [4]


def test_A8_who_is_on_the_list_and_comes_back_later_is_subscribed_then() -> None:
    world = world_of_a_join_with((3,), {})
    world.requests.clear()
    world.notify("stream-added", uid=3, label="hall")
    world.run(0.1)
    assert [(method, params) for _, method, params in world.requests if method != "ping"] == [("subscribe", {"uid": 3})]


def test_A8_who_is_on_the_list_is_gone_where_a_later_seat_is_at_a_hub_that_does_not_know_it() -> None:
    world = world_of_a_join_with((3,), {3: Stream(3, "hall")})
    world.answer = world.refuses(errors.SESSION_UNKNOWN, only="rejoin")
    world.streams = {4: Stream(4, "yard")}
    world.hub_closes(world.session.conn)
    world.run(1.0)
    assert ("stream-removed", {"uid": 3}) in world.events


def test_A8_rejoin_with_a_new_token_keeps_the_seat_and_says_the_token() -> None:
    world = in_call(World())
    world.requests.clear()
    number = world.session.rejoin(world.now, replace(JOIN, token="another", label="cellar"))
    world.run(1.0)
    assert world.answers[number] == {"uid": 7}
    params = next(params for _, method, params in world.requests if method == "rejoin")
    assert (params["token"], params["label"], params["uid"]) == ("another", "cellar", 7)
    assert "leave" not in world.methods()


def test_A8_rejoin_with_a_list_where_nothing_was_joined_is_a_join() -> None:
    world = World()
    number = world.session.rejoin(world.now, replace(JOIN, known=(3,)))
    world.run(1.0)
    assert world.answers[number] == {"uid": 7}
    assert world.methods()[0] == "join"


def test_A19_nothing_is_sent_while_muted_and_the_next_seat_is_asked_for_as_a_muted_one() -> None:
    world = in_call(World())
    world.session.call("muteLocal", {}, world.now)
    world.run(0.1)
    assert world.session.send(OPUS, 0, None, True, world.now) is None
    world.hub_closes(world.session.conn)
    world.run(1.0)
    rejoin = next(params for _, method, params in world.requests if method == "rejoin")
    assert rejoin["muted"] is True
    assert world.methods(world.session.conn)[:3] == ["rejoin", "publish", "muteLocal"]
    world.session.call("unmuteLocal", {}, world.now)
    assert world.session.send(OPUS, 0, None, True, world.now)


def test_A20_what_is_on_its_way_when_it_is_muted_is_not_heard() -> None:
    world = in_call(World())
    packet = rtp.Packet(3, 1, 2, b"opus").pack()
    conn = world.session.conn or 0
    assert world.session.media(conn, packet, world.now)
    world.session.call("mute", {"uid": 3}, world.now)
    assert world.session.media(conn, packet, world.now) == ()
    world.session.call("unmute", {"uid": 3}, world.now)
    assert world.session.media(conn, packet, world.now)


def test_B3_at_another_hub_every_stream_that_is_heard_has_another_name() -> None:
    world = World(hubs=2)
    world.streams = {3: Stream(3, "hall"), 4: Stream(4, "cellar")}
    in_call(world)
    world.session.call("subscribe", {"uid": 3}, world.now)
    world.run(0.1)

    def only_the_second(conn: int) -> None:
        (world.works if world.connections[conn].hub == 1 else world.fails(Miss.REFUSED))(conn)

    world.network = only_the_second
    world.resets()
    world.run(3.0)
    told = [params for event, params in world.events if event == "update-url"]
    assert told == [{"uid": 3, "url": "ws://hub1:8800/v1/lobby/3"}]


def changes(world: World) -> list[tuple[str, str]]:
    told = (params for event, params in world.events if event == "connection-state-change")
    return [(params["state"], params["reason"]) for params in told]


def test_B10_B11_an_outage_in_the_documented_words() -> None:
    world = in_call(World())
    world.network = world.black_hole
    world.resets()
    world.run(12.0)
    world.network = world.works
    world.run(1.0)
    names = [event for event, _ in world.events if event in ("reconnecting", "connection-lost", "rejoined")]
    assert names == ["reconnecting", "connection-lost", "rejoined"]
    assert changes(world) == [("reconnecting", "interrupted"), ("connected", "rejoined")]


def test_B10_silence_counts_from_its_beginning() -> None:
    world = in_call(World())
    world.dead, world.network = True, world.black_hole
    began = world.now
    world.run(11.0)
    told = [event for event, _ in world.events if event in ("reconnecting", "connection-lost")]
    assert told == ["reconnecting", "connection-lost"]
    reasons = [params["reason"] for event, params in world.events if event == "reconnecting"]
    assert reasons == ["keepalive-timeout"]
    assert world.now == began + 11.0


def test_B10_R1_after_20_minutes_without_a_hub_it_has_failed_and_goes_on_trying() -> None:
    world = World()
    world.network = world.fails(Miss.REFUSED)
    world.session.join(JOIN, world.now)
    world.run(20 * 60 + 1.0)
    assert changes(world) == [("connecting", "connecting"), ("failed", "join-failed")]
    world.network = world.works
    world.run(1.0)
    assert world.session.state is State.IN_CALL


def test_B10_a_token_that_no_hub_takes_has_failed() -> None:
    world = World()
    world.answer = world.refuses(errors.LOGIN_FAILED)
    world.session.join(JOIN, world.now)
    world.run(1.0)
    assert changes(world)[-1] == ("failed", "rejected")


def test_B13_B14_gauges_are_told_while_a_seat_is_wanted() -> None:
    world = World()
    world.session.indicate_volume(1_000, world.now)
    world.session.report_quality(True, world.now)
    world.run(10.0)
    assert world.events == []
    in_call(world)
    world.losing = True
    world.talk(4.5)
    qualities = [params for event, params in world.events if event == "network-quality"]
    assert len(qualities) == 2 and qualities[-1]["uplink"] > 1 and qualities[-1]["downlink"] == 1
    volumes = [params for event, params in world.events if event == "volume-indication"]
    assert {one["speakers"][-1]["level_dbov"] for one in volumes[1:]} == {-20}
    world.session.leave(world.now)
    world.events.clear()
    world.run(10.0)
    assert [event for event, _ in world.events if event in ("network-quality", "volume-indication")] == []


def test_B14_without_a_connection_the_quality_is_down() -> None:
    world = in_call(World())
    world.session.report_quality(True, world.now)
    world.network = world.black_hole
    world.resets()
    world.run(2.5)
    assert [params["uplink"] for event, params in world.events if event == "network-quality"] == [6]


def test_A19_who_is_silent_and_joins_elsewhere_is_silent_there() -> None:
    world = World()
    world.session.join(JOIN, world.now)
    world.run(1.0)
    world.session.call("muteLocal", {}, world.now)
    world.session.join(replace(JOIN, channel="attic"), world.now)
    world.run(1.0)
    where = [
        (params["channel"], params.get("muted", False)) for _, method, params in world.requests if method == "join"
    ]
    assert where == [(JOIN.channel, False), ("attic", True)]
