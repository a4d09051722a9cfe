"""The measuring measured: what is done to a sound on its way is found in it, through the codec of the product.

No device and no network here; a gap, an old passage or a long way are cut into what is heard by hand.
"""

from functools import cache

import numpy as np
import pytest

from device.audio.opus import Decoder, Encoder
from tests.soundcard.device import Samples

from . import dated

SECONDS, CALM_S = 12.0, 2.0
WAY_MS = 80
# The codec's own delay, and to the next place of the filter.
CODEC_MS = 6.5
FRAME = dated.RATE * dated.FRAME_MS // 1_000


@cache
def coded(lost: frozenset[int] = frozenset()) -> tuple[Samples, Samples]:
    """What was said, and what a listener hears who is WAY_MS away and never got these packets."""
    said = dated.speech(SECONDS)
    encoder, decoder = Encoder(dated.FRAME_MS, 24_000, 5, bandwidth="full"), Decoder()
    blocks = []
    for number, block in enumerate(said.reshape(-1, FRAME)):
        packet = encoder.encode(block.tobytes())
        blocks.append(decoder.conceal(FRAME) if number in lost else decoder.decode(packet))
    heard = np.concatenate((np.zeros(samples(WAY_MS), np.int16), np.frombuffer(b"".join(blocks), np.int16)))
    return said, heard[: len(said)]


def samples(ms: float) -> int:
    return round(dated.RATE * ms / 1_000)


def heard_with(change: slice, by: Samples | int) -> dated.Hearing:
    said, heard = coded()
    changed = heard.copy()
    changed[change] = by
    return dated.listen(said, changed, CALM_S)


def between(from_s: float, to_s: float) -> slice:
    return slice(samples(from_s * 1_000), samples(to_s * 1_000))


def test_a_good_line_is_heard_whole_and_in_time() -> None:
    hearing = dated.listen(*coded(), CALM_S)
    assert hearing.normal_ms == pytest.approx(WAY_MS + CODEC_MS, abs=0.2)
    assert np.nanmax(np.abs(hearing.latency_ms - hearing.normal_ms)) < 0.5
    assert hearing.unplayable_percent(0, SECONDS - 0.2) == 0
    assert hearing.longest_gap_ms(0.2, SECONDS) <= 1
    assert hearing.back_s(5.0) == 0
    assert hearing.old_s() == 0


def test_a_gap_is_as_long_as_it_is_and_ends_when_it_ends() -> None:
    hearing = heard_with(between(5.0, 6.5), 0)
    assert hearing.longest_gap_ms(4, 8) == pytest.approx(1_500, abs=dated.FRAME_MS)
    assert hearing.gap_at_s(4, 8) == pytest.approx(1.0, abs=0.02)
    assert hearing.longest_gap_ms(7, 9) <= 1
    assert hearing.back_s(6.2) == pytest.approx(0.3, abs=0.02)
    assert hearing.unplayable_percent(4.0, 8.0) == pytest.approx(100 * 1.5 / 4, abs=1)
    assert hearing.old_s() == 0


def test_sound_that_comes_and_goes_is_not_back_yet() -> None:
    said, heard = coded()
    changed = heard.copy()
    changed[between(5.0, 6.0)] = 0
    changed[between(6.2, 6.4)] = 0
    assert dated.listen(said, changed, CALM_S).back_s(5.5) == pytest.approx(0.9, abs=0.02)
    changed[between(7.0, SECONDS)] = 0
    assert dated.listen(said, changed, CALM_S).back_s(5.5) == float("inf")


def test_old_speech_is_found_and_is_no_sound_that_is_back() -> None:
    """From 8 s on 1.4 s of what was said 3 s earlier, as a queue plays it that was held up."""
    _, heard = coded()
    hearing = heard_with(between(8.0, 9.4), heard[between(5.0, 6.4)])
    assert hearing.old_s() == pytest.approx(1.4, abs=0.06)
    assert np.nanmedian(hearing.old) == pytest.approx(3.0 + (WAY_MS + CODEC_MS) / 1e3, abs=0.01)
    assert hearing.back_s(8.0) == pytest.approx(1.4, abs=0.03)
    assert hearing.longest_gap_ms(7, 10) == pytest.approx(1_400, abs=30)


@pytest.mark.parametrize(("late_ms", "old"), [(300, False), (480, False), (700, True)])
def test_late_is_old_from_half_a_second_on(late_ms: int, old: bool) -> None:
    _, heard = coded()
    hearing = heard_with(between(6.0, 8.0), heard[samples(6_000 - late_ms) : samples(8_000 - late_ms)])
    assert hearing.old_s() == pytest.approx(2.0 if old else 0.0, abs=0.06)
    assert hearing.latency_at_ms(6.1, 7.0) == pytest.approx(
        float("nan") if old else WAY_MS + CODEC_MS + late_ms, abs=0.5, nan_ok=True
    )


def test_lost_packets_are_counted_and_what_conceals_them_is_no_speech() -> None:
    random = np.random.default_rng(5)
    lost = frozenset(np.flatnonzero(random.random(int(SECONDS * 50)) < 0.15).tolist())
    hearing = dated.listen(*coded(lost), SECONDS)
    assert hearing.unplayable_percent(0, SECONDS - 0.2) == pytest.approx(100 * len(lost) / (SECONDS * 50), abs=2)
    assert hearing.old_s() == 0


def test_somebody_else_is_not_mistaken_for_the_one_who_speaks() -> None:
    said, _ = coded()
    with pytest.raises(ValueError, match="nothing was heard"):
        dated.listen(said, dated.speech(SECONDS, seed=2), CALM_S)
    assert not dated.silent(said)
    assert dated.silent(np.zeros_like(said))


def test_no_likeness_by_chance_is_taken_for_somebody_who_had_to_be_silent() -> None:
    """These two have nothing to do with each other, and 20 ms of them are alike all the same: at 14.28 s."""
    said, heard = dated.speech(60, 1107), dated.speech(60, 2107)
    assert not len(dated.said_and_heard_s(said, heard, 14, 15))


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_one_frame_of_who_had_to_be_silent_is_found_and_dated(frames: int) -> None:
    said, heard = dated.speech(4, 1), dated.speech(4, 2)
    frame = dated.RATE * dated.FRAME_MS // 1_000
    begin, way = 100 * frame, 3 * frame
    heard[begin + way : begin + way + frames * frame] = said[begin : begin + frames * frame]
    assert dated.said_and_heard_s(said, heard, 1, 3) == pytest.approx([2.0 + 0.02 * i for i in range(frames)])


def mixed(bitrate: int) -> tuple[Samples, Samples]:
    """What was said, and what a listener hears of it beside somebody else."""
    said, other = dated.speech(SECONDS), dated.speech(SECONDS, 2)
    encoder, decoder = Encoder(dated.FRAME_MS, bitrate, 5), Decoder()
    coded = b"".join(decoder.decode(encoder.encode(block.tobytes())) for block in said.reshape(-1, FRAME))
    heard = late(np.frombuffer(coded, np.int16), WAY_MS) // 2 + late(other, 100) // 2
    return said, heard.astype(np.int16)


def late(sound: Samples, ms: float) -> Samples:
    return np.concatenate((np.zeros(samples(ms), np.int16), sound))[: len(sound)]


def test_who_is_hardly_to_be_heard_beside_somebody_else_is_found_faintly_and_nobody_else_is() -> None:
    said, heard = mixed(12_000)
    heard[between(0, 2.5)] = coded()[1][between(0, 2.5)]
    heard[between(8, 9)] = late(dated.speech(SECONDS, 2), 100)[between(8, 9)] // 2
    plainly, faintly = (dated.listen(said, heard, CALM_S, faintly=how) for how in (False, True))
    assert plainly.unplayable_percent(2, 7) > 20 and faintly.unplayable_percent(2, 7) < 2
    assert faintly.longest_gap_ms(7, 10) == pytest.approx(1_000, abs=160)
    assert np.nanmedian(np.abs(faintly.latency_ms - faintly.normal_ms)) < 3


def test_who_is_hardly_to_be_heard_in_the_calm_already_is_found_faintly() -> None:
    said, heard = mixed(12_000)
    with pytest.raises(ValueError, match="nothing was heard"):
        dated.listen(said, heard, CALM_S)
    assert dated.listen(said, heard, CALM_S, faintly=True).normal_ms == pytest.approx(WAY_MS + CODEC_MS, abs=1)


@pytest.mark.unmeasured
def test_a_leak_of_one_frame_in_silence_is_found_and_beside_somebody_else_one_of_100_ms() -> None:
    """The smallest that is, mostly, of coded speech."""
    said, heard = coded()
    begin = samples(5_000)
    for frames, beside in ((1, 0), (5, 1)):
        found = 0
        for number in range(20):
            leak = np.zeros_like(heard) + beside * (late(dated.speech(SECONDS, 2), 100) // 2)
            place = slice(begin + (number * 7) * FRAME, begin + (number * 7 + frames) * FRAME)
            leak[place] = heard[place] // (1 + beside) + leak[place]
            found += len(dated.said_and_heard_s(said, leak, 4, 9)) > 0
        assert found >= 15, (frames, beside)
