"""What is measured of a call: how loud who is and how good the way, while somebody wants to know; and what does not
arrive. PURE."""

from device.channel.quality import Quality
from device.channel.reception import Reception
from device.channel.rtp import Packet
from device.channel.timestamps import Timestamps
from device.channel.volume import Volume
from device.jsonrpc import Params

VOLUME_INDICATION = "volume-indication"
NETWORK_QUALITY = "network-quality"


class Gauges:
    """One for each session. They rest while there is no call to measure: see `due_at`."""

    def __init__(self) -> None:
        self.volume, self.quality, self.reception = Volume(), Quality(), Reception()
        self.timestamps = Timestamps()
        self._skipped = 0

    def heard(self, packet: Packet, size: int, now: float) -> None:
        """A packet of this size came."""
        self.reception.heard(packet, now)
        if self.volume.is_on:
            self.volume.heard(packet.ssrc, packet.level_dbov, now)
        if self.quality.is_on:
            self.quality.heard(packet, size)

    def said(self, level_dbov: int | None, size: int) -> None:
        """One of ours went out."""
        self.volume.said(level_dbov)
        self.quality.said(size)

    def due_at(self) -> float:
        """When something is to be told, infinity for never."""
        return min(self.volume.due_at(), self.quality.due_at())

    def due(
        self, ours: int, rtt_ms: float | None, skipped: int, users: int, joining: bool, now: float
    ) -> list[tuple[str, Params]]:
        """The events that are due. skipped: frames not sent, ever; the rest as `Quality.take` and `Volume.take` say."""
        events: list[tuple[str, Params]] = []
        if self.volume.due_at() <= now:
            events.append((VOLUME_INDICATION, self.volume.take(ours, now)))
        if self.quality.due_at() <= now:
            since, self._skipped = skipped - self._skipped, skipped
            events.append((NETWORK_QUALITY, self.quality.take(rtt_ms, since, users, joining, now)))
        return events
