"""Echo cancellation by libspeexdsp."""

import pytest

from tests.audio.echo_room import Room, choose, reduction_db, talk


@pytest.mark.parametrize("ppm", [0, 200, -200])
def test_X6_it_takes_out_the_echo_of_a_room_also_where_clocks_differ(ppm: int) -> None:
    assert reduction_db("speex", Room(ppm=ppm), talk(20)) > 17


def test_silence_stays_silence() -> None:
    canceller = choose("speex").canceller
    assert {canceller.clean(bytes(960), bytes(960)) for _ in range(100)} == {bytes(960)}
