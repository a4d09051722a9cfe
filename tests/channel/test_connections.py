"""A path that loses packets: a second connection beside the first, and what becomes of the two."""

import pytest

from device import jsonrpc
from device.channel import errors, messages
from device.channel.actions import DEBUG
from device.channel.adapt import TARGET_BITRATE, Coding
from device.channel.dialling import STABLE_S
from device.channel.doubling import CROWDED_FOR_S, KEEP_S, LOOK_S, REFUSED_FOR_S
from device.channel.link import OFFLINE_S
from device.channel.liveness import DOUBT_S, SPEECH_S
from device.channel.messages import Stream
from device.channel.news import State
from device.channel.verdicts import Miss
from tests.channel.test_session_moving import away
from tests.channel.world import World, in_call


def doubled(hubs: int = 1, rtt_s: float = 0.02) -> World:
    """A call on two connections, on a path that loses packets."""
    world = World(hubs=hubs, rtt_s=rtt_s)
    world.streams[3] = Stream(3, "hall")
    in_call(world).losing = True
    world.talk(3.0)
    assert len(world.session.conns) == world.session.status.connections == 2
    world.dials.clear()
    world.requests.clear()
    world.logs.clear()
    return world


def well(world: World) -> None:
    """The call goes on, and nobody has heard of anything."""
    assert (world.session.state, world.session.status.reconnects) == (State.IN_CALL, 0)
    assert world.events == []
    assert [text for level, text in world.logs if level > DEBUG] == []


def test_the_second_loss_within_ten_seconds_dials_a_second_connection_that_carries_the_same() -> None:
    world = in_call(World())
    first = world.session.conn
    assert first is not None
    world.logs.clear()
    world.connections[first].losses += 1
    world.talk(5.0)
    assert world.dials == [] and world.session.status.connections == 1
    world.connections[first].losses += 1
    world.talk(LOOK_S + 0.1)
    assert len(world.dials) == 1
    second = world.session.conns[1]
    assert world.session.conn == first and world.methods(second) == ["rejoin"]
    world.run(0.1)
    world.media.clear()
    world.talk(1.0)
    world.run(0.1)
    assert len(world.media[first]) == 50 and world.media[first] == world.media[second]
    well(world)


def test_one_loss_now_and_then_leaves_it_at_one() -> None:
    world = in_call(World())
    for _ in range(5):
        world.connections[world.session.conn or 0].losses += 1
        world.talk(11.0)
    assert world.dials == []


def test_half_a_minute_after_the_last_loss_it_is_one_again() -> None:
    world = doubled()
    first, second = world.session.conns
    world.losing = False
    world.talk(KEEP_S - 1.0)
    assert world.session.conns == [first, second]
    world.talk(2.0)
    assert world.session.conns == world.open == [first] and world.closes[second] is True
    assert world.session.status.connections == 1
    world.talk(30.0)
    assert world.dials == []
    well(world)


def test_a_path_that_is_full_has_one_connection_and_no_second_for_a_minute() -> None:
    world = doubled()
    first, second = world.session.conns
    world.crowded = True
    world.talk(LOOK_S + 0.1)
    world.crowded = False
    assert world.session.conns == world.open == [first] and second in world.closes
    world.talk(CROWDED_FOR_S - LOOK_S - 2.0)
    assert world.dials == []
    world.talk(5.0)
    assert world.session.status.connections == 2
    well(world)


def test_what_is_said_on_both_is_told_once_by_whichever_comes_first() -> None:
    world = doubled()
    first, second = world.session.conns
    ring = jsonrpc.notification("ring", {"uid": 3, "label": "gate", "answered": False})
    for conn in (first, second, second, first):
        world.deliver(conn, ring)
    world.notify("user-left", uid=3, reason="quit")
    assert [event for event, _ in world.events] == ["ring", "ring", "user-left"]


def test_what_the_first_does_not_deliver_any_more_the_second_has_told() -> None:
    world = doubled()
    first, second = world.session.conns
    world.connections[first].alive = False
    world.talk(0.2)
    world.notify("stream-added", uid=3, label="gate")
    world.notify("ring", uid=3, label="gate", answered=False)
    world.talk(1.0)
    assert world.session.conn == second
    assert [event for event, _ in world.events] == ["stream-added", "ring"]


def test_a_first_in_doubt_is_given_up_at_once_for_the_second_and_another_is_dialled_beside() -> None:
    world = doubled()
    first, second = world.session.conns
    world.connections[first].alive = False
    number = world.session.call("subscribe", {"uid": 3}, world.now)
    world.talk(0.2)
    assert number not in world.answers
    before, died = len(world.media[second]), world.now - 0.2
    world.talk(1.0)
    assert world.session.conn == second and world.closes[first] is True
    assert world.answers[number] == {}
    assert [method for method in world.methods(second) if method != "ping"] == ["subscribe", "publish"]
    assert len(world.media[second]) - before >= 49, "what the second carries has no gap"
    assert world.dials[0][0] - died == pytest.approx(DOUBT_S, abs=0.1)
    assert world.session.status.connections == 2
    well(world)


def test_a_second_in_doubt_is_replaced_by_another() -> None:
    world = doubled()
    first, second = world.session.conns
    world.connections[second].alive = False
    world.talk(1.0)
    assert world.session.conn == first and world.closes[second] is True
    assert len(world.dials) == 1 and world.session.status.connections == 2
    assert "publish" not in world.methods()
    well(world)


@pytest.mark.parametrize("which", [0, 1])
def test_one_that_is_reset_after_a_while_is_replaced(which: int) -> None:
    world = doubled()
    world.talk(STABLE_S)
    lost, other = world.session.conns[which], world.session.conns[1 - which]
    world.hub_closes(lost)
    assert world.session.conns == [other]
    world.talk(0.2)
    assert len(world.dials) == 1 and world.session.conns[0] == other and world.session.status.connections == 2
    well(world)


def test_both_dead_is_an_outage_as_ever() -> None:
    world = doubled()
    world.dead, world.network = True, world.black_hole
    world.talk(OFFLINE_S + 1.0)
    assert world.states() == ["offline"] and world.session.status.connections == 1
    assert len(world.dials) > 8
    world.dead, world.network = False, world.works
    world.talk(1.0)
    assert world.states() == ["offline", "in-call"]


def test_a_second_on_its_way_when_the_first_dies_is_one_of_those_that_replace_it() -> None:
    world = in_call(World())
    first, world.losing, world.network = world.session.conn, True, world.black_hole
    world.talk(2.5)
    (beside,) = set(world.open) - {first}
    world.connections[first or 0].alive = False
    world.talk(0.6)
    world.session.reached(beside, world.now)
    world.session.opened(beside, world.now)
    world.run(0.1)
    assert world.session.conn == beside and world.session.status.reconnects == 1
    assert world.open == [beside], "the rest is given up"
    assert world.states() == []


def test_a_clogged_one_is_left_out_and_only_two_clogged_ones_skip() -> None:
    world = doubled(rtt_s=0.3)
    first, second = world.session.conns
    world.connections[first].alive = False
    world.talk(SPEECH_S + world.rtt_s + 0.1)
    assert world.session.clogged(world.now) == [first]
    sending = world.session.send(bytes(60), 0, None, False, world.now)
    assert sending is not None and sending[1] == [second]
    assert world.session.status.skipped == 0
    world = doubled(rtt_s=0.3)
    world.dead = True
    world.talk(SPEECH_S + world.rtt_s + 0.1)
    assert world.session.clogged(world.now) == world.session.conns and len(world.session.conns) == 2
    assert world.session.send(bytes(60), 0, None, False, world.now) is None
    frames = (world.rtt_s + 0.1) / 0.02  # what was on its way when it died is not acknowledged either
    assert world.session.status.skipped == pytest.approx(frames, abs=2), "each frame counts once"


# What people and hubs do meanwhile


def test_rejoin_is_a_new_connection_and_both_of_before_are_closed() -> None:
    world = doubled()
    before = world.session.conns
    number = world.session.rejoin(world.now)
    world.run(0.2)
    assert world.answers[number] == {"uid": 7}
    assert world.session.conns == world.open and not set(before) & set(world.open)
    assert world.session.status.reconnects == 1
    world.talk(3.0)
    assert world.session.status.connections == 2


def test_rejoin_takes_the_second_that_is_on_its_way() -> None:
    world = in_call(World(rtt_s=0.3))
    first, world.losing = world.session.conn, True
    while len(world.open) < 2:
        world.talk(0.02)
    assert world.session.conns == [first]
    number = world.session.rejoin(world.now)
    world.run(2.0)
    assert world.answers[number] == {"uid": 7} and first in world.closes


def test_leave_tells_the_hub_once_and_closes_both() -> None:
    world = doubled()
    both = world.session.conns
    world.session.leave(world.now)
    world.run(30.0)
    assert [world.closes[conn] for conn in both] == [False, False] and world.open == []
    assert world.methods() == ["leave"] and world.states() == ["left"]
    assert world.session.status.connections == 0 and world.dials == []


@pytest.mark.parametrize("by_close", [True, False])
def test_another_device_that_takes_the_seat_ends_both(by_close: bool) -> None:
    world = doubled()
    both = world.session.conns
    if by_close:
        world.hub_closes(both[1], messages.CLOSE_UID_CONFLICT)
    else:
        world.deliver(both[1], jsonrpc.notification("error", {"code": errors.UID_CONFLICT, "reason": ""}))
    world.run(30.0)
    assert world.states() == ["left"] and world.errors() == [errors.UID_CONFLICT]
    assert world.open == [] and world.dials == []


def test_the_next_process_of_the_hub_is_moved_to_from_both_and_then_doubled_again() -> None:
    world = doubled()
    both = world.session.conns
    world.notify("update-url")
    world.talk(0.5)
    assert not set(both) & set(world.open) and world.closes[both[0]] is False, "what is written is delivered"
    world.talk(3.0)
    assert world.session.status.connections == 2 and world.session.status.skipped == 0
    assert world.events == []


def test_a_second_on_its_way_does_not_keep_the_call_from_moving() -> None:
    world = in_call(World())
    old = world.session.conn
    world.losing, world.network = True, world.black_hole
    world.talk(2.5)
    assert len(world.open) == 2
    world.network = world.works
    world.notify("update-url")
    world.talk(0.3)
    assert world.session.conn != old and world.open == world.session.conns


def test_another_hub_is_moved_to_from_both_and_the_seat_given_up_once() -> None:
    world = doubled(hubs=2)
    away(world)
    both = world.session.conns
    world.notify("update-url", url="ws://hub1:8800")
    world.run(0.5)
    assert world.session.status.hub == "ws://hub1:8800"
    assert not set(both) & set(world.open)
    assert world.methods(both[0])[-1] == "leave" and "leave" not in world.methods(both[1])


def test_E10_a_hub_that_ends_as_it_should_says_so_on_both_and_is_dialled() -> None:
    world = doubled()
    world.notify("error", code=errors.SERVICE_EXITED)
    world.talk(1.0)
    assert world.session.state is State.IN_CALL
    assert world.states() == ["offline", "in-call"] and world.errors() == [errors.DISCONNECTED]


# A second that does not come about


def test_a_hub_of_another_life_gives_the_seat_anew_and_that_one_is_the_seat() -> None:
    world = in_call(World())
    first = world.session.conn
    world.resumes, world.streams = False, {3: Stream(3, "gate")}
    world.losing = True
    world.talk(REFUSED_FOR_S - 5.0)
    assert world.session.conns == world.open and first in world.closes
    assert world.events[0] == ("stream-added", {"uid": 3, "label": "gate"})
    assert len(world.dials) == 1, "two hubs behind one address do not take turns"


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "code", [errors.SESSION_UNKNOWN, errors.OVERLOADED, errors.LOGIN_FAILED, errors.UID_CONFLICT, errors.INTERNAL]
)
def test_a_hub_that_refuses_the_second_is_asked_once_a_minute_and_the_call_goes_on(code: int) -> None:
    world = in_call(World())
    first, world.losing = world.session.conn, True
    world.logs.clear()
    world.answer = world.refuses(code)
    world.talk(REFUSED_FOR_S - 5.0)
    assert len(world.dials) == 1 and world.methods().count("join") == 1
    well(world)
    world.talk(REFUSED_FOR_S)
    assert len(world.dials) == 2
    assert world.session.conns == world.open == [first]
    well(world)
    world.answer, lost = world.gives_seat, world.now
    world.hub_closes(first)
    world.run(0.2)
    assert world.dials[2][0] == lost, "what it said of a second connection delays nothing else"
    assert world.session.state is State.IN_CALL


def test_a_hub_that_closes_the_second_at_once_is_asked_once_a_minute() -> None:
    world = in_call(World())
    first, world.losing = world.session.conn, True
    world.logs.clear()

    def closes_second(conn: int, request: jsonrpc.Request) -> None:
        world.gives_seat(conn, request)
        world.after(0.5, lambda: world.hub_closes(conn, 1008))

    world.answer = closes_second
    world.talk(2 * REFUSED_FOR_S)
    assert len(world.dials) == 2 and world.session.conn == first
    well(world)


def test_a_hub_of_one_connection_each_that_closes_the_older_does_not_make_it_flap() -> None:
    world = in_call(World())
    world.losing = True
    world.logs.clear()

    def replaces(conn: int, request: jsonrpc.Request) -> None:
        old = world.session.conn
        world.gives_seat(conn, request)
        world.after(0.05, lambda: world.hub_closes(old, 4002))

    world.answer = replaces
    world.talk(2 * REFUSED_FOR_S)
    assert len(world.dials) == 2
    assert len(world.session.conns) == 1 and world.session.conn == max(world.connections)
    well(world)


@pytest.mark.parametrize("seated", [True, False], ids=["seated", "on its way"])
def test_a_hub_that_dies_soon_after_it_had_two_has_two_again_at_once(seated: bool) -> None:
    """It has refused nothing: nobody is left who could."""
    world = doubled() if seated else in_call(World())
    world.losing = True
    while len(world.open) < 2:
        world.talk(0.02)
    world.network = world.fails(Miss.REFUSED)
    for conn in reversed(world.open):
        world.hub_closes(conn)
        world.talk(0.02)
    world.talk(2.0)
    assert world.session.status.connections == 0
    world.network = world.works
    world.talk(3.0)
    assert world.session.status.connections == 2
    assert world.states() == ["offline", "in-call"]


def test_a_hub_that_ends_both_whenever_there_are_two_has_two_once_a_minute() -> None:
    """So that it costs the call no more than that; and that of the first time may have been its death."""
    world = in_call(World())
    world.losing = True

    def ends_both(conn: int, request: jsonrpc.Request) -> None:
        world.gives_seat(conn, request)
        world.after(0.5, lambda: world.resets() if len(world.session.conns) > 1 else None)

    world.answer = ends_both
    world.talk(5 * REFUSED_FOR_S)
    assert 5 <= world.states().count("offline") <= 7


@pytest.mark.parametrize("network", ["refused", "silent", "drops"])
def test_a_second_that_does_not_get_through_is_one_attempt_at_a_time(network: str) -> None:
    world = in_call(World())
    first, world.losing = world.session.conn, True
    world.logs.clear()
    networks = {"refused": world.fails(Miss.REFUSED), "silent": world.black_hole, "drops": world.drops}
    world.network = networks[network]
    for _ in range(300):
        world.talk(0.2)
        assert len(world.open) <= 2
    assert len(world.dials) <= {"refused": 61, "silent": 13, "drops": 1}[network]
    assert world.session.conns == [first]
    well(world)
    world.network, world.losing = world.works, False
    world.talk(KEEP_S + 1.0)
    world.dials.clear()
    world.talk(20.0)
    assert world.dials == [] and world.open == [first], "and none once the losses are over"


@pytest.mark.unmeasured
def test_an_hour_of_losses_and_accidents_leaves_nothing_behind() -> None:
    world = doubled()
    world.talk(STABLE_S)
    for round_ in range(200):
        world.hub_closes(world.session.conns[round_ % len(world.session.conns)])
        world.notify("stream-added", uid=3, label=f"gate {round_}")
        world.talk(STABLE_S + 1.0, frame_s=0.1)
        assert len(world.open) <= 2 and world.session.status.connections == 2
    assert sum(event == "stream-added" for event, _ in world.events) == 200
    assert len(world.dials) == 200 and world.session.status.reconnects == 0


def test_B16_a_full_path_allows_less_and_more_once_there_is_room_again() -> None:
    world = in_call(World())
    world.session.adapt(Coding(28_000, 20))
    world.crowded = True
    world.talk(3.0)
    told = [params for event, params in world.events if event == TARGET_BITRATE]
    assert told == [Coding(16_000, 40)._asdict(), Coding(12_000, 60)._asdict()]
    world.crowded = False
    world.talk(60.0)
    assert world.events[-1] == (TARGET_BITRATE, Coding(28_000, 20)._asdict())


def test_who_has_not_said_how_he_encodes_hears_nothing_of_it() -> None:
    world = in_call(World())
    world.crowded = True
    world.talk(10.0)
    assert world.events == []
