"""The tones: quiet, short, without a click, and no two alike."""

import numpy as np
import pytest
from numpy.typing import NDArray

from device.audio.tones import Tone, pcm

every_tone = pytest.mark.parametrize("tone", Tone)


def samples(tone: Tone, volume: int = 100) -> NDArray[np.float64]:
    return np.frombuffer(pcm(tone, volume), np.int16).astype(float)


def pitches_hz(tone: Tone) -> list[float]:
    """The loudest frequency of every 40 ms in which something sounds."""
    blocks = samples(tone)[: len(samples(tone)) // 1_920 * 1_920].reshape(-1, 1_920)
    loud = [block for block in blocks if np.abs(block).max() > 500]
    return [float(np.argmax(np.abs(np.fft.rfft(block, 48_000)))) for block in loud]


@every_tone
def test_it_is_quiet_and_has_no_click(tone: Tone) -> None:
    sound = samples(tone)
    peak_dbfs = 20 * np.log10(np.abs(sound).max() / 32_768)
    assert -21 < peak_dbfs <= -19.9
    assert sound[0] == sound[-1] == 0
    fastest = 2 * np.pi * 1_108.73 / 48_000 * np.abs(sound).max()
    assert np.abs(np.diff(sound)).max() < 1.2 * fastest


@every_tone
def test_it_is_short_but_for_the_ring_which_comes_every_two_seconds(tone: Tone) -> None:
    seconds = len(samples(tone)) / 48_000
    assert seconds == 2.0 if tone is Tone.RING else 0.05 < seconds < 0.4


def test_good_news_rises_and_bad_news_falls() -> None:
    for good, bad in ((Tone.JOINED, Tone.LEFT), (Tone.LINK_BACK, Tone.LINK_LOST)):
        rising, falling = pitches_hz(good), pitches_hz(bad)
        assert rising[-1] > rising[0] + 50
        assert falling[-1] < falling[0] - 50
    assert pitches_hz(Tone.UNMUTED)[0] > pitches_hz(Tone.MUTED)[0] + 200


def test_no_two_are_alike() -> None:
    assert len({pcm(tone) for tone in Tone}) == len(Tone)


def test_the_volume_is_in_steps_one_hears() -> None:
    peaks = [np.abs(samples(Tone.MUTED, volume)).max() for volume in (100, 90, 50, 0)]
    assert 20 * np.log10(peaks[0] / peaks[1]) == pytest.approx(3, abs=0.1)
    assert 20 * np.log10(peaks[0] / peaks[2]) == pytest.approx(15, abs=0.1)
    assert peaks[3] == 0
