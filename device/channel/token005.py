"""Channel Key, "005": the oldest of the three formats.

    "005" + base64(u16 service, text signature, text App ID (16 bytes), u32 made, u32 salt, u32 ends, map extra)

The signature is HMAC-SHA1 in 40 capital hexadecimal digits. Channel and uid are signed, but not in the key: who
verifies it takes them from the request.
"""

import hmac
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from device.channel.grant import FOREVER, Grant, Privilege
from device.channel.token_wire import Reader, Refused, readable, text, u16, u32, unarmoured

# How long a key opens the door after it was made.
JOIN_WITHIN_S = 300
MEDIA_CHANNEL = 1
_SERVICES = {1: "joining", 2: "recording", 3: "public sharing", 4: "permissions inside a channel"}


@dataclass(frozen=True, slots=True)
class Token005:
    """A Channel Key as it was read; whether it is genuine says `is_signed`."""

    vouched_for: ClassVar[str] = "for this channel and uid with a certificate of this App"

    service: int
    app_id: bytes
    made_s: int
    salt: int
    ends_s: int
    signature: bytes = field(repr=False)
    extra: bytes = field(repr=False)

    @classmethod
    def read(cls, body: str) -> Self:
        """Reads what follows "005". Raises Refused."""
        reader = Reader(unarmoured(body))
        service, signature, app_id = reader.u16(), reader.text(), reader.text()
        made_s, salt, ends_s = reader.u32(), reader.u32(), reader.u32()
        token = cls(service, app_id, made_s, salt, ends_s, signature, reader.rest())
        token.permissions()
        return token

    def permissions(self) -> dict[int, bytes]:
        """The map at its end, each number and its text. Raises Refused unless the map is all there is."""
        reader = Reader(self.extra)
        found = {reader.u16(): reader.text() for _ in range(reader.u16())}
        reader.end()
        return found

    def is_of(self, app_id: str) -> bool:
        return self.app_id == bytes.fromhex(app_id)

    def is_signed(self, certificate: str, channel: str, uid: int | str) -> bool:
        """Whether it was made with this certificate, for this channel, and for this uid or for all.

        An account is no number, and needs a key for all.
        """
        begin = u16(self.service) + text(self.app_id) + u32(self.made_s) + u32(self.salt) + text(channel.encode())
        end = u32(self.ends_s) + self.extra
        key = bytes.fromhex(certificate)
        return any(
            hmac.compare_digest(self.signature, hmac.digest(key, begin + u32(who) + end, "sha1").hex().upper().encode())
            for who in {0, uid if isinstance(uid, int) else 0}
        )

    @property
    def usable_until_s(self) -> float:
        return self.made_s + JOIN_WITHIN_S

    def grant(self, channel: str, uid: int | str, now_s: float) -> Grant:
        """Everything until its end, 0 being none. Raises Refused for a key that is not for joining."""
        if self.service != MEDIA_CHANNEL:
            purpose = _SERVICES.get(self.service, "something else")
            raise Refused(f"it is a Channel Key for {purpose}, not for joining")
        return Grant(self.usable_until_s, dict.fromkeys(Privilege, self.ends_s or FOREVER))

    def content(self) -> dict[str, Any]:
        return {
            "version": "005", "app_id": self.app_id.hex(), "service": self.service, "made": self.made_s,
            "salt": self.salt, "ends": self.ends_s,
            "extra": {number: readable(value) for number, value in self.permissions().items()},
        }  # fmt: skip
