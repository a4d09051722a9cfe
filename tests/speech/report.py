"""A page about some runs: the table, and of each path what was said and heard, gaps, delay and buffer over time."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from tests.soundcard.device import Samples
from tests.soundcard.speech import RATE

from .heard import Run

_WIDTH, _HEIGHT, _DPI = 11, 8, 80
_FFT, _TOP_HZ, _FLOOR = 1_024, 8_000, 1.0


def write(file: File, cases: Sequence[Mapping[str, Any]], runs: Mapping[str, Run]) -> None:
    """runs: one of each path, by its name."""
    head = list(dict.fromkeys(name for case in cases for name in case))
    table = "".join(
        f"<tr>{''.join(f'<td>{html.escape(str(case.get(name, str())))}</td>' for name in head)}</tr>" for case in cases
    )
    plots = "".join(
        f'<h2>{html.escape(name)}</h2><img src="data:image/png;base64,{_plot(run)}" alt="plots of {html.escape(name)}">'
        for name, run in runs.items()
    )
    file.write_text(
        f"<!doctype html><meta charset=utf-8><title>Speech</title><style>body{{font-family:sans-serif}}"
        f"td,th{{padding:.2em .6em;border-bottom:1px solid #ccc}}</style><h1>Speech</h1>"
        f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{table}</table>{plots}"
    )


def _plot(run: Run) -> str:
    figure, (before, after, delay) = plt.subplots(3, 1, sharex=True, figsize=(_WIDTH, _HEIGHT), layout="constrained")
    _spectrogram(before, run.said.samples, "said")
    _spectrogram(after, run.sounded, "heard")
    for sentence, one in zip(run.said.sentences, run.heard, strict=True):
        for gap in one.gaps:
            begin_s = sentence.first_frame / RATE + (gap.at_ms + np.nan_to_num(one.offset_ms)) / 1_000
            after.axvspan(begin_s, begin_s + gap.length_ms / 1_000, color="red", alpha=0.4)
    times = [moment.at_s for moment in run.moments]
    delay.plot(times, [moment.delay_ms for moment in run.moments], label="packet to ear")
    delay.plot(times, [moment.buffer_ms for moment in run.moments], label="in the buffer")
    delay.set(xlabel="time (s)", ylabel="ms", xlim=(0, len(run.said.samples) / RATE))
    delay.legend()
    png = io.BytesIO()
    figure.savefig(png, dpi=_DPI)
    plt.close(figure)
    return base64.b64encode(png.getvalue()).decode()


def _spectrogram(axes: Axes, sound: Samples, name: str) -> None:
    axes.specgram(sound.astype(float) + _FLOOR * np.random.default_rng(0).normal(size=len(sound)), NFFT=_FFT, Fs=RATE)
    axes.set(ylim=(0, _TOP_HZ), ylabel=f"{name} (Hz)")
