"""The gate: a muted microphone never sends, a voice opens it in time, and half-duplex does not howl."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device.audio import gate as gates
from device.audio import pcm
from device.audio.capture_clock import RATE_HZ, Block
from device.audio.gate import Gate, Verdict
from device.audio.opus import Decoder
from device.audio.packer import Packer
from device.audio.talkers import Talkers
from tests.audio import properties
from tests.soundcard import speech

MS = 1_000_000
BLOCK_MS = 20
RISE = gates.RISE_MS * RATE_HZ // 1_000
OPEN, NEXT = Verdict(True, True), Verdict(True)
ENDS = Verdict(True, fades=True)
CLOSED = Verdict(False)


def levels(gate: Gate, levels_dbov: list[int], start_ms: int = 0) -> list[Verdict]:
    return [gate.admit((start_ms + n * BLOCK_MS) * MS, level) for n, level in enumerate(levels_dbov)]


def ns(samples: int) -> int:
    return 1_000_000_000 + samples * MS * 1_000 // RATE_HZ


def test_an_open_microphone_sends_everything_and_marks_its_first_frame() -> None:
    assert levels(Gate(muted=False), [-127, -20, -127]) == [OPEN, NEXT, NEXT]


def test_after_a_mute_a_new_spurt_begins() -> None:
    gate = Gate(muted=False)
    gate.admit(1, -20)
    gate.mute()
    assert gate.admit(2, -20) == CLOSED
    gate.unmute(3)
    assert gate.admit(3, -20) == OPEN


def test_what_was_captured_while_muted_is_not_sent_after_unmuting() -> None:
    gate = Gate(muted=True)
    gate.unmute(now_ns=1_000)
    assert gate.admit(999, -20) == CLOSED
    assert gate.admit(1_000, -20) == OPEN


@given(st.lists(st.tuples(st.booleans(), st.integers(-127, 0))), st.booleans(), st.booleans())
@properties
def test_a_muted_microphone_never_sends_nor_what_it_heard_meanwhile(
    blocks: list[tuple[bool, int]], voice: bool, half_duplex: bool
) -> None:
    gate, since_unmute = Gate(muted=True, voice=voice, half_duplex=half_duplex), 0
    for number, (muted, level) in enumerate(blocks):
        if muted:
            gate.mute()
            since_unmute = 0
        elif gate.muted:
            gate.unmute(number)
            since_unmute = 0
        verdict = gate.admit(number, level)
        assert not (muted and verdict.send)
        assert verdict.send or verdict == CLOSED
        assert not verdict.fades or verdict == ENDS
        assert verdict.earlier <= since_unmute
        since_unmute += 1


@pytest.mark.parametrize("voice", [False, True])
def test_paused_nothing_is_sent_whatever_is_muted_or_unmuted_and_afterwards_it_is_as_before(voice: bool) -> None:
    gate = Gate(muted=False, voice=voice)
    levels(gate, [-60] * 20 + [-20] * 3)
    gate.pause()
    assert gate.closed and not gate.muted
    gate.unmute(490 * MS)
    assert levels(gate, [-20] * 3, start_ms=500) == [CLOSED] * 3
    gate.resume(570 * MS)
    assert gate.admit(560 * MS, -20) == CLOSED, "captured before"
    assert gate.admit(580 * MS, -20) == OPEN, "a new spurt, and nothing of what was heard meanwhile"
    gate.pause()
    gate.mute()
    gate.resume(700 * MS)
    assert gate.admit(720 * MS, -20) == CLOSED, "muted it stays"


# Voice


def noise(seconds: float, dbfs: float) -> list[int]:
    """The levels of white noise, block by block."""
    rng = np.random.default_rng(1)
    sound = (rng.normal(0, 32_768 * 10 ** (dbfs / 20), round(seconds * 48_000))).clip(-32_768, 32_767).astype(np.int16)
    return [pcm.level_dbov(sound[at : at + 960].tobytes()) for at in range(0, len(sound) - 959, 960)]


def test_noise_alone_stays_closed_and_a_voice_opens_at_once_with_40_ms_from_before() -> None:
    gate = Gate(muted=False, voice=True)
    assert set(levels(gate, noise(30, -50))) == {CLOSED}
    assert gate.admit(0, -35) == Verdict(True, True, 2)
    assert gate.admit(0, -35) == NEXT


def test_it_closes_300_ms_after_the_voice() -> None:
    gate = Gate(muted=False, voice=True)
    levels(gate, [-60] * 50 + [-25] * 10)
    after = levels(gate, [-60] * 30)
    assert after == [NEXT] * 14 + [ENDS] + [CLOSED] * 15
    assert gate.admit(0, -25).earlier == 2


def test_what_was_sent_to_its_end_is_not_sent_again_with_what_begins_right_after_it() -> None:
    gate = Gate(muted=False, voice=True)
    levels(gate, [-60] * 50 + [-25] + [-60] * 14)
    assert levels(gate, [-60, -60, -25]) == [ENDS, CLOSED, Verdict(True, True, 1)]


@pytest.mark.parametrize("close", [Gate.mute, Gate.pause])
def test_muted_or_paused_there_is_no_end_to_be_heard(close: Callable[[Gate], None]) -> None:
    for quiet in range(30):
        gate = Gate(muted=False, voice=True)
        levels(gate, [-60] * 50 + [-25] * 10 + [-60] * quiet)
        close(gate)
        assert levels(gate, [-60] * 3) == [CLOSED] * 3


def test_a_louder_room_is_learnt_in_its_time_and_a_quieter_one_at_once() -> None:
    gate = Gate(muted=False, voice=True)
    levels(gate, noise(5, -60))
    louder = levels(gate, noise(40, -40))
    assert louder[0].send and not any(verdict.send for verdict in louder[-250:])
    levels(gate, noise(1, -60))
    assert gate.admit(0, -45).send


@pytest.mark.parametrize("noise_dbfs", [-50.0, -60.0])
def test_real_sentences_are_sent_whole(noise_dbfs: float) -> None:
    """Of every sentence what is loud enough to be understood, and nothing long before or after it."""
    said = speech.speech(5)
    sound = said.samples.astype(float)
    sound += np.random.default_rng(2).normal(0, 32_768 * 10 ** (noise_dbfs / 20), len(sound))
    blocks = sound.clip(-32_768, 32_767).astype(np.int16)
    gate, sent = Gate(muted=False, voice=True), np.zeros(len(blocks) // 960, bool)
    levels(gate, noise(2, noise_dbfs))
    clean = [pcm.level_dbov(said.samples[n * 960 : n * 960 + 960].astype(np.int16).tobytes()) for n in range(len(sent))]
    for number in range(len(sent)):
        verdict = gate.admit(0, pcm.level_dbov(blocks[number * 960 : number * 960 + 960].tobytes()))
        if verdict.send:
            sent[number - verdict.earlier : number + (not verdict.fades)] = True
    loud = np.array(clean) > noise_dbfs + 12
    assert loud.sum() > 100
    assert sent[loud].all()
    assert not sent.all()


def test_in_open_mode_a_voice_changes_nothing() -> None:
    gate = Gate(muted=False)
    assert levels(gate, [-60] * 20 + [-20] * 5)[-1] == NEXT


def test_blocks_of_10_ms_have_the_same_times() -> None:
    gate = Gate(muted=False, voice=True, block_ms=10)
    levels(gate, [-60] * 100)
    assert gate.admit(0, -30).earlier == gates.PREROLL_MS // 10
    assert levels(gate, [-60] * 60).index(ENDS) == gates.HANGOVER_MS // 10 - 1


# Half-duplex


def test_while_others_are_heard_nothing_is_sent_and_a_moment_longer() -> None:
    gate = Gate(muted=False, half_duplex=True)
    assert set(levels(gate, [-60] * 10)) == {CLOSED}
    gate.heard(-20, 200 * MS)
    assert set(levels(gate, [-25] * 12, start_ms=200)) == {CLOSED}
    assert set(levels(gate, [-60] * 5, start_ms=450)) == {CLOSED}, "what the microphone heard of them is no voice"
    assert gate.admit(550 * MS, -25) == Verdict(True, True, 2)


def test_the_noise_of_other_rooms_closes_nothing() -> None:
    gate = Gate(muted=False, half_duplex=True)
    levels(gate, [-60] * 10)
    gate.heard(-60, 200 * MS)
    assert gate.admit(201 * MS, -30).send


def test_who_talks_first_keeps_the_floor_until_he_pauses() -> None:
    gate = Gate(muted=False, half_duplex=True)
    levels(gate, [-60] * 20 + [-25] * 5)
    sent = []
    for number in range(60):
        at_ns = (500 + number * 20) * MS
        gate.heard(-20, at_ns)
        sent.append(gate.admit(at_ns, -25 if number < 20 else -60).send)
    assert all(sent[:20]) and not any(sent[35:])
    gate.heard(-20, 1_700 * MS)
    assert not gate.admit(1_700 * MS, -25).send


def test_the_floor_is_kept_for_two_seconds_against_others() -> None:
    gate = Gate(muted=False, half_duplex=True)
    levels(gate, [-60] * 20 + [-25] * 5)
    sent = []
    for number in range(150):
        gate.heard(-20, (500 + number * 20) * MS)
        sent.append(gate.admit((500 + number * 20) * MS, -25).send)
    assert 95 <= sum(sent) <= 101
    assert not any(sent[105:])


def test_the_floor_is_lost_at_once_to_what_is_louder_than_who_has_it() -> None:
    gate = Gate(muted=False, half_duplex=True)
    levels(gate, [-60] * 20 + [-30, -25, -30])
    gate.heard(-20, 500 * MS)
    assert levels(gate, [-23, -22, -21, -25], start_ms=500) == [NEXT, NEXT, ENDS, CLOSED]


@pytest.mark.parametrize("together", [False, True])
def test_two_boxes_in_half_duplex_do_not_howl(together: bool) -> None:
    """Each hears the other's speaker in its own microphone, 6 dB louder than it was said: open, that would grow."""
    rng = random.Random(3)
    boxes = [Gate(muted=False, half_duplex=True), Gate(muted=False, half_duplex=True)]
    on_the_way: list[list[int]] = [[-127] * 4, [-127] * 4]
    loudest = []
    for number in range(1_000):
        now_ns = number * BLOCK_MS * MS
        for box, gate in enumerate(boxes):
            talks = 20 <= number < 70 and (together or box == 0)
            said = -25 if talks else rng.randint(-62, -58)
            heard = on_the_way[1 - box].pop(0)
            gate.heard(heard, now_ns)
            level = min(0, max(said, heard + 6))
            verdict = gate.admit(now_ns, level)
            on_the_way[box].append(level - 5 * verdict.fades if verdict.send else -127)
        loudest.append(max(way[-1] for way in on_the_way))
    assert -25 <= max(loudest) <= -25 + gates.LOUDER_DB
    assert max(loudest[120:]) == -127


def heard(said: NDArray[np.int16], frame_ms: int, tick: int, phase: int, shut: int, opened: int) -> NDArray[np.float64]:
    """What others hear, by the real codec, where the gate shuts and opens in these blocks; their tick is so far off."""
    block, sent = frame_ms * RATE_HZ // 1_000, list[tuple[int, bytes]]()
    packer = Packer(frame_ms, 28_000, 5, lambda payload, timestamp, *_: sent.append((timestamp, payload)))
    for number in range(len(said) // block):
        sound = said[number * block : (number + 1) * block].tobytes()
        if number == shut:
            sound = pcm.fall(sound, packer.fall)
        elif number == opened:
            sound = pcm.rise(sound, RISE)
        if not shut < number < opened:
            packer.take(Block(sound, number * block, 0), -20, number in (0, opened))
    talkers, sequence, sounded = Talkers(Decoder, tick), 0, list[NDArray[np.int16]]()
    for at in range(phase, len(said) - tick, tick):
        while sequence < len(sent) and sent[sequence][0] <= at:
            talkers.push(7, sequence, *sent[sequence], ns(sent[sequence][0]))
            sequence += 1
        sounded.append(np.frombuffer(talkers.pull(ns(at)) or bytes(2 * tick), "<i2"))
    return np.concatenate(sounded).astype(float)


@pytest.mark.parametrize(("frame_ms", "tick_ms"), [(20, 20), (10, 5)])
def test_what_is_cut_off_in_the_middle_of_a_sound_is_heard_to_fall_and_to_rise(frame_ms: int, tick_ms: int) -> None:
    """Wherever the listener's tick lies."""
    tick, tone = tick_ms * RATE_HZ // 1_000, np.sin(np.arange(RATE_HZ * 2) * 2 * np.pi * 440 / RATE_HZ)
    own_step = 8_000 * 2 * np.pi * 440 / RATE_HZ
    for which, phase in enumerate(range(0, tick, tick // 24)):
        shut, opened = 600 // frame_ms + which % 7, 1_200 // frame_ms + which % 5
        sound = heard((8_000 * tone).astype("<i2"), frame_ms, tick, phase, shut, opened)
        assert np.abs(np.diff(sound)).max() < 1.4 * own_step, f"no click, {phase} samples off"
        loud = [np.abs(sound[at : at + 240]).max() for at in range(0, len(sound), 240)]
        quiet = [at for at, peak in enumerate(loud) if peak < 800 and at > 40]
        falls = [at for at in range(40, quiet[0]) if 800 < loud[at] < 7_000]
        assert len(falls) <= 8, "40 ms"


def test_of_speech_that_is_cut_off_nothing_goes_on_that_was_not_said() -> None:
    """What a decoder makes up of a fall that it has not heard to its end is as loud as it was left."""
    said, shut = speech.speech(3).samples.astype("<i2"), 20
    peaks = np.abs(said[: len(said) // 960 * 960].astype(int)).reshape(-1, 960).max(axis=1)
    left = []
    for block in [at for at in range(shut, len(peaks) - 20) if peaks[at] > 7_000][::2]:
        begin = (block - shut) * 960
        sound = heard(said[begin : begin + (shut + 12) * 960], 20, 960, 0, shut, 99)
        left.append(np.abs(sound[(shut + 5) * 960 :]).max())
    assert len(left) > 40 and np.quantile(left, 0.9) < 800
