"""A slow listener gets the newest 200 ms, in order, and never what is older."""

from hypothesis import given
from hypothesis import strategies as st

from device.channel import rtp
from device.hub.backlog import KEEP_BYTES, KEEP_FRAMES, KEEP_S, Backlog
from device.hub.frames import media_frame


def test_what_is_fresh_comes_out_in_order_and_once() -> None:
    backlog = Backlog()
    assert backlog.put(b"one", 0.00) == backlog.put(b"two", 0.02) == 0
    assert backlog.take(0.04) == (b"onetwo", 0)
    assert backlog.take(0.04) == (b"", 0)


def test_what_has_waited_too_long_is_dropped_when_it_is_taken() -> None:
    backlog = Backlog()
    backlog.put(b"old", 0.0)
    backlog.put(b"new", 0.15)
    assert backlog.take(KEEP_S + 0.01) == (b"new", 1)


def test_a_listener_who_never_reads_holds_200_ms_and_no_more() -> None:
    backlog = Backlog()
    dropped = sum(backlog.put(b"x", n * 0.02) for n in range(1_000))
    kept, late = backlog.take(999 * 0.02)
    assert len(kept) == 11 and late == 0
    assert dropped + len(kept) == 1_000


def test_a_flood_is_bounded_by_number() -> None:
    backlog = Backlog()
    dropped = sum(backlog.put(b"x", 0.0) for _ in range(10_000))
    assert dropped == 10_000 - KEEP_FRAMES
    assert len(backlog.take(0.0)[0]) == KEEP_FRAMES


def frame(talker: int, number: int, size: int) -> bytes:
    return media_frame(rtp.Packet(talker, number, number * 960, bytes(size)).pack())


def test_who_has_fallen_silent_takes_no_room() -> None:
    backlog = Backlog()
    backlog.put(frame(1, 0, 60), 0.0)
    assert backlog.put(frame(2, 0, 60), KEEP_S + 0.1) == 1
    assert backlog.take(KEEP_S + 0.1) == (frame(2, 0, 60), 0)


def test_who_floods_a_listener_crowds_out_himself() -> None:
    """Three who talk and one who sends 50 times as much: the three lose nothing."""
    backlog, now, calm = Backlog(), 0.0, []
    for number in range(10):
        for talker in (1, 2, 3):
            calm.append(frame(talker, number, 60))
            assert backlog.put(calm[-1], now) == 0 or number
        for more in range(50):
            backlog.put(frame(4, number * 50 + more, 1_200), now)
        now += 0.02
    kept, late = backlog.take(now - 0.01)
    assert late == 0 and len(kept) <= KEEP_BYTES
    at = [kept.find(one) for one in calm]
    assert -1 not in at and at == sorted(at), "all of it, in order"
    assert kept.find(frame(4, 499, 1_200)) >= 0, "and of the flood what is newest"
    assert kept.find(frame(4, 0, 1_200)) == -1


@given(st.lists(st.tuples(st.floats(0, 0.1), st.booleans()), max_size=300))
def test_every_frame_is_sent_or_counted_as_dropped(steps: list[tuple[float, bool]]) -> None:
    backlog, now, put, sent, dropped = Backlog(), 0.0, 0, b"", 0
    for gap_s, take in [*steps, (0.0, True)]:
        now += gap_s
        if take:
            fresh, late = backlog.take(now)
            sent, dropped = sent + fresh, dropped + late
        else:
            dropped += backlog.put(bytes([put & 0xFF]), now)
            put += 1
    assert len(sent) + dropped == put
