"""Echo cancellation by WebRTC."""

import pytest

from device.audio.webrtc import WebRtcCanceller
from tests.audio import noisy_room
from tests.audio.echo_room import FULL_SCALE_DB, Room, choose, level_db, reduction_db, talk
from tests.soundcard.speech import LEVEL_DBFS


@pytest.mark.parametrize(("delay", "ppm"), [(60, 0), (450, 0), (60, 200), (60, -200)])
def test_X6_it_takes_out_echo_from_near_and_far_also_where_clocks_differ(delay: int, ppm: int) -> None:
    assert reduction_db(choose("webrtc"), Room(delay_ms=delay, ppm=ppm), talk(20)) > 30


def test_it_takes_out_noise_and_leaves_what_is_said() -> None:
    spoken, clear, noisy = noisy_room.said(3)
    before = noisy_room.judge(spoken, clear, noisy)
    after = noisy_room.judge(spoken, clear, noisy_room.clean(WebRtcCanceller(echo=False, noise=True), noisy))
    assert after.pesq > before.pesq + 0.4 and after.stoi > before.stoi - 0.03


@pytest.mark.parametrize("louder_db", [-20, -10, 0])
def test_whoever_speaks_softly_is_as_loud_as_others(louder_db: int) -> None:
    clear = talk(20) * 10 ** (louder_db / 20)
    came = noisy_room.clean(WebRtcCanceller(echo=False, gain=True), clear)[len(clear) // 2 :]
    assert level_db(came) - FULL_SCALE_DB == pytest.approx(LEVEL_DBFS, abs=5)
