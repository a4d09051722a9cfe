"""Noise: how much better each maker makes speech in pink noise 15 dB below it, and what that costs.

Medians over ten sentences of ten voices (tests/audio/noisy_room.py) and five noises. `pesq_gain` and `stoi_loss` are
against the same sound untouched.
"""

import statistics
import time
from collections.abc import Iterator

from device.audio.capture_clock import RATE_HZ
from tests.audio import noisy_room

SENTENCES, SEEDS = 10, range(1, 6)
LEAST_GAIN, MOST_LOSS = 0.4, 0.02


def cases() -> Iterator[dict[str, object]]:
    """Makers."""
    for name, make in noisy_room.MAKERS.items():
        gains, losses, costs = [], [], []
        for seed in SEEDS:
            spoken, clear, noisy = noisy_room.said(SENTENCES, seed)
            maker = make()
            began_s = time.process_time()
            came = noisy_room.clean(maker, noisy)
            costs.append((time.process_time() - began_s) * 1_000 / (len(noisy) / RATE_HZ))
            before, after = (noisy_room.judge(spoken, clear, sound) for sound in (noisy, came))
            gains.append(after.pesq - before.pesq)
            losses.append(before.stoi - after.stoi)
        gain, loss = statistics.median(gains), statistics.median(losses)
        yield {
            "case": f"{name}, pink noise {noisy_room.SNR_DB:g} dB below", "pesq_gain": round(gain, 2),
            "stoi_loss": round(loss, 3), "cpu_ms_per_s": round(statistics.median(costs), 1),
            "limit": f"pesq_gain >= {LEAST_GAIN}, stoi_loss <= {MOST_LOSS}",
            "ok": gain >= LEAST_GAIN and loss <= MOST_LOSS,
        }  # fmt: skip
