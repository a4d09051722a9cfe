"""What a finger, a spark and a worn-out contact look like to a button."""

import dataclasses
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.panel.gestures import Button, Gesture

MS = 1_000_000
Edges = list[tuple[bool, float]]


def told(
    edges: Iterable[tuple[bool, float]], *, double: bool = False, start_ms: float = 0.0
) -> list[tuple[float, str]]:
    """What a button tells, and when (ms), if it is asked at its deadlines and at every edge."""
    button = Button(double=double)
    out: list[tuple[float, str]] = []

    def wait(until_ns: float) -> None:
        while (deadline_ns := button.deadline_ns()) is not None and deadline_ns <= until_ns:
            out.extend((deadline_ns / MS - start_ms, gesture.value) for gesture in button.tick(deadline_ns))

    for closed, at_ms in edges:
        at_ns = round((start_ms + at_ms) * MS)
        wait(at_ns - 1)
        out.extend((at_ns / MS - start_ms, gesture.value) for gesture in button.edge(closed, at_ns))
    wait(float("inf"))
    return out


def press(at_ms: float, lasts_ms: float) -> Edges:
    return [(True, at_ms), (False, at_ms + lasts_ms)]


def test_a_tap_is_told_at_once_and_sure_after_5_ms() -> None:
    assert told(press(100, 80)) == [(100, "edge"), (105, "down"), (180, "tap")]


def test_a_hold_ends_at_the_edge() -> None:
    assert told(press(0, 700)) == [(0, "edge"), (5, "down"), (700, "up")]


def test_a_long_press_is_told_while_it_lasts() -> None:
    assert told(press(0, 1_500)) == [(0, "edge"), (5, "down"), (1_000, "long"), (1_500, "up")]


def test_a_stuck_button_is_told_once_and_then_ignored_until_it_works_again() -> None:
    gestures = told([*press(0, 90_000), *press(91_000, 50)])
    assert gestures == [
        (0, "edge"), (5, "down"), (1_000, "long"), (60_000, "stuck"),
        (91_000, "edge"), (91_005, "down"), (91_050, "tap"),
    ]  # fmt: skip


def test_a_spark_is_an_edge_and_nothing_more() -> None:
    assert told(press(0, 3)) == [(0, "edge")]
    assert told([*press(0, 3), *press(10, 3)]) == [(0, "edge")], "not again within 20 ms"


def test_a_break_ends_a_hold_at_once_and_the_finger_begins_anew() -> None:
    gestures = told([(True, 0), (False, 500), (True, 501), (False, 900)])
    assert gestures == [(0, "edge"), (5, "down"), (500, "up"), (501, "edge"), (506, "down"), (900, "up")]


def test_a_single_tap_waits_only_where_a_double_one_means_something() -> None:
    assert told(press(0, 50), double=True) == [(0, "edge"), (5, "down"), (300, "tap")]
    two = [*press(0, 50), *press(200, 50)]
    assert told(two, double=True) == [
        (0, "edge"), (5, "down"), (200, "edge"), (205, "down"), (205, "double"), (250, "up"),
    ]  # fmt: skip
    assert [gesture for _, gesture in told(two)].count("tap") == 2


def test_a_second_press_that_begins_in_time_is_waited_for() -> None:
    gestures = told([*press(0, 50), *press(298, 50)], double=True)
    assert [gesture for _, gesture in gestures] == ["edge", "down", "edge", "down", "double", "up"]
    gestures = told([*press(0, 50), *press(298, 3)], double=True)
    assert [gesture for _, gesture in gestures] == ["edge", "down", "edge", "tap"]


@pytest.mark.parametrize("lasts_ms", [10, 11, 20, 299])
@pytest.mark.parametrize("double", [True, False])
def test_no_press_of_10_ms_is_lost_even_if_nobody_looks_before_it_is_over(lasts_ms: int, double: bool) -> None:
    button = Button(double=double)
    gestures = button.edge(True, 0) + button.edge(False, lasts_ms * MS) + button.tick(lasts_ms * MS + 250 * MS)
    assert gestures == [Gesture.EDGE, Gesture.DOWN, Gesture.TAP]


def test_an_edge_told_twice_means_nothing() -> None:
    button = Button(double=False)
    assert button.edge(False, 0) == []
    assert button.edge(True, MS) == [Gesture.EDGE]
    assert button.edge(True, 2 * MS) == []


@dataclasses.dataclass
class Press:
    """A press with a contact that bounces when it closes and when it opens, for less than 5 ms each time."""

    pause_ms: int
    bounces: list[float]
    lasts_ms: int


presses = st.builds(
    Press,
    st.integers(400, 5_000),
    st.lists(st.floats(0.05, 0.6), max_size=6).filter(lambda times: len(times) % 2 == 0),
    st.integers(12, 20_000),
)


def edges_of(several: list[Press]) -> Edges:
    edges: Edges = []
    at_ms = 0.0
    for one in several:
        at_ms += one.pause_ms
        edges.append((True, at_ms))
        for closed, time_ms in zip([False, True] * 3, one.bounces, strict=False):
            at_ms += time_ms
            edges.append((closed, at_ms))
        at_ms += one.lasts_ms
        edges.append((False, at_ms))
        for closed, time_ms in zip([True, False] * 3, one.bounces, strict=False):
            at_ms += time_ms
            edges.append((closed, at_ms))
    return edges


@given(st.lists(presses, max_size=5), st.booleans())
def test_a_bouncing_press_is_one_press(several: list[Press], double: bool) -> None:
    gestures = [gesture for _, gesture in told(edges_of(several), double=double)]
    assert gestures.count("down") == len(several)
    assert gestures.count("tap") + gestures.count("up") == len(several)


edges_at_all = st.lists(st.floats(0.01, 2_000), max_size=40).map(
    lambda pauses: [(number % 2 == 0, sum(pauses[: number + 1])) for number in range(len(pauses))]
)


@given(edges_at_all, st.booleans())
def test_whatever_comes_each_press_begins_once_and_ends_once(edges: Edges, double: bool) -> None:
    pressed = False
    for _, gesture in told(edges, double=double):
        match gesture:
            case "down":
                assert not pressed
                pressed = True
            case "double":
                assert pressed and double
            case "long":
                assert pressed
            case "tap" if double:
                pass
            case "tap" | "up" | "stuck":
                assert pressed
        if gesture in ("tap", "up", "stuck") or (gesture == "edge" and double):
            pressed = False


@given(edges_at_all, st.booleans())
def test_a_contact_never_closed_for_5_ms_opens_nothing(edges: Edges, double: bool) -> None:
    sparks: Edges = []
    for number in range(0, len(edges) - 1, 2):
        begin_ms = edges[number][1]
        sparks += [(True, begin_ms), (False, min(edges[number + 1][1], begin_ms + 4.9))]
    assert {gesture for _, gesture in told(sparks, double=double)} <= {"edge"}


@given(edges_at_all, st.booleans(), st.integers(-(10**6), 10**6))
def test_when_it_happens_changes_nothing(edges: Edges, double: bool, start_ms: int) -> None:
    moved = told(edges, double=double, start_ms=start_ms)
    assert [gesture for _, gesture in moved] == [gesture for _, gesture in told(edges, double=double)]
