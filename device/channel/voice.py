"""The numbers of one talker's packets (RFC 3550 section 5.1). PURE."""

from random import Random

from device.channel import rtp


class Voice:
    """Counts packets, not frames: a frame that is skipped leaves a gap in time and none in the sequence.

    So a listener conceals nothing and waits for nothing. The sequence starts anywhere and runs on over a redial; the
    mark of a talk-spurt whose first frame was skipped goes to the next.
    """

    def __init__(self, random: Random) -> None:
        self._sequence = random.getrandbits(16)
        self._marker_owed = False

    def packet(self, ssrc: int, payload: bytes, timestamp: int, level_dbov: int | None, marker: bool) -> bytes:
        """The bytes on the wire. timestamp: samples of 48 kHz, cut to 32 bit. Raises ValueError for a long payload."""
        packet = rtp.Packet(
            ssrc, self._sequence, timestamp & 0xFFFFFFFF, payload, marker or self._marker_owed, level_dbov
        )
        data = packet.pack()
        if not payload or len(data) > rtp.MAX_PACKET_BYTES:
            raise ValueError(f"a packet has 1 to {rtp.MAX_PACKET_BYTES} bytes with its header, this one {len(data)}")
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._marker_owed = False
        return data

    def skipped(self, marker: bool) -> None:
        """A frame is not sent."""
        self._marker_owed |= marker
