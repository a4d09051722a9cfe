"""The right to join, as a token gives it: 005 (Channel Key), 006 (AccessToken) and 007 (AccessToken2).

What a server does with a token is nowhere published beyond its layout, so this is our hub's order: length, version,
strict base64 (007: inflated up to a limit), App ID, signature in constant time with each certificate, channel and uid,
clocks. Of a token that is not genuine nothing is told but that. The length is that of the documented SDK.

Codes, all of the documented web SDK, which has one for each case: 109 expired, 110 invalid, 119 a token where the App
has no certificate, 120 no token where it has one. (The embedded SDK says 115 for 120, and means other things by 119 and
120.)

A clock that is behind locks nobody out: a token is good before the moment at which it says it was made, too.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from device.channel import errors, rules
from device.channel.errors import ChannelError
from device.channel.grant import WITHOUT_CERTIFICATE, Grant, Privilege
from device.channel.messages import TOKEN_MAX_CHARACTERS
from device.channel.token005 import Token005
from device.channel.token006 import Token006
from device.channel.token007 import Token007
from device.channel.token_wire import Refused

_GET_ONE = "get one for this App, channel and uid"


class Token(Protocol):
    """One token as it was read, which does not make it genuine. Its repr tells nothing that could be joined with."""

    @property
    def vouched_for(self) -> str:
        """What its signature covers, for people."""

    @property
    def usable_until_s(self) -> float:
        """Until when it opens the door, by its own account; seconds since 1970."""

    def is_of(self, app_id: str) -> bool:
        """Whether it names this App ID: 005 has 16 bytes, 006 and 007 the text, in which case counts."""

    def is_signed(self, certificate: str, channel: str, uid: int | str) -> bool:
        """Whether its signature is that of this certificate; for 005 and 006, over this channel and uid."""

    def grant(self, channel: str, uid: int | str, now_s: float) -> Grant:
        """What it allows, whether that has ended or not. Raises Refused where it is not for this."""

    def content(self) -> dict[str, Any]:
        """What is in it but its signature, as JSON has it. Raises Refused where it cannot be read to its end."""


_FORMATS: dict[str, Callable[[str], Token]] = {"005": Token005.read, "006": Token006.read, "007": Token007.read}


def verify(text: str, app_id: str, certificates: Sequence[str], channel: str, uid: int | str, now_s: float) -> Grant:
    """What the holder of a token may do in this channel as this uid.

    text: the token, "" for none. certificates: of the App, primary and secondary; none where its App ID suffices. uid:
    as asked for, 0 for any, which only a token for all uids allows; or a text, the account of who has no number. now_s:
    seconds since 1970. Raises ChannelError with the codes above, and ValueError where App ID, certificates, channel or
    uid are none: to check those is for the caller.
    """
    rules.check_app_id(app_id)
    for certificate in certificates:  # without one everybody could sign
        rules.check_certificate(certificate)
    rules.check_channel(channel)
    if isinstance(uid, int):
        rules.check_uid(uid)
    if not certificates:
        if text:
            raise ChannelError(errors.TOKEN_UNEXPECTED)
        return WITHOUT_CERTIFICATE
    if not text:
        raise ChannelError(errors.TOKEN_MISSING)
    try:
        grant = _genuine(read(text), app_id, certificates, channel, uid, now_s)
    except Refused as refused:
        raise ChannelError(errors.TOKEN_INVALID, f"invalid token: {refused}; {_GET_ONE}") from None
    end_s, what = min((grant.usable_until_s, "it"), (grant.joined_until_s, "its right to join"))
    if now_s >= end_s:
        why = f"{what} ended {now_s - end_s:.0f} s ago"
        raise ChannelError(errors.TOKEN_EXPIRED, f"expired token: {why}; get a new one, or set the hub's clock")
    return grant


def read(text: str) -> Token:
    """A token of any format, as far as that can be read without a certificate. Raises Refused."""
    if not 0 < len(text) <= TOKEN_MAX_CHARACTERS:
        raise Refused(f"a token has 1 to {TOKEN_MAX_CHARACTERS} characters, and this has {len(text)}")
    read_format = _FORMATS.get(text[:3])
    if read_format is None or not text.isascii():
        raise Refused("it is none of the formats 005, 006 and 007")
    return read_format(text[3:])


def content(text: str) -> dict[str, Any]:
    """What is in a token, as `Token.content` has it; nothing where it cannot be read."""
    try:
        return read(text).content()
    except Refused:
        return {}


def _genuine(
    token: Token, app_id: str, certificates: Sequence[str], channel: str, uid: int | str, now_s: float
) -> Grant:
    """What a token allows. Raises Refused unless it is of this App, genuine, and for this channel and uid."""
    if not token.is_of(app_id):
        raise Refused("it is of another App ID")
    if not any(token.is_signed(certificate, channel, uid) for certificate in certificates):
        raise Refused(f"it was not made {token.vouched_for}")
    grant = token.grant(channel, uid, now_s)
    if Privilege.JOIN not in grant.ends_s:
        raise Refused("it gives no right to join")
    return grant
