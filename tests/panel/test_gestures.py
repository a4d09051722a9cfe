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


def names(edges: Iterable[tuple[bool, float]], *, double: bool = False) -> list[str]:
    return [gesture for _, gesture in told(edges, double=double)]


def test_a_tap_is_told_at_once_is_sure_after_5_ms_and_over_20_ms_after_its_end() -> None:
    assert told(press(100, 80)) == [(100, "edge"), (105, "down"), (200, "tap")]


def test_the_end_of_a_hold_is_told_at_once() -> None:
    assert told(press(0, 700)) == [(0, "edge"), (5, "down"), (700, "up"), (720, "over")]


def test_a_long_press_is_told_while_it_lasts() -> None:
    assert told(press(0, 1_500)) == [(0, "edge"), (5, "down"), (1_000, "long"), (1_500, "up"), (1_520, "over")]


def test_a_stuck_button_is_told_once_and_then_ignored_until_it_works_again() -> None:
    stuck = [(True, 0), (False, 70_000), (True, 70_001), (False, 90_000)]
    assert told([*stuck, *press(91_000, 50)]) == [
        (0, "edge"), (5, "down"), (1_000, "long"), (60_000, "stuck"),
        (91_000, "edge"), (91_005, "down"), (91_070, "tap"),
    ]  # fmt: skip


def test_a_spark_is_an_edge_and_nothing_more() -> None:
    assert told(press(0, 3)) == [(0, "edge")]
    assert told([*press(0, 3), *press(10, 3), *press(22, 3)]) == [(0, "edge")], "a second one within 20 ms"
    assert told([*press(0, 3), *press(23, 3)]) == [(0, "edge"), (23, "edge")]


def test_a_break_in_a_hold_is_told_at_once_and_so_is_that_it_goes_on() -> None:
    assert told([(True, 0), (False, 500), (True, 503), (False, 900)]) == [
        (0, "edge"), (5, "down"), (500, "up"), (508, "again"), (900, "up"), (920, "over"),
    ]  # fmt: skip


def test_a_break_of_less_than_20_ms_makes_no_second_press() -> None:
    assert names([(True, 0), (False, 100), (True, 119.9), (False, 200)]) == ["edge", "down", "tap"]
    assert names([(True, 0), (False, 100), (True, 120), (False, 200)]) == ["edge", "down", "tap"] * 2
    assert names([(True, 0), (False, 100), (True, 119.9), (False, 200)], double=True) == ["edge", "down", "tap"]


def test_a_contact_that_bounces_when_it_is_released_tells_nothing() -> None:
    """Else a button that has just opened the microphone would close it again when it is let go."""
    assert names([*press(0, 100), *press(101, 0.5), *press(103, 4), *press(112, 6)]) == ["edge", "down", "tap"]


def test_a_single_tap_waits_only_where_a_double_one_means_something() -> None:
    assert told(press(0, 50), double=True) == [(0, "edge"), (5, "down"), (300, "tap")]
    two = [*press(0, 50), *press(200, 50)]
    assert told(two, double=True) == [
        (0, "edge"), (5, "down"), (200, "edge"), (205, "down"), (205, "double"), (270, "over"),
    ]  # fmt: skip
    assert names(two).count("tap") == 2


def test_a_second_press_that_begins_in_time_is_waited_for() -> None:
    assert names([*press(0, 50), *press(298, 50)], double=True) == ["edge", "down", "edge", "down", "double", "over"]
    assert names([*press(0, 50), *press(298, 3)], double=True) == ["edge", "down", "edge", "tap"]


@pytest.mark.parametrize("lasts_ms", [10, 11, 20, 299])
@pytest.mark.parametrize("double", [True, False])
def test_no_press_of_10_ms_is_lost_even_if_nobody_looks_before_it_is_over(lasts_ms: int, double: bool) -> None:
    button = Button(double=double)
    gestures = button.edge(True, 0) + button.edge(False, lasts_ms * MS) + button.tick(lasts_ms * MS + 270 * MS)
    assert gestures == [Gesture.EDGE, Gesture.DOWN, Gesture.TAP]


def test_an_edge_told_twice_means_nothing() -> None:
    button = Button(double=False)
    assert button.edge(False, 0) == []
    assert button.edge(True, MS) == [Gesture.EDGE]
    assert button.edge(True, 2 * MS) == []


@dataclasses.dataclass
class Press:
    """A press with a contact that bounces when it closes and when it opens; lasts_ms: all of it."""

    pause_ms: float
    closing_ms: list[float]
    opening_ms: list[float]
    lasts_ms: float


bounces = st.lists(st.floats(0.05, 0.6), max_size=4).map(lambda times_ms: times_ms[: len(times_ms) // 2 * 2])


def presses(shortest_pause_ms: float, *, lasts_ms: st.SearchStrategy[float]) -> st.SearchStrategy[Press]:
    return st.builds(Press, st.floats(shortest_pause_ms, 2_000), bounces, bounces, lasts_ms)


def edges_of(several: list[Press]) -> Edges:
    edges: Edges = []
    at_ms = 0.0
    for one in several:
        at_ms += one.pause_ms
        edges.append((True, at_ms))
        for number, time_ms in enumerate(one.closing_ms):
            at_ms += time_ms
            edges.append((number % 2 == 1, at_ms))
        at_ms += one.lasts_ms - sum(one.closing_ms) - sum(one.opening_ms)
        edges.append((False, at_ms))
        for number, time_ms in enumerate(one.opening_ms):
            at_ms += time_ms
            edges.append((number % 2 == 0, at_ms))
    return edges


def count(gestures: list[str], *which: str) -> int:
    return sum(gesture in which for gesture in gestures)


@given(st.lists(presses(20.01, lasts_ms=st.floats(10, 30) | st.floats(10, 2_000)), max_size=8))
def test_no_press_of_10_ms_is_lost_and_none_counts_twice_however_it_bounces(several: list[Press]) -> None:
    gestures = names(edges_of(several))
    assert count(gestures, "edge") == count(gestures, "down") == count(gestures, "tap", "over") == len(several)


@given(st.lists(presses(300, lasts_ms=st.floats(10, 290)), max_size=8), st.booleans())
def test_taps_far_apart_are_single_ones_however_they_bounce(several: list[Press], double: bool) -> None:
    assert names(edges_of(several), double=double) == ["edge", "down", "tap"] * len(several)


edges_at_all = st.lists(st.floats(0.01, 30) | st.floats(0.01, 2_000), max_size=40).map(
    lambda pauses: [(number % 2 == 0, sum(pauses[: number + 1])) for number in range(len(pauses))]
)


@given(edges_at_all, st.booleans())
def test_whatever_comes_each_press_begins_once_and_ends_once(edges: Edges, double: bool) -> None:
    pressed = held = False
    for gesture in names(edges, double=double):
        match gesture:
            case "edge":
                pressed = pressed and not double  # the end of a first tap is not told if it becomes a double one
            case "down":
                assert not pressed
                pressed = held = True
            case "up":
                assert pressed and held
                held = False
            case "again":
                assert pressed and not held
                held = True
            case "double":
                assert pressed and double
            case "long":
                assert pressed and held
            case "tap":
                assert double or pressed
                pressed = False
            case "over" | "stuck":
                assert pressed
                pressed = False


@given(edges_at_all, st.booleans())
def test_a_contact_never_closed_for_5_ms_opens_nothing(edges: Edges, double: bool) -> None:
    sparks: Edges = []
    for number in range(0, len(edges) - 1, 2):
        begin_ms = edges[number][1]
        sparks += [(True, begin_ms), (False, min(edges[number + 1][1], begin_ms + 4.9))]
    assert set(names(sparks, double=double)) <= {"edge"}


def without_holding(gestures: list[str]) -> list[str]:
    return [gesture for gesture in gestures if gesture not in ("up", "again")]


@given(st.lists(presses(20.01, lasts_ms=st.floats(20, 2_000)), max_size=5), st.floats(0.3, 0.7))
def test_a_break_of_3_ms_in_a_press_is_no_second_press(several: list[Press], share: float) -> None:
    """Else a button that mutes would open the microphone again while it is pressed."""
    broken: Edges = []
    at_ms = 0.0
    for one in several:
        at_ms += one.pause_ms
        break_ms = at_ms + share * one.lasts_ms
        broken += [(True, at_ms), (False, break_ms), (True, break_ms + 3), (False, at_ms + one.lasts_ms)]
        at_ms += one.lasts_ms
    whole = [edge for number, edge in enumerate(broken) if number % 4 in (0, 3)]
    assert without_holding(names(broken)) == without_holding(names(whole))


@given(edges_at_all, st.booleans(), st.integers(-(10**6), 10**6))
def test_when_it_happens_changes_nothing(edges: Edges, double: bool, start_ms: int) -> None:
    moved = told(edges, double=double, start_ms=start_ms)
    assert [gesture for _, gesture in moved] == names(edges, double=double)


@given(edges_at_all, st.booleans())
def test_who_looks_late_is_told_the_same(edges: Edges, double: bool) -> None:
    button = Button(double=double)
    gestures = [gesture for closed, at_ms in edges for gesture in button.edge(closed, round(at_ms * MS))]
    far_ns = round((edges[-1][1] if edges else 0) * MS) + 100_000 * MS
    gestures += [gesture for _ in range(3) for gesture in button.tick(far_ns)]
    assert [gesture.value for gesture in gestures] == names(edges, double=double)
