"""How a session notices that its connection is dead, what it does about it, and that it always finds back."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.channel import errors
from device.channel.actions import DEBUG, INFO, WARNING
from device.channel.dialling import HUMAN_WAIT_S, LONGEST_WAIT_S, PACE_S, STABLE_S, VARY
from device.channel.link import OFFLINE_S
from device.channel.liveness import DOUBT_S
from device.channel.messages import Join
from device.channel.news import State
from device.channel.verdicts import Miss
from tests.channel.world import JOIN, World, in_call

LOW, HIGH = 1 - VARY, 1 + VARY


def test_a_dead_path_is_doubted_and_replaced_as_soon_as_another_works() -> None:
    world = in_call(World())
    world.talk(2.0)
    first = world.session.conn
    assert first is not None
    world.connections[first].alive = False
    died = world.now
    world.talk(1.0)
    assert world.dials[0][0] - died == pytest.approx(DOUBT_S, abs=0.1)
    assert world.session.conn != first
    assert world.closes[first] is True
    assert world.methods()[-1] == "publish"
    assert world.states() == [], "a call that goes on is no news"
    assert world.session.status.reconnects == 1
    assert len(world.media[world.session.conn or 0]) > 10


def test_the_first_connection_stays_if_it_is_heard_again_before_another_is_seated() -> None:
    world = in_call(World())
    world.talk(2.0)
    first = world.session.conn
    world.dead, world.network = True, world.black_hole
    world.talk(0.8)
    assert len(world.open) > 1
    world.revive()
    world.talk(0.5)
    assert world.open == [first]
    assert (world.states(), world.session.status.reconnects) == ([], 0)
    world.talk(20.0)
    assert world.open == [first]


def test_R3_a_listener_notices_a_dead_path_by_its_ping() -> None:
    world = in_call(World())
    world.dead, world.network = True, world.black_hole
    died = world.now
    world.run(2.0)
    assert world.dials[0][0] - died < 1.0 + DOUBT_S + 0.1


def test_a_hub_that_stands_still_is_doubted_and_kept_until_there_is_another() -> None:
    world = in_call(World())
    conn = world.session.conn
    world._read = lambda connection, data: None  # type: ignore[method-assign]  # acknowledged, and read by nobody
    world.network = world.stands_still
    world.talk(3.0)
    assert len(world.dials) > 1
    assert world.session.conn == conn


def test_B11_after_four_seconds_in_doubt_it_is_offline_and_back_when_heard() -> None:
    world = in_call(World())
    world.talk(2.0)
    world.dead, world.network = True, world.black_hole
    died = world.now
    world.talk(OFFLINE_S + 0.1)
    assert world.states() == ["offline"]
    assert world.errors() == [errors.DISCONNECTED]
    world.talk(20.0)
    world.revive()
    world.talk(0.5)
    assert world.states() == ["offline", "in-call"]
    back = next(text for level, text in reversed(world.logs) if level == INFO)
    assert back.startswith("back in lobby at ws://hub0:8800 after ")
    assert float(back.split()[-2]) == pytest.approx(world.now - died, abs=1.0)


def test_R1_an_outage_of_a_minute_is_told_once_and_over_within_a_second() -> None:
    world = in_call(World())
    world.logs.clear()
    world.network = world.black_hole
    world.hub_closes(world.session.conn)
    world.run(60.0)
    assert [level for level, _ in world.logs if level > DEBUG] == [WARNING, WARNING], "lost, and why it lasts"
    assert (world.states(), world.errors()) == (["offline"], [errors.DISCONNECTED])
    world.network = world.works
    world.run(PACE_S * HIGH + 0.1)
    assert world.session.state is State.IN_CALL
    assert world.methods()[-2:] == ["rejoin", "publish"]


def test_E12_R1_a_loss_is_dialled_at_once() -> None:
    world = in_call(World())
    world.hub_closes(world.session.conn)
    lost = world.now
    world.run(0.2)
    assert world.dials[0][0] == lost
    assert world.session.state is State.IN_CALL


def test_a_seat_that_is_taken_back_at_once_slows_the_dialling_down() -> None:
    world = in_call(World())
    for _ in range(8):
        world.hub_closes(world.session.conn)
        lost = world.now
        while world.session.conn is None:
            world.run(0.05)
        waited = world.now - lost
        world.run(STABLE_S / 5)
    assert waited >= LONGEST_WAIT_S * LOW


@pytest.mark.parametrize(
    ("code", "redials_after_s"),
    [
        (errors.INTERNAL, 0.0),
        (errors.SERVICE_LOST, 0.0),
        (errors.SERVICE_EXITED, 0.0),
        (errors.LOGIN_FAILED, HUMAN_WAIT_S),
        (errors.OVERLOADED, None),
        (errors.TOO_FREQUENT, None),
        (errors.OUT_OF_ORDER, None),
        (31_337, None),
    ],
)
def test_E8_E9_E10_what_a_hub_says_about_the_connection_has_its_remedy(
    code: int, redials_after_s: float | None
) -> None:
    world = in_call(World())
    said = world.now
    world.notify("error", code=code, reason="so it is")
    world.run(100.0)
    assert world.session.state is State.IN_CALL
    told = [] if code == errors.SERVICE_EXITED else [code]
    if redials_after_s is None:
        assert world.dials == []
        assert world.errors() == told
    else:
        assert LOW * redials_after_s <= world.dials[0][0] - said <= HIGH * redials_after_s
        # Why it is kept out is said; that the connection is gone for it is none of people's worries.
        assert world.errors() == ([*told] if code == errors.LOGIN_FAILED else [*told, errors.DISCONNECTED])


def test_a_hub_that_asked_for_a_slower_pace_gets_it_when_it_closes() -> None:
    world = in_call(World())
    world.notify("error", code=errors.OVERLOADED)
    world.hub_closes(world.session.conn)
    lost = world.now
    world.run(1.0)
    assert world.dials[0][0] - lost >= 0.25 * LOW


# What nobody thought of

ACCIDENTS: dict[str, Callable[[World], object]] = {
    "join": lambda world: world.session.join(JOIN, world.now),
    "join elsewhere": lambda world: world.session.join(Join(JOIN.app_id, "hall"), world.now),
    "leave": lambda world: world.session.leave(world.now),
    "publish": lambda world: world.session.call("publish", {}, world.now),
    "subscribe": lambda world: world.session.call("subscribe", {"uid": 3}, world.now),
    "unsubscribe": lambda world: world.session.call("unsubscribe", {"uid": 3}, world.now),
    "path dies": lambda world: setattr(world, "dead", True),
    "path revives": lambda world: world.revive(),
    "black hole": lambda world: setattr(world, "network", world.black_hole),
    "hub stands still": lambda world: setattr(world, "network", world.stands_still),
    "works": lambda world: setattr(world, "network", world.works),
    "refused": lambda world: setattr(world, "network", world.fails(Miss.REFUSED)),
    "http 502": lambda world: setattr(world, "network", world.fails(Miss.HTTP, 502)),
    "drops": lambda world: setattr(world, "network", world.drops),
    "no answer": lambda world: setattr(world, "answer", world.ignores),
    "gives seats": lambda world: setattr(world, "answer", world.gives_seat),
    "knows no session": lambda world: setattr(world, "answer", world.refuses(errors.SESSION_UNKNOWN, only="rejoin")),
    "reset": lambda world: world.resets(),
    "hub error": lambda world: world.says("error", code=errors.INTERNAL),
    "conflict": lambda world: world.says("error", code=errors.UID_CONFLICT),
    "update-url": lambda world: world.says("update-url"),
    "sent to the second": lambda world: world.says("update-url", url="ws://hub1:8800"),
    "somebody leaves": lambda world: world.says("user-left", uid=3, reason="quit"),
    "new stream": lambda world: world.says("stream-added", uid=3),
    "talk": lambda world: world.talk(0.3),
}


@settings(max_examples=400)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(ACCIDENTS)), st.floats(0.0, 3.0)), max_size=25),
    st.integers(0, 2**32),
    st.integers(1, 3),
    st.sampled_from([0.0005, 0.02, 0.1]),
)
def test_whatever_has_happened_a_hub_that_answers_is_found_within_a_second(
    story: list[tuple[str, float]], seed: int, hubs: int, rtt_s: float
) -> None:
    world = World(hubs, seed, rtt_s)
    world.session.join(JOIN, world.now)
    for accident, seconds in story:
        ACCIDENTS[accident](world)
        world.run(seconds)
    world.network, world.answer = world.works, world.gives_seat
    world.dead = False  # the old connections stay as they are: what they held is not delivered
    if world.session.state is State.LEFT:
        before = len(world.dials)
        world.run(100.0)
        assert len(world.dials) == before
    world.session.join(JOIN, world.now)  # a person asks, so what hubs said before is not waited out
    world.run(1.0 + 4 * rtt_s)
    assert world.session.state is State.IN_CALL
    assert world.session.conn is not None
    world.run(5.0)
    if len(world.open) > 1:  # a look at an earlier hub has just begun
        world.run(0.1 + 4 * rtt_s)
    assert world.open == [world.session.conn]


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(["path dies", "black hole", "hub stands still", "refused", "reset", "talk"]), max_size=12),
    st.lists(st.floats(0.0, 8.0), min_size=12, max_size=12),
    st.integers(0, 2**32),
)
def test_without_a_word_from_a_hub_nobody_needs_to_ask_again(story: list[str], waits: list[float], seed: int) -> None:
    """The same, for what slows nothing down: the session finds the hub by itself."""
    world = in_call(World(seed=seed))
    for accident, seconds in zip(story, waits, strict=False):
        ACCIDENTS[accident](world)
        world.run(seconds)
    world.network, world.dead = world.works, False
    lost_within_a_moment = 0.25 * HIGH  # a seat that was reset as soon as it was found
    world.run(1.0 + DOUBT_S + 1.0 + lost_within_a_moment)
    assert world.session.state is State.IN_CALL
    world.run(5.0)
    assert world.open == [world.session.conn]
