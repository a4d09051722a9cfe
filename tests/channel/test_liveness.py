"""When a connection is in doubt, and when the next frame had better not be sent: stories on one path after another.

`drive` plays a path in virtual time: frames every 20 ms, a ping when one is due, acknowledgements and answers one round
trip later, and stalls in which nothing passes. It returns when doubts began.
"""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel.liveness import DOUBT_S, LOST_S, SPEECH_S, WARY_MAX_S, WARY_S, Liveness

FRAME_S, FRAME_BYTES = 0.02, 80
ON_THE_WIRE = FRAME_BYTES + 6


def after_stalls(at: float, stalls: list[tuple[float, float]]) -> float:
    return next((end for begin, end in stalls if begin <= at < end), at)


class Path:
    """One connection under test, and what is on its way."""

    def __init__(
        self, rtt_s: Callable[[float], float], stalls: list[tuple[float, float]], talking: bool = True
    ) -> None:
        self.rtt_s, self.stalls, self.talking = rtt_s, stalls, talking
        self.liveness = Liveness(0.0, rtt_s(0.0), 1.0, secure=False)
        self.unacknowledged: list[tuple[float, int]] = []
        self.pongs: list[float] = []
        self.doubts: list[float] = []
        self.skipped = 0
        self.doubted_since: float | None = None

    def arrives(self, now: float) -> float:
        arrives = after_stalls(now + self.rtt_s(now), self.stalls)
        return max(arrives, self.unacknowledged[-1][0] if self.unacknowledged else 0.0)

    def write(self, size: int, now: float) -> None:
        self.liveness.wrote(size, now)
        self.unacknowledged.append((self.arrives(now), size + 6))

    def step(self, now: float) -> None:
        live = self.liveness
        if self.pongs and self.pongs[0] <= now:
            self.pongs.pop(0)
            live.heard(now)
            live.ponged(now)
        self.unacknowledged = [(at, size) for at, size in self.unacknowledged if at > now]
        live.acknowledged_all_but(sum(size for _, size in self.unacknowledged), now)
        if live.ping_at() <= now:
            live.pinged(now)
            self.write(50, now)
            self.pongs.append(self.unacknowledged[-1][0])
        if self.talking:
            if live.is_clogged(now):
                self.skipped += 1
            else:
                self.write(FRAME_BYTES, now)
        if live.doubt_at() <= now:
            if self.doubted_since is None:
                self.doubted_since = live.waiting_since()
                self.doubts.append(now)
        elif self.doubted_since is not None:
            live.was_wrong(now - self.doubted_since, now)
            self.doubted_since = None


def drive(path: Path, seconds: float) -> Path:
    for step in range(round(seconds / FRAME_S)):
        path.step(step * FRAME_S)
    return path


@pytest.mark.parametrize("talking", [True, False])
@pytest.mark.parametrize("rtt_s", [0.0005, 0.05, 0.3, 1.0, 3.0])
def test_a_path_that_works_is_never_doubted_however_long_it_is(rtt_s: float, talking: bool) -> None:
    path = drive(Path(lambda _: rtt_s, [], talking), 60)
    assert path.doubts == []
    assert path.skipped == 0


@pytest.mark.parametrize("rtt_s", [0.0005, 0.05, 0.3])
def test_a_talker_doubts_a_dead_path_after_400_ms_and_its_round_trip(rtt_s: float) -> None:
    path = drive(Path(lambda _: rtt_s, [(10.0, 99.0)]), 20)
    assert len(path.doubts) == 1
    assert path.doubts[0] - 10.0 == pytest.approx(DOUBT_S + rtt_s, abs=2 * FRAME_S + rtt_s)


def test_R3_a_listener_doubts_it_400_ms_after_the_next_ping() -> None:
    path = drive(Path(lambda _: 0.05, [(10.5, 99.0)], talking=False), 20)
    assert len(path.doubts) == 1
    assert path.doubts[0] < 10.5 + 1.0 + DOUBT_S + 0.05 + 3 * FRAME_S


def test_a_hub_that_stands_still_acknowledges_and_is_doubted_nevertheless() -> None:
    live = Liveness(0.0, 0.01, 1.0, secure=False)
    live.pinged(1.0)
    for frame in range(50):
        now = 1.0 + frame * FRAME_S
        live.wrote(FRAME_BYTES, now)
        live.acknowledged_all_but(0, now)
    assert live.doubt_at() == pytest.approx(1.0 + DOUBT_S + 0.01)


def test_anything_that_arrives_ends_the_wait_for_an_answer() -> None:
    live = Liveness(0.0, 0.01, 1.0, secure=False)
    live.pinged(1.0)
    live.heard(1.3)
    assert live.doubt_at() == pytest.approx(1.3 + DOUBT_S + 0.01)


def test_a_way_that_carries_nothing_is_doubted_however_much_comes_back_on_the_other() -> None:
    """After an outage the hub's repetition may arrive a second before ours is due: 0.58 s of silence were seen."""
    live = Liveness(0.0, 0.01, 1.0, secure=False)
    live.wrote(FRAME_BYTES, 1.0)
    for frame in range(50):
        live.heard(1.0 + frame * FRAME_S)
    assert live.doubt_at() == pytest.approx(1.0 + DOUBT_S + 0.01)


def test_nothing_to_wait_for_is_nothing_to_doubt() -> None:
    live = Liveness(0.0, 0.01, 1.0, secure=False)
    assert live.doubt_at() == float("inf")
    live.wrote(FRAME_BYTES, 5.0)
    live.acknowledged_all_but(0, 5.1)
    assert live.doubt_at() == float("inf")


def test_a_path_that_has_become_long_is_doubted_twice_and_then_believed() -> None:
    path = drive(Path(lambda now: 0.05 if now < 10 else 3.0, []), 120)
    assert 1 <= len(path.doubts) <= 2
    assert max(path.doubts) < 20


def test_one_answer_held_up_by_a_stall_does_not_hide_the_next_stall() -> None:
    path = drive(Path(lambda _: 0.05, [(10.0, 13.0), (30.0, 99.0)]), 40)
    assert len(path.doubts) == 2
    assert path.doubts[1] - 30.0 < 0.6


def test_the_shorter_of_the_last_two_round_trips_counts() -> None:
    live = Liveness(0.0, 0.05, 1.0, secure=False)
    for asked, patience in ((10.0, DOUBT_S + 0.05), (20.0, DOUBT_S + 3.0)):
        live.pinged(asked)
        live.ponged(asked + 3.0)
        live.wrote(FRAME_BYTES, asked + 5.0)
        assert live.doubt_at() == pytest.approx(asked + 5.0 + patience)
        live.acknowledged_all_but(0, asked + 6.0)


def test_regular_gaps_are_doubted_once_in_a_while_and_not_each_time() -> None:
    gaps = [(5.0 + n, 5.6 + n) for n in range(60)]  # power saving: 600 ms of every second nothing passes
    path = drive(Path(lambda _: 0.02, gaps), 65)
    assert 1 <= len(path.doubts) <= 60 / WARY_S + 2


@given(st.floats(0.5, 60.0))
def test_no_wrong_doubt_makes_a_dead_path_go_unnoticed(silent_s: float) -> None:
    live = Liveness(0.0, 0.05, 1.0, secure=False)
    live.was_wrong(silent_s, 100.0)
    live.wrote(FRAME_BYTES, 101.0)
    assert live.doubt_at() <= 101.0 + WARY_MAX_S
    late = Liveness(0.0, 0.05, 1.0, secure=False)
    late.was_wrong(silent_s, 100.0)
    late.wrote(FRAME_BYTES, 101.0 + WARY_S)
    assert late.doubt_at() == pytest.approx(101.0 + WARY_S + DOUBT_S + 0.05)


@pytest.mark.parametrize("rtt_s", [0.0005, 0.1, 1.0])
def test_in_a_hole_200_ms_of_speech_are_written_and_no_more(rtt_s: float) -> None:
    path = drive(Path(lambda _: rtt_s, [(10.0, 99.0)]), 20)
    speech_s = sum(size == ON_THE_WIRE for _, size in path.unacknowledged) * FRAME_S
    assert speech_s == pytest.approx(SPEECH_S + rtt_s, abs=3 * FRAME_S)
    assert path.skipped > 400


def test_speech_goes_on_when_the_hole_ends() -> None:
    path = drive(Path(lambda _: 0.05, [(10.0, 15.0)]), 20)
    skipped = path.skipped
    assert skipped == pytest.approx((5.0 - SPEECH_S) / FRAME_S, abs=6)
    for step in range(1_000, 1_500):
        path.step(step * FRAME_S)
    assert path.skipped == skipped


@pytest.mark.parametrize(("size", "secure", "on_the_wire"), [(80, False, 86), (126, False, 134), (80, True, 107)])
def test_bytes_are_counted_as_the_kernel_counts_them(size: int, secure: bool, on_the_wire: int) -> None:
    live = Liveness(0.0, 0.0, 1.0, secure)
    live.wrote(size, 1.0)
    live.wrote(size, 2.0)
    live.acknowledged_all_but(on_the_wire + 1, 2.0)
    assert live.is_clogged(2.0)
    live.acknowledged_all_but(on_the_wire, 2.0)
    assert not live.is_clogged(2.0)


def test_bytes_that_we_did_not_count_are_no_progress() -> None:
    """The library answers pings by itself: what it writes must not look like an acknowledgement of something."""
    live = Liveness(0.0, 0.0, 1.0, secure=False)
    live.wrote(FRAME_BYTES, 1.0)
    for extra in range(20):
        live.acknowledged_all_but(ON_THE_WIRE + extra * 8, 1.0 + extra * FRAME_S)
    assert live.doubt_at() == pytest.approx(1.0 + DOUBT_S)


def test_R3_one_ping_at_a_time_and_its_answer_measures_the_round_trip() -> None:
    live = Liveness(0.0, 0.5, 1.0, secure=False)
    assert live.ping_at() == 1.0
    live.pinged(1.0)
    assert live.ping_at() == 1.0 + LOST_S
    live.ponged(1.08)
    assert live.rtt_s == pytest.approx(0.08)
    assert live.ping_at() == 2.0


def test_a_ping_that_was_never_answered_still_counts_when_the_next_is_sent() -> None:
    live = Liveness(0.0, 0.05, 1.0, secure=False)
    live.pinged(1.0)
    assert live.ping_at() == 11.0
    live.pinged(11.0)
    assert live.doubt_at() == pytest.approx(1.45)
    live.ponged(11.1)
    assert live.doubt_at() == float("inf")
    assert live.rtt_s == pytest.approx(0.1)
