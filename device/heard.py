"""What `intercomd status` tells of one talker. PURE."""

from dataclasses import asdict
from typing import Any

from device.audio import emodel
from device.audio.talker import TalkerStatus


def heard(talker: TalkerStatus, label: str, volume: int, rtt_ms: float | None, queue_ms: float) -> dict[str, Any]:
    """Also how late it sounds and how good that is, both estimates; queue_ms: of the speaker's card.

    Late by one of its packets, half a round trip, the buffer, and what the card holds. Of the talker's own way to the
    hub nothing is known here but what its jitter does to the buffer.
    """
    latency_ms = talker.packet_ms + (rtt_ms or 0.0) / 2 + talker.buffer_ms + queue_ms
    return {
        **asdict(talker), "label": label, "volume": volume, "latency_ms": round(latency_ms, 1),
        "mos": round(emodel.mos(emodel.rating(latency_ms, talker.loss_percent)), 1),
    }  # fmt: skip
