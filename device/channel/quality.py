"""How good the way to the hub is, each way, every 2 s: 0 unknown, 1 excellent, 2 good, 3 poor, 4 bad, 5 very bad,
6 down. PURE.

The worse of two things counts. The round trip: up to 100 ms nobody notices, 400 ms is the limit of ITU-T G.114 for a
conversation, beyond 800 ms people take turns. And what does not arrive: going out the segments that the kernel had to
send again and the frames that were skipped, coming in the numbers that are missing between the packets of a talker.
5 % is still called good transmission by the documented SDK; its codecs and ours conceal it.
"""

from bisect import bisect_left

from device.channel.rtp import Packet
from device.jsonrpc import Params

# Packets of 2 s at 50 a second: where fewer go, one that is lost among them says little.
_FEWEST = 100
EVERY_S = 2.0
UNKNOWN, DOWN = 0, 6
# The upper limits of 1, 2, 3 and 4.
RTT_MS = (100, 200, 400, 800)
LOST = (0.005, 0.02, 0.05, 0.15)
# A jump of the sequence over this is a new start, and no loss (see the jitter buffer).
NEW_START = 3_000
MAX_TALKERS = 1_000


def grade(rtt_ms: float, lost: float) -> int:
    """1 to 5. lost: the share of packets that did not arrive in time, 0 to 1."""
    return 1 + max(bisect_left(RTT_MS, rtt_ms), bisect_left(LOST, lost))


class Quality:
    """What has happened since it was told last."""

    def __init__(self) -> None:
        self._due_at = float("inf")
        self._newest: dict[int, int] = {}  # by uid, the sequence number
        self._begin()

    def _begin(self) -> None:
        self._sent = self._received = self._sent_bytes = self._received_bytes = 0
        self._missing = self._lost = 0

    def turn(self, on: bool, now: float) -> None:
        """Tell it every 2 s from now on, or no more."""
        if on is not self.is_on:
            self._due_at = now + EVERY_S if on else float("inf")
            self._newest.clear()
            self._begin()

    @property
    def is_on(self) -> bool:
        """Whether it is to be told."""
        return self._due_at != float("inf")

    def due_at(self) -> float:
        """When it is to be told next, infinity for never."""
        return self._due_at

    def heard(self, packet: Packet, size: int) -> None:
        """A packet came. One that was overtaken makes up for having been missed, a second copy for something else: what
        is missing is a lower limit on a path that is doubled."""
        self._received += 1
        self._received_bytes += size
        ahead = (packet.sequence - self._newest.get(packet.ssrc, packet.sequence - 1)) & 0xFFFF
        if not ahead:
            return
        if ahead <= NEW_START:
            self._missing += ahead - 1
        elif 0x10000 - ahead < NEW_START:
            self._missing = max(0, self._missing - 1)
            return
        if packet.ssrc in self._newest or len(self._newest) < MAX_TALKERS:
            self._newest[packet.ssrc] = packet.sequence

    def said(self, size: int) -> None:
        """A packet of ours went out."""
        self._sent += 1
        self._sent_bytes += size

    def lost(self, segments: int) -> None:
        """So many were sent again."""
        self._lost += segments

    def take(self, rtt_ms: float | None, skipped: int, users: int, joining: bool, now: float) -> Params:
        """{uplink, downlink, rtt_ms, sent_kbps, received_kbps, skipped, missing, users}; begins anew.

        rtt_ms: None without a connection, which is unknown while joining and down afterwards. skipped: frames not sent
        since last time. users: how many others are in the channel.
        """
        uplink = downlink = UNKNOWN if joining else DOWN
        if rtt_ms is not None:
            uplink = grade(rtt_ms, (self._lost + skipped) / max(_FEWEST, self._sent + skipped))
            downlink = grade(rtt_ms, self._missing / max(_FEWEST, self._received + self._missing))
        told = {
            "uplink": uplink, "downlink": downlink, "rtt_ms": rtt_ms,
            "sent_kbps": self._sent_bytes * 8 / 1_000 / EVERY_S,
            "received_kbps": self._received_bytes * 8 / 1_000 / EVERY_S,
            "skipped": skipped, "missing": self._missing, "users": users,
        }  # fmt: skip
        self._due_at = now + EVERY_S
        self._begin()
        return told
