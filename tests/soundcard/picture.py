"""A picture of one passage, said and heard: two waveforms, the offset between them, and the gaps."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from .device import Samples
from .quality import Gap

RATE = 48_000
COLUMNS = 2_000  # more are not seen
GAPS_NAMED = 3  # more would lie on top of each other


def draw(
    path: Path, said: Samples, heard: Samples, *, title: str, offset_ms: float = 0.0, gaps: Sequence[Gap] = ()
) -> None:
    """Writes a PNG.

    said, heard: 48 kHz mono, from the same moment on. offset_ms: how much later `heard` follows; NaN when nothing was.
    gaps: at milliseconds of `said`; they are marked where they are heard, and the longest ones have their length.
    """
    figure, (mouth, ear) = plt.subplots(2, 1, sharex=True, sharey=True, figsize=(11, 5), layout="constrained")
    figure.suptitle(title)
    _waveform(mouth, said, "microphone", "tab:blue")
    _waveform(ear, heard, "speaker", "tab:green")
    ear.set_xlabel("time (s)")
    if np.any(said) and not np.isnan(offset_ms):
        _mark_offset(mouth, ear, float(np.flatnonzero(said)[0]) / RATE, offset_ms)
    named = sorted(gaps, key=lambda gap: gap.length_ms)[-GAPS_NAMED:]
    for gap in gaps:
        _mark_gap(ear, gap, 0.0 if np.isnan(offset_ms) else offset_ms, named=gap in named)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _waveform(axes: Axes, sound: Samples, name: str, colour: str) -> None:
    """Lowest and highest sample of every column."""
    width = max(1, -(-len(sound) // COLUMNS))
    columns = np.pad(sound, (0, -len(sound) % width)).reshape(-1, width) / 32_768
    seconds = np.arange(len(columns)) * width / RATE
    axes.fill_between(seconds, columns.min(axis=1), columns.max(axis=1), color=colour, linewidth=0.5)
    axes.set_ylabel(f"{name}\n(full scale = 1)")
    axes.grid(alpha=0.3)
    axes.margins(x=0.0)


def _mark_offset(mouth: Axes, ear: Axes, begin_s: float, offset_ms: float) -> None:
    """The first sound, where it was said and where it was heard."""
    for axes in (mouth, ear):
        axes.axvline(begin_s, color="tab:blue", linestyle="--", linewidth=1)
    ear.axvline(begin_s + offset_ms / 1_000, color="tab:green", linestyle="--", linewidth=1)
    ear.annotate(
        f"offset {offset_ms:.1f} ms",
        (begin_s + offset_ms / 1_000, 0.04),
        xytext=(6, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
    )


def _mark_gap(ear: Axes, gap: Gap, offset_ms: float, named: bool) -> None:
    begin_s = (gap.at_ms + offset_ms) / 1_000
    ear.axvspan(begin_s, begin_s + gap.length_ms / 1_000, color="tab:red", alpha=0.3)
    if not named:
        return
    ear.annotate(
        f"gap {gap.length_ms:.0f} ms",
        (begin_s, 0.88),
        xytext=(3, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color="tab:red",
    )
