"""Several packets of speech in one of RTP: the newest, and before it those that went before (RFC 2198). PURE.

    |F|  block PT   |  timestamp offset         |   block length    |   for each earlier one, F=1
    |F|  block PT   |                                                 for the newest, F=0
    |  the earlier ones, oldest first, and the newest: Opus ...

A packet that does not arrive comes again with the next. The sequence numbers of the earlier ones are those right before
that of the packet, as RFC 2198 leaves open and our sender holds.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from device.channel.rtp import PAYLOAD_TYPE, Packet

MOST_COPIES = 2
# What fourteen bits say in samples of 48 kHz, 341 ms, and ten bits in bytes.
MAX_OFFSET, MAX_BLOCK_BYTES = (1 << 14) - 1, (1 << 10) - 1

_MORE = 0x80
_HEADER = struct.Struct("!I")
_TYPE_SHIFT, _OFFSET_SHIFT = 24, 10


class Earlier(NamedTuple):
    """What an earlier packet had. timestamp: 0..2^32-1 in samples of 48 kHz."""

    timestamp: int
    payload: bytes


def joined(payload: bytes, timestamp: int, earlier: Sequence[Earlier]) -> bytes:
    """The payload of a packet that has these once more, oldest first: each at most MAX_OFFSET older and
    MAX_BLOCK_BYTES long."""
    heads = b"".join(
        _HEADER.pack(
            (_MORE | PAYLOAD_TYPE) << _TYPE_SHIFT
            | (timestamp - one.timestamp & 0xFFFFFFFF) << _OFFSET_SHIFT
            | len(one.payload)
        )
        for one in earlier
    )
    return b"".join((heads, bytes([PAYLOAD_TYPE]), *(one.payload for one in earlier), payload))


def split(packet: Packet) -> list[Packet]:
    """All that is in it, oldest first; the level is that of the newest. Raises ValueError for nonsense."""
    data, at, blocks = packet.payload, 0, list[tuple[int, int]]()
    while at < len(data) and data[at] & _MORE:
        if at + _HEADER.size > len(data) or len(blocks) == MOST_COPIES:
            raise ValueError("RTP redundancy: a header is cut off, or there are too many")
        (head,) = _HEADER.unpack_from(data, at)
        blocks.append((head >> _OFFSET_SHIFT & MAX_OFFSET, head & MAX_BLOCK_BYTES))
        at += _HEADER.size
    at += 1
    packets = []
    for number, (offset, size) in enumerate(blocks):
        payload, at = data[at : at + size], at + size
        sequence, timestamp = packet.sequence - len(blocks) + number, packet.timestamp - offset
        if payload:
            packets.append(Packet(packet.ssrc, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, payload, again=True))
    if at >= len(data):
        raise ValueError("RTP redundancy without the newest packet")
    return [*packets, packet._replace(payload=data[at:], payload_type=PAYLOAD_TYPE)]
