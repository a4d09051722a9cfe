"""The answer to `status` as Prometheus reads it, in its text format 0.0.4, by the textfile collector of node_exporter.
PURE.

Names and base units by the practices of Prometheus: seconds, `_total` for what only goes up. What is not known is left
out.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Status = Mapping[str, Any]
Labels = Mapping[str, object]
Samples = Iterable[tuple[Labels, float | None]]

PREFIX = "intercomd_"
_TALKER = (
    ("level_dbfs", "gauge", "how loud a talker is, RMS", "level_dbfs", 1.0),
    ("buffer_seconds", "gauge", "how long its packets wait in the jitter buffer", "buffer_ms", 1e-3),
    ("latency_seconds", "gauge", "how late it is heard, estimated", "latency_ms", 1e-3),
    ("late_packets_total", "counter", "packets that came too late to be heard", "late", 1.0),
    ("lost_packets_total", "counter", "packets that did not come in time, late or not there at all", "lost", 1.0),
    ("concealed_gaps_total", "counter", "gaps that were bridged", "concealed", 1.0),
    ("drift_ppm", "gauge", "how much faster its clock runs than ours", "drift_ppm", 1.0),
    ("mos", "gauge", "how good it is heard, 1 to 4.4, estimated by the E-model (ITU-T G.107)", "mos", 1.0),
)


def text(status: Status) -> str:
    """All of it, with a newline at the end."""
    return "\n".join(_lines(status)) + "\n"


def _lines(status: Status) -> Iterator[str]:
    link, rtt_ms = status["link"], status["link"]["rtt_ms"]
    one: Labels = {}
    yield from _family("in_call", "gauge", "1 in the call, 0 else", [(one, status["state"] == "in-call")])
    yield from _family("muted", "gauge", "1 while the microphone is muted", [(one, status["muted"])])
    yield from _family(
        "round_trip_seconds", "gauge", "to the hub and back", [(one, None if rtt_ms is None else rtt_ms / 1e3)]
    )
    yield from _family("reconnects_total", "counter", "times the seat was found again", [(one, link["reconnects"])])
    yield from _family("skipped_frames_total", "counter", "frames that were not sent", [(one, link["skipped"])])
    yield from _family("bitrate_bits_per_second", "gauge", "of the speech sent", [(one, link["bitrate"])])
    cards = [({"card": part}, status[part]) for part in ("capture", "playback")]
    running = [(labels, card["state"] == "running") for labels, card in cards]
    yield from _family("card_running", "gauge", "1 while the sound card runs", running)
    yield from _family("xruns_total", "counter", "of the sound card", [(each, card["xruns"]) for each, card in cards])
    for name, kind, what, key, unit in _TALKER:
        samples = [
            ({"uid": talker["uid"], "label": talker["label"]}, talker[key] * unit) for talker in status["talkers"]
        ]
        yield from _family(f"talker_{name}", kind, what, samples)


def _family(name: str, kind: str, what: str, samples: Samples) -> Iterator[str]:
    known = [(labels, value) for labels, value in samples if value is not None]
    if known:
        yield f"# HELP {PREFIX}{name} {what}"
        yield f"# TYPE {PREFIX}{name} {kind}"
    for labels, value in known:
        inner = ",".join(f'{label}="{_escaped(str(said))}"' for label, said in labels.items())
        yield f"{PREFIX}{name}{f'{{{inner}}}' if inner else ''} {float(value):.10g}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
