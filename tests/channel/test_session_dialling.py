"""When a session dials, how often, whom, and when it stops: stories of networks and hubs that say no."""

from collections.abc import Callable

import pytest

from device import jsonrpc
from device.channel import errors, messages
from device.channel.actions import DEBUG, WARNING
from device.channel.dialling import HUMAN_WAIT_S, LONGEST_WAIT_S, PACE_S, REACHED_PACE_S, VARY
from device.channel.news import State
from device.channel.verdicts import Miss
from tests.channel.world import JOIN, World, in_call

LOW, HIGH = 1 - VARY, 1 + VARY


@pytest.mark.parametrize("miss", [Miss.REFUSED, Miss.UNREACHABLE, Miss.DNS, Miss.TIMEOUT])
def test_E11_R1_while_nobody_answers_an_attempt_starts_every_200_ms_for_ever(miss: Miss) -> None:
    world = World()
    world.network = world.fails(miss)
    request = world.session.join(JOIN, world.now)
    world.run(300.0)
    assert all(PACE_S * LOW <= gap <= PACE_S * HIGH + 1e-6 for gap in world.pace())
    assert request not in world.answers
    assert world.errors() == [errors.UNREACHABLE]
    assert [level for level, _ in world.logs if level != DEBUG] == [WARNING]


def test_in_a_black_hole_too() -> None:
    world = World()
    world.network = world.black_hole
    world.session.join(JOIN, world.now)
    world.run(120.0)
    assert all(PACE_S * LOW <= gap <= PACE_S * HIGH + 1e-6 for gap in world.pace())
    assert len(world.open) == 8
    world.network = world.works
    world.run(1.0)
    assert world.session.state is State.IN_CALL


def test_a_hub_that_stands_still_is_dialled_less_and_answers_when_it_wakes() -> None:
    world = World()
    world.network = world.stands_still
    world.session.join(JOIN, world.now)
    world.run(60.0)
    assert all(PACE_S * LOW <= gap <= REACHED_PACE_S * HIGH + 1e-6 for gap in world.pace())
    assert len(world.dials) < 60 / (REACHED_PACE_S * LOW) + 2
    waiting = list(world.open)
    for conn in waiting:
        world.if_open(conn, lambda conn=conn: world.session.opened(conn, world.now))  # type: ignore[misc]
    world.run(0.1)
    assert world.session.state is State.IN_CALL
    assert world.methods().count("join") == 1, "a seat for each would be a crowd of ghosts"
    assert world.open == [world.session.conn]


def test_a_join_that_gets_no_answer_is_made_again_on_another_connection() -> None:
    world = World()
    world.answer = world.ignores
    world.session.join(JOIN, world.now)
    world.run(0.9)
    world.answer = world.gives_seat
    world.run(1.0)
    assert world.session.state is State.IN_CALL


def test_a_path_with_a_round_trip_of_three_seconds_joins_and_is_not_doubted() -> None:
    world = World(rtt_s=3.0)
    request = world.session.join(JOIN, world.now)
    world.session.call("publish", {}, world.now)
    world.run(30.0)
    assert world.answers[request] == {"uid": 7}
    world.talk(60.0)
    assert world.session.status.skipped == 0
    assert len(world.open) == 1
    assert world.session.status.reconnects == 0
    assert len([level for level, _ in world.logs if level == WARNING]) <= 1


REFUSALS = [
    (lambda world: setattr(world, "network", world.fails(Miss.HTTP, 429)), LONGEST_WAIT_S, errors.TOO_FREQUENT),
    (lambda world: setattr(world, "network", world.fails(Miss.HTTP, 502)), LONGEST_WAIT_S, errors.OVERLOADED),
    (lambda world: setattr(world, "network", world.fails(Miss.HTTP, 404)), LONGEST_WAIT_S, errors.UNREACHABLE),
    (lambda world: setattr(world, "network", world.fails(Miss.TLS)), LONGEST_WAIT_S, errors.UNREACHABLE),
    (lambda world: setattr(world, "network", world.drops), LONGEST_WAIT_S, errors.UNREACHABLE),
    (lambda world: setattr(world, "answer", world.refuses(errors.TOO_FREQUENT)), LONGEST_WAIT_S, errors.TOO_FREQUENT),
    (lambda world: setattr(world, "answer", world.refuses(errors.INTERNAL)), LONGEST_WAIT_S, errors.INTERNAL),
    (lambda world: setattr(world, "answer", world.refuses(errors.CHANNEL_FULL)), LONGEST_WAIT_S, errors.CHANNEL_FULL),
    (lambda world: setattr(world, "answer", world.refuses(8_888)), LONGEST_WAIT_S, 8_888),
    (lambda world: setattr(world, "network", world.fails(Miss.HTTP, 401)), HUMAN_WAIT_S, errors.LOGIN_FAILED),
    (lambda world: setattr(world, "answer", world.refuses(errors.LOGIN_FAILED)), HUMAN_WAIT_S, errors.LOGIN_FAILED),
    (lambda world: setattr(world, "answer", world.refuses(errors.BAD_REQUEST)), HUMAN_WAIT_S, errors.BAD_REQUEST),
    (lambda world: setattr(world, "answer", world.refuses(-32602)), HUMAN_WAIT_S, -32602),
]


@pytest.mark.parametrize(("happens", "longest_s", "code"), REFUSALS)
def test_R1_only_an_answer_slows_the_dialling_down(
    happens: Callable[[World], None], longest_s: float, code: int
) -> None:
    world = World()
    happens(world)
    request = world.session.join(JOIN, world.now)
    world.run(1_000.0)
    last = world.pace()[-5:]
    assert all(longest_s * LOW <= gap <= longest_s * HIGH + 0.2 for gap in last)
    assert world.errors() == [code]
    assert world.answers.get(request) == (code if longest_s == HUMAN_WAIT_S else None)
    world.network, world.answer = world.works, world.gives_seat
    world.run(longest_s * HIGH + 1)
    assert world.session.state is State.IN_CALL, "the wish outlives a refusal"


def test_a_person_who_asks_again_does_not_wait_out_a_refusal() -> None:
    world = World()
    world.answer = world.refuses(errors.LOGIN_FAILED)
    world.session.join(JOIN, world.now)
    world.run(1.0)
    world.answer = world.gives_seat
    request = world.session.rejoin(world.now)
    world.run(0.2)
    assert world.answers[request] == {"uid": 7}


@pytest.mark.parametrize(
    "happens",
    [
        *(happens for happens, _, _ in REFUSALS),
        *(lambda world, miss=miss: setattr(world, "network", world.fails(miss)) for miss in Miss),
        lambda world: setattr(world, "network", world.black_hole),
        lambda world: setattr(world, "network", world.stands_still),
        lambda world: setattr(world, "answer", world.ignores),
    ],
)
@pytest.mark.parametrize("after_s", [1.0, 30.0, 63.7])
def test_a_person_who_asks_again_is_dialled_for_at_once_whatever_was_waited_for(
    happens: Callable[[World], None], after_s: float
) -> None:
    """The rejoin button."""
    world = World()
    happens(world)
    world.session.join(JOIN, world.now)
    world.run(after_s)
    world.dials.clear()
    world.network, world.answer = world.works, world.gives_seat
    pressed_at = world.now
    request = world.session.rejoin(pressed_at)
    world.run(0.6)  # 0.5 s of which belong to a join that has got no answer yet
    assert world.dials[0][0] == pressed_at
    assert world.answers[request] == {"uid": 7} and world.session.state is State.IN_CALL


def test_a_no_to_what_was_dialled_before_a_person_asked_does_not_count() -> None:
    """It comes a moment too late: what the person has changed is not in it."""
    world = World()
    world.answer = world.refuses(errors.LOGIN_FAILED)
    world.session.join(JOIN, world.now)
    world.run(world.rtt_s * 2.8)  # the answer is on its way
    world.answer = world.gives_seat
    request = world.session.rejoin(world.now)
    world.run(0.2)
    assert world.answers[request] == {"uid": 7}


def test_a_hub_whose_answer_is_no_seat_is_no_hub() -> None:
    world = World()
    world.answer = lambda conn, request: world.say(conn, jsonrpc.reply(request.id, {"uid": 0}))
    world.session.join(JOIN, world.now)
    world.run(60.0)
    assert world.errors() == [errors.INTERNAL]
    assert world.pace()[-1] >= LONGEST_WAIT_S * LOW


def test_what_else_comes_before_the_answer_is_ignored() -> None:
    world = World()

    def chatty(conn: int, request: jsonrpc.Request) -> None:
        for text in (
            jsonrpc.notification("stream-added", {"uid": 3}),
            jsonrpc.reply(99_999, {}),
            jsonrpc.failure(99_999, errors.INTERNAL, ""),
            jsonrpc.request(1, "ping", {}),
        ):
            world.say(conn, text)
        world.gives_seat(conn, request)

    world.answer = chatty
    world.session.join(JOIN, world.now)
    world.run(0.2)
    assert world.session.state is State.IN_CALL
    assert ("stream-added", {"uid": 3, "label": ""}) not in world.events


def test_a_refusal_without_an_id_refuses_our_request() -> None:
    world = World()
    world.answer = lambda conn, request: world.say(conn, jsonrpc.failure(None, jsonrpc.PARSE_ERROR, "not JSON"))
    world.session.join(JOIN, world.now)
    world.run(1.0)
    assert world.errors() == [jsonrpc.PARSE_ERROR]


def test_A7_R2_several_hubs_are_tried_in_order_and_a_join_fails_when_all_have_refused() -> None:
    world = World(hubs=2)
    world.answer = world.refuses(errors.LOGIN_FAILED)
    request = world.session.join(JOIN, world.now)
    world.run(0.1)
    assert [hub for _, hub in world.dials] == [0]
    assert request not in world.answers
    world.run(1.0)
    assert [hub for _, hub in world.dials] == [0, 1]
    assert world.answers[request] == errors.LOGIN_FAILED


def test_R2_a_second_hub_takes_over_from_one_that_is_gone_and_knows_no_session() -> None:
    world = in_call(World(hubs=2))
    world.answer = world.refuses(errors.SESSION_UNKNOWN, only="rejoin")
    world.network = lambda conn: (world.fails(Miss.REFUSED) if world.connections[conn].hub == 0 else world.works)(conn)
    world.hub_closes(world.session.conn)
    world.run(1.0)
    assert world.session.status.hub == "ws://hub1:8800"
    assert world.methods()[-3:] == ["rejoin", "join", "publish"]


# Giving way


@pytest.mark.parametrize("way", ["notification", "close", "answer", "close before the answer"])
def test_who_lost_the_seat_to_another_device_does_not_dial_again(way: str) -> None:
    world = in_call(World())
    pending = world.session.call("subscribe", {"uid": 3}, world.now)
    if way == "notification":
        world.notify("error", code=errors.UID_CONFLICT, reason="another device")
    elif way == "close":
        world.hub_closes(world.session.conn, messages.CLOSE_UID_CONFLICT)
    else:
        world.answer = world.refuses(errors.UID_CONFLICT)
        if way.startswith("close"):
            world.answer = lambda conn, _: world.hub_closes(conn, messages.CLOSE_UID_CONFLICT)
        world.hub_closes(world.session.conn)
        world.run(1.0)
    before = len(world.dials)
    world.run(600.0)
    assert len(world.dials) == before
    assert world.session.status.state is State.LEFT
    assert errors.UID_CONFLICT in world.errors()
    assert world.answers[pending] == errors.UID_CONFLICT
    world.answer = world.gives_seat
    world.session.rejoin(world.now)
    world.run(1.0)
    assert world.session.state is State.IN_CALL


def test_A22_with_a_new_token_nobody_waits_until_the_refusal_of_the_old_one_is_a_minute_old() -> None:
    world = World()
    old = JOIN.token

    def answer(conn: int, request: jsonrpc.Request) -> None:
        expired = request.params["token"] == old
        (world.refuses(errors.TOKEN_EXPIRED) if expired else world.gives_seat)(conn, request)

    world.answer = answer
    refused = world.session.join(JOIN, world.now)
    world.run(30.0)
    assert world.answers[refused] == errors.TOKEN_EXPIRED and len(world.dials) == 1
    renewal = world.session.call("renewToken", {"token": "SECRET-NEW"}, world.now)
    world.run(0.6)
    assert world.session.state is State.IN_CALL and world.answers[renewal] == {}
    world.resets()
    world.run(1.0)
    assert [params["token"] for _, method, params in world.requests if method == "rejoin"] == ["SECRET-NEW"]
    world.session.join(JOIN, world.now)
    world.run(1.0)
    assert world.session.state is State.IN_CALL, "to join as before is no other wish"


def test_A18_a_new_role_is_that_of_every_seat_that_has_to_be_found_from_then_on() -> None:
    world = in_call(World())
    world.session.call("setRole", {"role": "audience"}, world.now)
    world.run(1.0)
    world.resumes = False
    world.resets()
    world.run(1.0)
    conn, method, params = world.requests[-1]
    assert (conn, method, params["role"]) == (world.session.conn, "rejoin", "audience"), "and nothing is published"
    world.session.leave(world.now)
    world.session.join(JOIN, world.now)
    world.run(1.0)
    assert world.requests[-1][2]["role"] == "broadcaster"


def test_B7_whose_token_has_ended_in_the_call_is_told_so_for_as_long_as_it_keeps_him_out() -> None:
    world = in_call(World())
    world.answer = world.refuses(errors.TOKEN_EXPIRED)
    world.says("error", code=errors.TOKEN_EXPIRED, reason="expired token")
    world.run(30.0)
    problem = world.session.status.problem
    assert problem is not None and problem.code == errors.TOKEN_EXPIRED, "and not that the connection is gone"
    assert world.dials == [] and world.session.state is State.OFFLINE
    world.run(HUMAN_WAIT_S)
    assert len(world.dials) == 1
