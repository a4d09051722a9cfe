"""One talker's packets: their numbers (RFC 3550 section 5.1), and what is in them once more. PURE."""

from collections import deque
from random import Random

from device.channel import redundancy, rtp
from device.channel.redundancy import Earlier

# Of each block that redundancy.py joins, at most.
_HEADERS_BYTES = 4


class Voice:
    """Counts packets, not frames: a frame that is skipped leaves a gap in time and none in the sequence.

    So a listener conceals nothing and waits for nothing. The sequence starts anywhere and runs on over a redial; the
    mark of a talk-spurt whose first frame was skipped goes to the next. copies: how many packets before it each has
    once more, at most redundancy.MOST_COPIES.
    """

    def __init__(self, random: Random) -> None:
        self.copies = 0
        self._earlier: deque[Earlier] = deque(maxlen=redundancy.MOST_COPIES)
        self._sequence = random.getrandbits(16)
        self._marker_owed = False

    def packet(self, ssrc: int, payload: bytes, timestamp: int, level_dbov: int | None, marker: bool) -> bytes:
        """The bytes on the wire. timestamp: samples of 48 kHz, cut to 32 bit. Raises ValueError for a long payload."""
        timestamp &= 0xFFFFFFFF
        once_more = self._once_more(timestamp, len(payload)) if self.copies else []
        packet = rtp.Packet(ssrc, self._sequence, timestamp, payload, marker or self._marker_owed, level_dbov)
        if once_more:
            packet = packet._replace(
                payload=redundancy.joined(payload, timestamp, once_more), payload_type=rtp.REDUNDANT_TYPE
            )
        data = packet.pack()
        if not payload or len(data) > rtp.MAX_PACKET_BYTES:
            raise ValueError(f"a packet has 1 to {rtp.MAX_PACKET_BYTES} bytes with its header, this one {len(data)}")
        self._earlier.append(Earlier(timestamp, payload))
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._marker_owed = False
        return data

    def _once_more(self, timestamp: int, size: int) -> list[Earlier]:
        """What went before, as far as it is of now and there is room: the newest of it, without a hole in between."""
        found: list[Earlier] = []
        for one in list(self._earlier)[: -self.copies - 1 : -1]:
            size += len(one.payload) + _HEADERS_BYTES
            age = timestamp - one.timestamp & 0xFFFFFFFF
            if age > redundancy.MAX_OFFSET or len(one.payload) > redundancy.MAX_BLOCK_BYTES:
                break
            if size + _HEADERS_BYTES + rtp.OWN_HEADER_BYTES > rtp.MAX_PACKET_BYTES:
                break
            found.insert(0, one)
        return found

    def skipped(self, marker: bool) -> None:
        """A frame is not sent."""
        self._marker_owed |= marker
