"""The gate in mode voice: of how many words after silence the first 30 ms are sent, and how much of a still room is.

A word is the beginning of one of ten sentences of as many voices, at -26 dBFS, anywhere in a block, after 3.6 s of a
room's noise alone. What is sent of that noise counts from half a second on, as the gate has to learn the room. In the
loudest room also with `noise = true`, by either maker, which comes before the gate.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from device.audio import pcm
from device.audio.capture_clock import RATE_HZ
from device.audio.gate import PREROLL_MS, Gate
from tests.audio import noisy_room
from tests.soundcard.speech import SENTENCES, speak

WORDS = 1_000
WORD_DBFS = -26.0
NOISES_DBFS = {-70.0: WORDS, -60.0: WORDS, -50.0: None}
MAKERS_DBFS, MAKERS_MS = -50.0, 20
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


def _level(word: NDArray[np.int16]) -> Samples:
    samples = word.astype(float)
    scaled: Samples = samples * 32_768 * 10 ** (WORD_DBFS / 20) / np.sqrt(np.mean(samples**2))
    return scaled


def _sent(heard: Samples, block_ms: int) -> NDArray[np.bool_]:
    """Of each block, whether it is."""
    gate, block = Gate(muted=False, voice=True, block_ms=block_ms), RATE_HZ * block_ms // 1_000
    sent = np.zeros(len(heard) // block, bool)
    for number in range(len(sent)):
        samples = heard[number * block : (number + 1) * block].astype(np.int16)
        verdict = gate.admit(number * block_ms * 1_000_000 + 1, pcm.level_dbov(samples.tobytes()))
        if verdict.send:
            sent[number - verdict.earlier : number + 1] = True
    return sent
