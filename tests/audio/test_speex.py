"""Echo cancellation by libspeexdsp."""

import pytest

from tests.audio.echo_room import Room, choose, delay_ms, reduction_db, talk


@pytest.mark.parametrize("ppm", [0, 200, -200])
def test_X6_it_takes_out_the_echo_of_a_room_also_where_clocks_differ(ppm: int) -> None:
    assert reduction_db("speex", Room(ppm=ppm), talk(20)) > 17


def test_silence_stays_silence() -> None:
    canceller = choose("speex").canceller
    assert {canceller.clean(bytes(1_920), bytes(1_920)) for _ in range(50)} == {bytes(1_920)}


@pytest.mark.parametrize("frame_ms", [10, 20])
def test_blocks_of_both_lengths_come_out_as_long_as_they_went_in(frame_ms: int) -> None:
    silence = bytes(frame_ms * 96)
    assert len(choose("speex").canceller.clean(silence, silence)) == len(silence)


def test_it_is_as_late_as_it_says() -> None:
    """So that a microphone that is opened sends nothing from before."""
    assert abs(delay_ms("speex") - choose("speex").canceller.delay_ms) < 0.2
