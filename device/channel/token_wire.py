"""What the three formats of tokens share: strict base64, and numbers, texts and maps, little-endian.

A text is its length (16 bit) and its bytes; a map its number of entries (16 bit) and each key (16 bit) with its value.
"""

import base64
import struct
from collections.abc import Mapping

_U16, _U32, _ENTRY = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<HI")


class Refused(ValueError):
    """Nobody is let in with this token. The text says why; it quotes nothing of the token."""


class Reader:
    """Reads one part after the other. Raises Refused where the bytes end too early."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def u16(self) -> int:
        return int.from_bytes(self._take(2), "little")

    def i16(self) -> int:
        return int.from_bytes(self._take(2), "little", signed=True)

    def u32(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def text(self) -> bytes:
        return self._take(self.u16())

    def privileges(self) -> dict[int, int]:
        """Each privilege and its time. The last of two entries counts, as in the published parsers."""
        return dict(_ENTRY.iter_unpack(self._take(self.u16() * _ENTRY.size)))

    def rest(self) -> bytes:
        rest, self._at = self._data[self._at :], len(self._data)
        return rest

    def end(self) -> None:
        """Raises Refused when there is more."""
        if self._at < len(self._data):
            raise Refused("something follows its end")

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise Refused("it is cut off")
        taken, self._at = self._data[self._at : end], end
        return taken


def unarmoured(text: str) -> bytes:
    """The bytes of base64 with its padding. Raises Refused unless it is exactly what an encoder writes."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("it is not base64") from None
    if armoured(data) != text:  # bits that nobody reads
        raise Refused("it is not canonical base64")
    return data


def armoured(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def u16(number: int) -> bytes:
    return _U16.pack(number)


def u32(number: int) -> bytes:
    return _U32.pack(number)


def text(data: bytes) -> bytes:
    return _U16.pack(len(data)) + data


def privileges(times: Mapping[int, int]) -> bytes:
    return _U16.pack(len(times)) + b"".join(_ENTRY.pack(*entry) for entry in sorted(times.items()))


def account(uid: int | str) -> bytes:
    """A uid, or the account of who has no number, as 006 and 007 write it; nothing for uid 0."""
    return str(uid or "").encode()


def readable(data: bytes) -> str:
    """Bytes of a token as people may see them."""
    return data.decode("utf-8", "replace")
