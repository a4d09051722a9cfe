"""Samples: both makers give the same to the bit, sums are clipped once, and a slip is not heard."""

import importlib.util
import math
import sys
from array import array
from collections.abc import Sequence
from random import Random
from types import ModuleType
from typing import Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.audio import pcm
from tests.audio import properties

samples = st.integers(-32_768, 32_767)
extremes = st.sampled_from([-32_768, -32_767, -1, 0, 1, 32_766, 32_767])


class Maker(Protocol):
    """What every maker offers."""

    def mix(self, blocks: Sequence[bytes]) -> bytes: ...
    def rms(self, pcm: bytes) -> int: ...
    def scale(self, pcm: bytes, gain: float) -> bytes: ...
    def alike(self, one: bytes, other: bytes) -> float: ...


MAKERS: Sequence[Maker] = pcm.makers


@pytest.fixture(params=MAKERS, ids=[made.__name__ for made in pcm.makers])
def maker(request: pytest.FixtureRequest) -> Maker:
    made: Maker = request.param
    return made


def block(*values: int) -> bytes:
    return array("h", values).tobytes()


def values(block: bytes) -> list[int]:
    return array("h", block).tolist()


def tone(count: int, peak: int, hz: float = 440.0) -> bytes:
    return block(*(round(peak * math.sin(2 * math.pi * hz * n / 48_000)) for n in range(count)))


def test_one_talker_passes_untouched(maker: Maker) -> None:
    said = block(1, -2, 32_767)
    assert maker.mix([said]) == said


def test_talkers_are_summed_first_and_clipped_once(maker: Maker) -> None:
    """Clipping each pair would give 2,768 in the first place and -1 in the second."""
    blocks = [block(30_000, 1), block(30_000, -32_768), block(-30_000, -32_768), block(-30_000, 32_767)]
    assert values(maker.mix(blocks)) == [0, -32_768]
    assert values(maker.mix(blocks[:2])) == [32_767, -32_767]
    assert values(maker.mix([block(-30_000)] * 3)) == [-32_768]


@given(data=st.data(), talkers=st.integers(1, 9), length=st.integers(0, 20))
@properties
def test_a_mix_is_the_clipped_sum_for_every_maker(data: st.DataObject, talkers: int, length: int) -> None:
    spoken = data.draw(st.lists(st.lists(samples | extremes, min_size=length, max_size=length),
                                min_size=talkers, max_size=talkers))  # fmt: skip
    expected = [max(-32_768, min(32_767, sum(at))) for at in zip(*spoken, strict=True)]
    for made in MAKERS:
        assert values(made.mix([block(*said) for said in spoken])) == expected


def test_a_hundred_shouting_talkers_are_still_exact(maker: Maker) -> None:
    blocks = [block(32_767, -32_768, 327, 32_767)] * 50 + [block(-32_767, -32_768, 0, -32_768)] * 50
    assert values(maker.mix(blocks)) == [0, -32_768, 16_350, -50]


@given(st.lists(samples | extremes, max_size=50), st.floats(0, 8))
@properties
def test_every_maker_measures_and_scales_alike(said: list[int], gain: float) -> None:
    assert len({made.rms(block(*said)) for made in MAKERS}) == 1
    assert len({made.scale(block(*said), gain) for made in MAKERS}) == 1


def test_scaling_clips_and_rounds_down(maker: Maker) -> None:
    assert values(maker.scale(block(100, -101, 20_000, -20_000), 0.5)) == [50, -51, 10_000, -10_000]
    assert values(maker.scale(block(20_000, -20_000), 2.0)) == [32_767, -32_768]


def test_rms_of_silence_a_tone_and_nothing(maker: Maker) -> None:
    assert maker.rms(bytes(960)) == 0
    assert maker.rms(b"") == 0
    assert maker.rms(tone(4_800, 10_000)) == pytest.approx(10_000 / math.sqrt(2), rel=0.001)


def test_the_level_of_every_rms_is_its_logarithm() -> None:
    for rms in range(1, 32_769):
        assert pcm.level_dbov(block(-rms) * 2) == round(20 * math.log10(rms / 32_768)), rms


@pytest.mark.parametrize(
    ("said", "dbov"),
    [(bytes(1_920), -127), (block(1) * 960, -90), (block(-32_768, 32_767) * 480, 0), (tone(4_800, 32_767), -3)],
)
def test_level_is_relative_to_a_full_scale_square_wave(said: bytes, dbov: int) -> None:
    assert pcm.level_dbov(said) == dbov


@given(st.randoms(use_true_random=False), st.integers(120, 2_880), st.integers(-12, 12))
@properties
def test_a_slip_changes_the_length_by_exactly_what_was_asked(random: Random, length: int, slips: int) -> None:
    said = array("h", random.randbytes(2 * length)).tolist()
    slipped = values(pcm.slip(block(*said), slips))
    assert len(slipped) == length - slips
    shorter, longer = sorted((slipped, said), key=len)
    rest = iter(longer)
    assert all(value in rest for value in shorter)  # the same samples in the same order, but for the slips


def test_alike_is_what_has_the_same_shape_however_loud(maker: Maker) -> None:
    said = tone(960, 10_000)
    assert maker.alike(said, tone(960, 1_000)) == pytest.approx(1, abs=1e-5)
    assert maker.alike(said, tone(960, 10_000, 1_300)) < 0.01
    assert maker.alike(said, tone(960, -10_000)) == 0, "upside down"
    assert maker.alike(said, bytes(1_920)) == maker.alike(bytes(1_920), said) == maker.alike(b"", b"") == 0


@given(st.lists(st.tuples(samples | extremes, samples | extremes), max_size=50))
@properties
def test_alike_is_the_same_to_the_bit_for_every_maker(pairs: list[tuple[int, int]]) -> None:
    one, other = block(*(pair[0] for pair in pairs)), block(*(pair[1] for pair in pairs))
    assert len({made.alike(one, other) for made in MAKERS}) == 1
    assert 0 <= MAKERS[0].alike(one, other) <= 1 + 1e-9


def test_nothing_is_left_to_slip_in_an_empty_block() -> None:
    assert pcm.slip(b"", 0) == b""


@pytest.mark.parametrize("slips", [1, -1, 3, -3])
def test_a_slip_sits_where_it_is_not_heard(slips: int) -> None:
    """No step in a slipped tone is larger than the largest step of the tone itself."""
    said = tone(960, 10_000, 300)

    def largest_step(block: bytes) -> int:
        return max(abs(b - a) for a, b in zip(values(block), values(block)[1:], strict=False))

    assert largest_step(pcm.slip(said, slips)) <= largest_step(said)


def test_slips_are_spread_over_the_block() -> None:
    ramp = values(pcm.slip(block(*range(960)), 4))
    missing = sorted(set(range(960)) - set(ramp))
    assert [at // 240 for at in missing] == [0, 1, 2, 3]


def import_afresh(monkeypatch: pytest.MonkeyPatch, audioop: ModuleType | None) -> ModuleType:
    """The module as another Python would import it, with this or no audioop."""
    monkeypatch.setitem(sys.modules, "audioop", audioop)
    spec = importlib.util.find_spec("device.audio.pcm")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_audioop_python_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    without = import_afresh(monkeypatch, None)
    assert without.maker is without.Plain
    assert without.mix([block(30_000), block(30_000)]) == block(32_767)
    assert without.level_dbov(block(-32_768)) == 0


def test_with_audioop_c_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with_audioop = import_afresh(monkeypatch, ModuleType("audioop"))
    assert with_audioop.maker is with_audioop.Audioop


def test_what_rises_begins_at_nothing_and_is_whole_after_so_many_samples() -> None:
    block = array("h", [10_000, -10_000] * 100)
    risen = array("h", pcm.rise(block.tobytes(), 96))
    assert risen[0] == 0 and risen[96:] == block[96:]
    assert risen[24] == 2_500 and risen[73] == pytest.approx(-10_000 * 73 / 96, abs=1)
    assert array("h", pcm.rise(block[:10].tobytes(), 96))[9] == pytest.approx(-10_000 * 9 / 96, abs=1)


def test_what_falls_ends_in_nothing() -> None:
    fallen = array("h", pcm.fall(array("h", [10_000] * 250).tobytes(), 200))
    assert list(fallen) == sorted(fallen, reverse=True)
    assert (fallen[0], fallen[99], fallen[-1]) == (9_950, 5_000, 0)
    assert pcm.fall(b"", 200) == b""
