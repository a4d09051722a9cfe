"""AccessToken, "006".

    "006" + App ID (32 characters) + base64(text signature, u32 CRC of channel, u32 CRC of uid, text message)
    message = u32 salt, u32 end, map of privileges, each with its own end

All ends are seconds since 1970. The signature is HMAC-SHA256 over App ID, channel, uid and message, one after the other
without a separator: "room1" with uid 23 and "room12" with uid 3 share it, and only the checksums tell them apart. They
are not signed: whoever holds a token can make them fit, and enter "room12" as 3, or "room123" as anybody. That lies in
the format; where it matters, make tokens of the format 007.
"""

import hmac
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from device.channel import rules, token_wire
from device.channel.grant import DAY_S, PRIVILEGES, Grant
from device.channel.token_wire import Reader, account, armoured, readable, text, u32, unarmoured


@dataclass(frozen=True, slots=True)
class Token006:
    """An AccessToken as it was read; whether it is genuine says `is_signed`."""

    vouched_for: ClassVar[str] = "for this channel and uid with a certificate of this App"

    app_id: str
    salt: int
    ends_s: int
    privileges: Mapping[int, int]
    signature: bytes = field(repr=False)
    crc_channel: int
    crc_uid: int
    message: bytes = field(repr=False)

    @classmethod
    def read(cls, body: str) -> Self:
        """Reads what follows "006". Raises Refused."""
        app_id, content = body[: rules.APP_ID_CHARACTERS], body[rules.APP_ID_CHARACTERS :]
        reader = Reader(unarmoured(content))
        signature, crc_channel, crc_uid, message = reader.text(), reader.u32(), reader.u32(), reader.text()
        reader.end()
        reader = Reader(message)
        salt, ends_s, privileges = reader.u32(), reader.u32(), reader.privileges()
        return cls(app_id, salt, ends_s, privileges, signature, crc_channel, crc_uid, message)

    def is_of(self, app_id: str) -> bool:
        return self.app_id == app_id

    def is_signed(self, certificate: str, channel: str, uid: int | str) -> bool:
        """Whether it was made with this certificate, for this channel, and for this uid or for all."""
        name = channel.encode()
        return self.crc_channel == zlib.crc32(name) and any(
            self.crc_uid == zlib.crc32(who)
            and hmac.compare_digest(self.signature, _signature(certificate, self.app_id, name, who, self.message))
            for who in {b"", account(uid)}
        )

    @property
    def usable_until_s(self) -> float:
        return self.ends_s

    def grant(self, channel: str, uid: int | str, now_s: float) -> Grant:
        """Its privileges, those with end 0 until the token's own end; none lasts longer than that or a day from now.

        The builders set the token's own end to a day after it was made, and when it was made it does not tell.
        """
        last_s = min(self.ends_s, now_s + DAY_S)
        ends_s = {PRIVILEGES[number]: min(end_s or last_s, last_s)
                  for number, end_s in self.privileges.items() if number in PRIVILEGES}  # fmt: skip
        return Grant(self.usable_until_s, ends_s)

    def content(self) -> dict[str, Any]:
        return {
            "version": "006", "app_id": readable(self.app_id.encode()), "salt": self.salt, "ends": self.ends_s,
            "privileges": dict(self.privileges), "crc_channel": self.crc_channel, "crc_uid": self.crc_uid,
        }  # fmt: skip


def build(
    app_id: str, certificate: str, channel: str, uid: int | str, privileges: Mapping[int, int], ends_s: int, salt: int
) -> str:
    """A token that is good until ends_s, for all uids where uid is 0.

    privileges: each with its end, 0 being that of the token. salt: 1 to 99,999,999, drawn anew for each. Raises
    ValueError for a wrong App ID, certificate or channel.
    """
    rules.check_app_id(app_id)
    rules.check_certificate(certificate)
    name, who = rules.check_channel(channel).encode(), account(uid)
    message = u32(salt) + u32(ends_s) + token_wire.privileges(privileges)
    signature = _signature(certificate, app_id, name, who, message)
    checksums = u32(zlib.crc32(name)) + u32(zlib.crc32(who))
    return "006" + app_id + armoured(text(signature) + checksums + text(message))


def _signature(certificate: str, app_id: str, channel: bytes, who: bytes, message: bytes) -> bytes:
    return hmac.digest(certificate.encode(), app_id.encode() + channel + who + message, "sha256")
