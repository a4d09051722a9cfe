"""The gate in mode voice: of how many words after silence the first 30 ms are sent, and how much of a still room is.

A word is the beginning of one of ten sentences of as many voices, at -26 dBFS, anywhere in a block, after 3.6 s of a
room's noise alone. What is sent of that noise counts from half a second on, as the gate has to learn the room. In the
loudest room also with `noise = true`, by either maker, which comes before the gate.

And what the voice detection of WebRTC would add, where the package webrtcvad-wheels is installed: both have to hear a
voice. Of 100 knocks on a table, how many are sent; of the words, in a quiet room, how many are still whole.
"""

import importlib
import importlib.util
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from device.audio import pcm
from device.audio.capture_clock import RATE_HZ
from device.audio.gate import HANGOVER_MS, PREROLL_MS, Gate
from tests.audio import noisy_room
from tests.soundcard.speech import SENTENCES, speak

WORDS = 1_000
WORD_DBFS = -26.0
NOISES_DBFS = {-70.0: WORDS, -60.0: WORDS, -50.0: None}
MAKERS_DBFS, MAKERS_MS = -50.0, 20
KNOCKS, KNOCK_DBFS, KNOCK_S, QUIET_DBFS = 100, -12.0, 0.25, -65.0
VAD_MODES = range(4)
BEGINNING_MS, ROOM_S, LEARNT_S, WORD_S = 30, 3.6, 0.5, 0.5
Samples = NDArray[np.float64]


def cases() -> Iterator[dict[str, object]]:
    """Frame lengths and rooms."""
    spoken = [_level(speak(*sentence)[: round(WORD_S * RATE_HZ)]) for sentence in SENTENCES]
    for block_ms in (20, 10):
        for noise_dbfs, least in NOISES_DBFS.items():
            yield _case(spoken, block_ms, noise_dbfs, least)
    for maker in noisy_room.MAKERS:
        yield _case(spoken, MAKERS_MS, MAKERS_DBFS, None, maker)
    for mode in (None, *(VAD_MODES if importlib.util.find_spec("webrtcvad") else ())):
        yield _knocks(spoken, mode)


def _case(
    spoken: Sequence[Samples], block_ms: int, noise_dbfs: float, least: int | None, maker: str = ""
) -> dict[str, object]:
    rng, whole, noise_sent, noise_blocks = np.random.default_rng(1), 0, 0, 0
    for number in range(WORDS):
        word = spoken[number % len(spoken)]
        begin = round(ROOM_S * RATE_HZ) + int(rng.integers(RATE_HZ * block_ms // 1_000))
        heard = np.concatenate([np.zeros(begin), word])
        heard += rng.normal(0, 32_768 * 10 ** (noise_dbfs / 20), len(heard))
        sent = _sent(noisy_room.clean(noisy_room.MAKERS[maker](), heard) if maker else heard, block_ms)
        block = RATE_HZ * block_ms // 1_000
        first, last = begin // block, (begin + BEGINNING_MS * RATE_HZ // 1_000 - 1) // block
        whole += bool(sent[first : last + 1].all())
        alone = sent[round(LEARNT_S * 1_000) // block_ms : first - PREROLL_MS // block_ms]
        noise_sent, noise_blocks = noise_sent + int(alone.sum()), noise_blocks + len(alone)
    return {
        "case": f"{block_ms} ms frames, noise of {noise_dbfs:g} dBFS{f', taken out by {maker}' if maker else ''}",
        "words": WORDS,
        "whole_beginnings": whole,
        "noise_sent_percent": round(100 * noise_sent / noise_blocks, 2),
        "limit": "none" if least is None else f"{least} whole",
        "ok": least is None or whole >= least,
    }


def _knocks(spoken: Sequence[Samples], mode: int | None) -> dict[str, object]:
    rng, block_ms, block = np.random.default_rng(1), MAKERS_MS, RATE_HZ * MAKERS_MS // 1_000
    sent = whole = 0
    for number in range(KNOCKS):
        begin = round(ROOM_S * RATE_HZ) + int(rng.integers(block))
        for sound in (_knock(rng), spoken[number % len(spoken)]):
            heard = np.concatenate([np.zeros(begin), sound, np.zeros(RATE_HZ)])
            heard += rng.normal(0, 32_768 * 10 ** (QUIET_DBFS / 20), len(heard))
            passed = _sent(heard, block_ms) & _near_a_voice(heard, block_ms, mode)
            beginning = passed[begin // block : (begin + BEGINNING_MS * RATE_HZ // 1_000 - 1) // block + 1]
            if len(sound) == round(KNOCK_S * RATE_HZ):
                sent += bool(beginning.any())
            else:
                whole += bool(beginning.all())
    return {
        "case": f"{KNOCKS} knocks and words{'' if mode is None else f', webrtcvad in mode {mode}, too'}",
        "knocks_sent": sent, "whole_beginnings": whole, "limit": "none", "ok": True,
    }  # fmt: skip


def _knock(rng: np.random.Generator) -> Samples:
    """A dull thud and the rattle on top of it."""
    at_s = np.arange(round(KNOCK_S * RATE_HZ)) / RATE_HZ
    thud = np.sin(2 * np.pi * rng.uniform(80, 900) * at_s) * np.exp(-25 * at_s)
    rattle: Samples = 0.6 * rng.normal(0, 1, len(at_s)) * np.exp(-60 * at_s)
    return (thud + rattle) * 32_768 * 10 ** (KNOCK_DBFS / 20)


def _near_a_voice(heard: Samples, block_ms: int, mode: int | None) -> NDArray[np.bool_]:
    """Of each block, whether WebRTC hears a voice in it, or so shortly before or after it as the gate allows."""
    block = RATE_HZ * block_ms // 1_000
    near = np.full(len(heard) // block, mode is None)
    if mode is None:
        return near
    vad = importlib.import_module("webrtcvad").Vad(mode)
    for number in range(len(near)):
        samples = heard[number * block : (number + 1) * block].clip(-32_768, 32_767).astype(np.int16)
        if vad.is_speech(samples.tobytes(), RATE_HZ):
            near[max(0, number - PREROLL_MS // block_ms) : number + HANGOVER_MS // block_ms] = True
    return near


def _level(word: NDArray[np.int16]) -> Samples:
    samples = word.astype(float)
    scaled: Samples = samples * 32_768 * 10 ** (WORD_DBFS / 20) / np.sqrt(np.mean(samples**2))
    return scaled


def _sent(heard: Samples, block_ms: int) -> NDArray[np.bool_]:
    """Of each block, whether it is, as it is: not the last one of a spurt, which fades."""
    gate, block = Gate(muted=False, voice=True, block_ms=block_ms), RATE_HZ * block_ms // 1_000
    sent = np.zeros(len(heard) // block, bool)
    for number in range(len(sent)):
        samples = heard[number * block : (number + 1) * block].clip(-32_768, 32_767).astype(np.int16)
        verdict = gate.admit(number * block_ms * 1_000_000 + 1, pcm.level_dbov(samples.tobytes()))
        if verdict.send:
            sent[number - verdict.earlier : number + (not verdict.fades)] = True
    return sent
