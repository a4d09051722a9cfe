"""Echo cancellation by WebRTC."""

import pytest

from tests.audio.echo_room import Room, reduction_db, talk


@pytest.mark.parametrize(("delay", "ppm"), [(60, 0), (450, 0), (60, 200), (60, -200)])
def test_X6_it_takes_out_echo_from_near_and_far_also_where_clocks_differ(delay: int, ppm: int) -> None:
    assert reduction_db("webrtc", Room(delay_ms=delay, ppm=ppm), talk(20)) > 30
