"""Echo cancellation by WebRTC."""

import pytest

from tests.audio.echo_room import Room, choose, delay_ms, reduction_db, talk


@pytest.mark.parametrize(("delay", "ppm"), [(60, 0), (450, 0), (60, 200), (60, -200)])
def test_X6_it_takes_out_echo_from_near_and_far_also_where_clocks_differ(delay: int, ppm: int) -> None:
    assert reduction_db("webrtc", Room(delay_ms=delay, ppm=ppm), talk(20)) > 30


@pytest.mark.parametrize("frame_ms", [10, 20])
def test_blocks_of_both_lengths_come_out_as_long_as_they_went_in(frame_ms: int) -> None:
    silence = bytes(frame_ms * 96)
    assert len(choose("webrtc").canceller.clean(silence, silence)) == len(silence)


def test_it_is_as_late_as_it_says() -> None:
    """So that a microphone that is opened sends nothing from before."""
    assert abs(delay_ms("webrtc") - choose("webrtc").canceller.delay_ms) < 0.2
