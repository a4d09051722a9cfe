"""Echo cancellation by libspeexdsp."""

import pytest

from device.audio.speex import SpeexCanceller
from tests.audio import noisy_room
from tests.audio.echo_room import FULL_SCALE_DB, Room, choose, level_db, reduction_db, talk
from tests.soundcard.speech import LEVEL_DBFS


@pytest.mark.parametrize("ppm", [0, 200, -200])
def test_X6_it_takes_out_the_echo_of_a_room_also_where_clocks_differ(ppm: int) -> None:
    assert reduction_db(choose("speex"), Room(ppm=ppm), talk(20)) > 17


def test_silence_stays_silence() -> None:
    canceller = choose("speex").canceller
    assert {canceller.clean(bytes(960), bytes(960)) for _ in range(100)} == {bytes(960)}


def test_it_takes_out_noise_and_leaves_what_is_said() -> None:
    spoken, clear, noisy = noisy_room.said(3)
    before = noisy_room.judge(spoken, clear, noisy)
    after = noisy_room.judge(spoken, clear, noisy_room.clean(SpeexCanceller(echo=False, noise=True), noisy))
    assert after.pesq > before.pesq + 0.3 and after.stoi > before.stoi - 0.02


@pytest.mark.parametrize("louder_db", [-20, 0, 10])
def test_whoever_speaks_is_as_loud_as_others(louder_db: int) -> None:
    clear = talk(20) * 10 ** (louder_db / 20)
    came = noisy_room.clean(SpeexCanceller(echo=False, gain=True), clear)[len(clear) // 2 :]
    assert level_db(came) - FULL_SCALE_DB == pytest.approx(LEVEL_DBFS, abs=2)
