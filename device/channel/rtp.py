"""Media packets: RTP (RFC 3550 section 5.1) with one Opus packet as payload (RFC 7587).

    0                   1                   2                   3
    |V=2|P|X|  CC   |M|     PT      |       sequence number         |
    |                           timestamp                           |   48 kHz, runs through mute and redial
    |                             SSRC                              |   the sender's uid
    |       0xBE    |      0xDE     |           length=1            |   RFC 8285 one-byte header extension
    |  ID=1 | len=0 |V|   level     |             0                 |   RFC 6464: audio level, 0 to 127 = -dBov
    |                           Opus ...                            |

The hub reads `ssrc_of` alone and forwards the bytes as they are; `unpack` is the receiver's.
"""

import struct
from typing import NamedTuple

PAYLOAD_TYPE = 111
# The payload is several Opus packets, as RFC 2198 joins them (redundancy.py).
REDUNDANT_TYPE = 63
LEVEL_EXTENSION_ID = 1
SILENT_DBOV = -127

HEADER_BYTES = 12
# With the level.
OWN_HEADER_BYTES = 20
# One packet must fit one Ethernet frame together with WebSocket, TLS, TCP and IPv6 headers; 60 ms at 128 kbit/s is 960.
MAX_PACKET_BYTES = 1_300

_VERSION_2 = 0x80
_EXTENSION = 0x10
_PADDING = 0x20
_MARKER = 0x80
_ONE_BYTE_PROFILE = 0xBEDE
_WRITE = struct.Struct("!BBHIIHHBBH")
_FIXED = struct.Struct("!BBHII")
_EXTENSION_HEADER = struct.Struct("!HH")
_SSRC = struct.Struct("!8xI")
# A packet with nothing but our own extension, as `pack` makes it, is read in one go.
_OWN = struct.Struct("!xBHII5xB2x")
_OWN_EXTENSION = bytes([0xBE, 0xDE, 0, 1, LEVEL_EXTENSION_ID << 4])


class Packet(NamedTuple):
    """One media packet. A tuple: fifty or more a second are made, and a frozen dataclass takes four times as long.

    ssrc: the sender's uid. sequence: 0..65535. timestamp: 0..2^32-1 in samples of 48 kHz.
    payload: one Opus packet, 10 to 60 ms. marker: first packet of a talk-spurt.
    level_dbov: -127 (silent) to 0, or None where the sender does not say.
    payload_type: REDUNDANT_TYPE where more than one is in it; everything else is taken for Opus. again: it came with a
    later one, which the wire does not say.
    """

    ssrc: int
    sequence: int
    timestamp: int
    payload: bytes
    marker: bool = False
    level_dbov: int | None = None
    payload_type: int = PAYLOAD_TYPE
    again: bool = False

    def pack(self) -> bytes:
        """The bytes on the wire: 20 bytes of header and the payload; 12 without a level."""
        second = self.payload_type | (_MARKER if self.marker else 0)
        if self.level_dbov is None:
            return _FIXED.pack(_VERSION_2, second, self.sequence, self.timestamp, self.ssrc) + self.payload
        first, level = _VERSION_2 | _EXTENSION, -max(SILENT_DBOV, min(0, self.level_dbov))
        head = _WRITE.pack(
            first, second, self.sequence, self.timestamp, self.ssrc,
            _ONE_BYTE_PROFILE, 1, LEVEL_EXTENSION_ID << 4, level, 0,
        )  # fmt: skip
        return head + self.payload


def ssrc_of(data: bytes) -> int:
    """The SSRC of what could be a packet: version 2, whole header, some payload, not too long. Else ValueError."""
    if not HEADER_BYTES < len(data) <= MAX_PACKET_BYTES:
        raise ValueError(f"an RTP packet has {HEADER_BYTES + 1} to {MAX_PACKET_BYTES} bytes, this one {len(data)}")
    if data[0] & 0xC0 != _VERSION_2:
        raise ValueError("not RTP version 2")
    ssrc: int = _SSRC.unpack_from(data)[0]
    return ssrc


def unpack(data: bytes) -> Packet:
    """Read a packet; CSRCs, foreign extensions and padding are skipped. Raises ValueError for anything else."""
    if data[:1] == b"\x90" and data[12:17] == _OWN_EXTENSION and _OWN.size < len(data) <= MAX_PACKET_BYTES:
        second, sequence, timestamp, ssrc, level = _OWN.unpack_from(data)
        return Packet(
            ssrc, sequence, timestamp, data[_OWN.size :], second >= _MARKER, -(level & 0x7F), second & ~_MARKER
        )
    ssrc_of(data)
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    start, end, level_dbov = HEADER_BYTES + 4 * (first & 0x0F), len(data), None
    if first & _EXTENSION:
        if start + 4 > end:
            raise ValueError("RTP header extension is cut off")
        profile, words = _EXTENSION_HEADER.unpack_from(data, start)
        extension = data[start + 4 : start + 4 + 4 * words]
        start += 4 + 4 * words
        if profile == _ONE_BYTE_PROFILE:
            level_dbov = _level(extension)
    if first & _PADDING:
        end -= data[-1]
    if start >= end or (first & _PADDING and not data[-1]):
        raise ValueError("RTP packet without payload")
    marker, payload_type = bool(second & _MARKER), second & ~_MARKER
    return Packet(ssrc, sequence, timestamp, bytes(data[start:end]), marker, level_dbov, payload_type)


def _level(extension: bytes) -> int | None:
    """The audio level among the elements of a one-byte extension (RFC 8285 section 4.2), None where there is none."""
    at = 0
    while at < len(extension):
        id, size = extension[at] >> 4, (extension[at] & 0x0F) + 1
        if extension[at] == 0:  # padding between elements
            at += 1
            continue
        if id == 15 or at + 1 + size > len(extension):
            return None
        if id == LEVEL_EXTENSION_ID:
            return -(extension[at + 1] & 0x7F)
        at += 1 + size
    return None
