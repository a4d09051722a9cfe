"""AccessToken2, "007": the format of today.

    "007" + base64(zlib(text signature, info))
    info = text App ID, u32 made, u32 lifetime, u32 salt, u16 number of services, the services
    service = u16 type, map of privileges, each with its lifetime, and what its type has

Lifetimes are seconds from when it was made. Two clocks: the token's lifetime says how long it opens the door, that of
the privilege to join how long who is in may stay.

The signature is HMAC-SHA256 over info, whose key is made of the certificate, of when it was made and of the salt. So
nothing but the head is read of a token that is not genuine.
"""

import hmac
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from device.channel import rules, token_wire
from device.channel.grant import DAY_S, FOREVER, PRIVILEGES, Grant, Privilege
from device.channel.token_wire import Reader, Refused, account, armoured, readable, text, u16, u32, unarmoured

# A call with the longest channel and account makes 433 bytes; a token of 2,047 characters can hold 1.5 MB.
INFLATED_MAX_BYTES = 4_096
# Enough for a token that names 100 channels one by one; smaller services than those would fit a thousand times.
SERVICES_MAX = 256
RTC = 1


def _permissions(reader: Reader) -> dict[int, dict[int, list[str]]]:
    """Kind of resource -> permission -> resources."""
    return {
        reader.u16(): {
            reader.u16(): [readable(reader.text()) for _ in range(reader.u16())] for _ in range(reader.u16())
        }
        for _ in range(reader.u16())
    }


# What follows the privileges of each type of service.
_TAILS: dict[int, tuple[tuple[str, Callable[[Reader], object]], ...]] = {
    RTC: (("channel", Reader.text), ("uid", Reader.text)),
    2: (("user_id", Reader.text),),  # messages
    3: (("channel", Reader.text), ("uid", Reader.text)),  # streaming
    4: (),  # acceleration
    5: (("user_id", Reader.text),),  # chat
    6: (("channel", Reader.text), ("uid", Reader.text)),  # live streaming
    7: (("room", Reader.text), ("user_id", Reader.text), ("role", Reader.i16)),  # classrooms
    8: (("user_id", Reader.text), ("permissions", _permissions)),  # messages, second edition
}


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a token: its type, its privileges with their lifetimes, and what its type has."""

    type: int
    privileges: Mapping[int, int]
    tail: Mapping[str, Any]

    def is_for(self, channel: str, uid: int | str) -> bool:
        """Whether this is the call of this channel: both are named, or wildcards.

        For a uid that is "" or "*", for a channel too; in the name of a channel a "*" stands for any characters, also
        none. No real channel has one in its name.
        """
        return (
            self.type == RTC
            and self.tail["uid"] in (b"", b"*", account(uid))
            and matches(readable(self.tail["channel"]), channel)
        )

    def content(self) -> dict[str, Any]:
        tail = {name: readable(value) if isinstance(value, bytes) else value for name, value in self.tail.items()}
        return {"type": self.type, "privileges": dict(self.privileges), **tail}


@dataclass(frozen=True, slots=True)
class Token007:
    """An AccessToken2 as far as it can be read before it is known to be genuine, which `is_signed` says."""

    vouched_for: ClassVar[str] = "with a certificate of this App"

    app_id: bytes
    made_s: int
    lasts_s: int
    salt: int
    signature: bytes = field(repr=False)
    info: bytes = field(repr=False)

    @classmethod
    def read(cls, body: str) -> Self:
        """Reads what follows "007". Raises Refused."""
        reader = Reader(_inflated(unarmoured(body)))
        signature, info = reader.text(), reader.rest()
        reader = Reader(info)
        return cls(reader.text(), reader.u32(), reader.u32(), reader.u32(), signature, info)

    def services(self) -> list[Service]:
        """Its services up to the first of a type that nobody knows here, whose length nobody knows either.

        Raises Refused where one is cut off, or where there are too many. What follows the last one is signed, and
        ignored: an edition to come may have something to say there.
        """
        reader = Reader(self.info)
        reader.text(), reader.u32(), reader.u32(), reader.u32()
        count, found = reader.u16(), []
        if count > SERVICES_MAX:
            raise Refused(f"it has more than {SERVICES_MAX} services")
        for _ in range(count):
            kind = reader.u16()
            if kind not in _TAILS:
                break
            found.append(Service(kind, reader.privileges(), {name: read(reader) for name, read in _TAILS[kind]}))
        return found

    def is_of(self, app_id: str) -> bool:
        return self.app_id == app_id.encode()

    def is_signed(self, certificate: str, channel: str, uid: int | str) -> bool:
        """Whether it was made with this certificate; for whom, its services say."""
        return hmac.compare_digest(self.signature, _signature(certificate, self.made_s, self.salt, self.info))

    @property
    def usable_until_s(self) -> float:
        """At most a day after it was made; a lifetime of 0 is none."""
        return self.made_s + min(self.lasts_s, DAY_S)

    def grant(self, channel: str, uid: int | str, now_s: float) -> Grant:
        """Each privilege for a day after the token was made at most, but one with lifetime 0 for ever.

        Where several of its services are for this channel and uid, it is what they allow together. Raises Refused
        where none is.
        """
        services = self.services()
        mine = [service for service in services if service.is_for(channel, uid)]
        if not mine:
            calls = [service for service in services if service.type == RTC]
            others = [one.tail["uid"] for one in calls if matches(readable(one.tail["channel"]), channel)]
            if len(others) == 1 and others[0].isdigit() and isinstance(uid, int):
                raise Refused(f"it is for uid {readable(others[0])}, not for {uid}")
            raise Refused("it is for another channel or uid" if calls else "it is for another service, not for calls")
        ends_s: dict[Privilege, float] = {}
        for service in mine:
            for number, lasts_s in service.privileges.items():
                if privilege := PRIVILEGES.get(number):
                    end_s = self.made_s + min(lasts_s, DAY_S) if lasts_s else FOREVER
                    ends_s[privilege] = max(end_s, ends_s.get(privilege, 0))
        return Grant(self.usable_until_s, ends_s)

    def content(self) -> dict[str, Any]:
        """Raises Refused where a service is cut off."""
        return {
            "version": "007", "app_id": readable(self.app_id), "made": self.made_s, "lasts": self.lasts_s,
            "salt": self.salt,
            "services": [service.content() for service in self.services()],
        }  # fmt: skip


def build(
    app_id: str,
    certificate: str,
    channel: str,
    uid: int | str,
    privileges: Mapping[int, int],
    made_s: int,
    lasts_s: int,
    salt: int,
) -> str:
    """A token for one channel, or for all that match where "*" is in it; for all uids where uid is 0.

    privileges: each with its lifetime in seconds, 0 being for ever. salt: 1 to 99,999,999, drawn anew for each. Raises
    ValueError for a wrong App ID, certificate or channel.
    """
    rules.check_app_id(app_id)
    rules.check_certificate(certificate)
    rules.check_channel(channel.replace("*", "x"))
    service = u16(RTC) + token_wire.privileges(privileges) + text(channel.encode()) + text(account(uid))
    info = text(app_id.encode()) + u32(made_s) + u32(lasts_s) + u32(salt) + u16(1) + service
    return "007" + armoured(zlib.compress(text(_signature(certificate, made_s, salt, info)) + info))


def matches(pattern: str, channel: str) -> bool:
    """Whether a channel is one that a token names: the same, or any where each "*" stands for any characters."""
    if not pattern:
        return True
    first, *others = pattern.split("*")
    if not others:
        return pattern == channel
    *inner, last = others
    at, end = len(first), len(channel) - len(last)
    if at > end or not channel.startswith(first) or not channel.endswith(last):
        return False
    for part in inner:
        found = channel.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _signature(certificate: str, made_s: int, salt: int, info: bytes) -> bytes:
    """The small numbers are the keys, and the certificate is a message."""
    key = hmac.digest(u32(salt), hmac.digest(u32(made_s), certificate.encode(), "sha256"), "sha256")
    return hmac.digest(key, info, "sha256")


def _inflated(data: bytes) -> bytes:
    """Raises Refused for what is no zlib stream, has no end, is too long, or is followed by something."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, INFLATED_MAX_BYTES + 1)
    except zlib.error:
        raise Refused("it cannot be inflated") from None
    if len(content) > INFLATED_MAX_BYTES:
        raise Refused(f"it inflates to more than {INFLATED_MAX_BYTES} bytes")
    if not stream.eof:
        raise Refused("it is cut off")
    if stream.unused_data:
        raise Refused("something follows its end")
    return content
