"""Each packet passes once, whichever of two connections brings it first."""

from hypothesis import given
from hypothesis import strategies as st

from device.hub.window import WINDOW_PACKETS, Window


def test_the_second_copy_does_not_pass() -> None:
    window = Window()
    assert [window.is_new(n) for n in (10, 10, 11, 10, 11, 12)] == [True, False, True, False, False, True]


def test_a_packet_that_was_overtaken_passes_once() -> None:
    window = Window()
    assert [window.is_new(n) for n in (10, 12, 11, 11, 12)] == [True, True, True, False, False]


def test_the_sequence_may_wrap() -> None:
    window = Window()
    assert [window.is_new(n) for n in (65_534, 65_535, 0, 1, 65_535, 0)] == [True, True, True, True, False, False]


def test_a_jump_starts_again_in_either_direction() -> None:
    window = Window()
    window.is_new(1_000)
    for far in (40_000, 1_000, 1_000 + WINDOW_PACKETS, 999):
        assert window.is_new(far)
        assert not window.is_new(far)


def test_after_forgetting_the_same_number_passes_again() -> None:
    window = Window()
    window.is_new(5)
    window.forget()
    assert window.is_new(5)


@given(start=st.integers(0, 65_535), lag=st.integers(0, WINDOW_PACKETS - 1), count=st.integers(1, 600))
def test_of_two_paths_with_any_lag_each_packet_passes_exactly_once(start: int, lag: int, count: int) -> None:
    window, passed = Window(), []
    for n in range(count + lag):
        for path in (n, n - lag):  # the fast path, and the slow one behind it
            if 0 <= path < count and window.is_new((start + path) & 0xFFFF):
                passed.append(path)
    assert passed == list(range(count))


@given(shift=st.integers(0, 65_535), numbers=st.lists(st.integers(0, 700), min_size=1, max_size=60))
def test_it_does_not_matter_where_the_sequence_starts(shift: int, numbers: list[int]) -> None:
    def passes(offset: int) -> list[bool]:
        window = Window()
        window.is_new(offset)
        return [window.is_new((offset + number) & 0xFFFF) for number in numbers]

    assert passes(0) == passes(shift)
