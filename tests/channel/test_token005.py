"""Channel Keys: what is signed, what is not, and until when they open the door."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel import rules
from device.channel.grant import FOREVER, Privilege
from device.channel.token005 import Token005
from device.channel.token_wire import Refused
from tests.channel.tokens import APP_ID, CERTIFICATE, CHANNEL, LASTS_S, MADE_S, SECONDARY, UID, of_005

NO_UPLOAD = b"\1\0" + b"\1\0" + b"\1\0" + b"0"


def key(text: str) -> Token005:
    assert text.startswith("005")
    return Token005.read(text[3:])


@given(st.text(sorted(rules.CHANNEL_CHARACTERS), min_size=1, max_size=64), st.integers(0, rules.UID_MAX))
def test_a_key_is_for_one_channel_and_one_uid_of_one_app(channel: str, uid: int) -> None:
    token = key(of_005(channel, uid))
    assert token.is_of(APP_ID) and token.is_of(APP_ID.lower())
    assert token.is_signed(CERTIFICATE, channel, uid)
    assert not token.is_signed(SECONDARY, channel, uid)
    assert not token.is_signed(CERTIFICATE, f"{channel}x", uid)
    assert token.is_signed(CERTIFICATE, channel, uid ^ 1) == (uid == 0)


def test_a_key_for_uid_0_is_for_everybody_also_for_who_has_an_account() -> None:
    token = key(of_005(uid=0))
    assert all(token.is_signed(CERTIFICATE, CHANNEL, uid) for uid in (0, 1, UID, "door"))
    assert not key(of_005()).is_signed(CERTIFICATE, CHANNEL, str(UID))
    assert not key(of_005()).is_signed(CERTIFICATE, CHANNEL, 0)


def test_it_opens_the_door_for_five_minutes_and_lets_stay_until_its_end() -> None:
    grant = key(of_005()).grant(CHANNEL, UID, MADE_S)
    assert grant.usable_until_s == MADE_S + 300
    assert dict(grant.ends_s) == dict.fromkeys(Privilege, MADE_S + LASTS_S)
    assert key(of_005(ends_s=0)).grant(CHANNEL, UID, MADE_S).joined_until_s == FOREVER


@pytest.mark.parametrize(
    ("service", "purpose"), [(2, "recording"), (3, "sharing"), (4, "permissions"), (0, "else"), (99, "something else")]
)
def test_a_key_that_is_not_for_joining_lets_nobody_in(service: int, purpose: str) -> None:
    token = key(of_005(service=service))
    assert token.is_signed(CERTIFICATE, CHANNEL, UID)
    with pytest.raises(Refused, match=purpose):
        token.grant(CHANNEL, UID, MADE_S)


def test_what_it_has_to_say_beside_is_signed_too() -> None:
    token = key(of_005(extra=NO_UPLOAD))
    assert token.permissions() == {1: b"0"}
    assert token.is_signed(CERTIFICATE, CHANNEL, UID)
    assert token.content()["extra"] == {1: "0"}


@pytest.mark.parametrize("extra", [b"", b"\1", b"\1\0", b"\1\0\1\0", b"\1\0\1\0\4\0abc", b"\xff\xff"])
def test_a_key_that_is_cut_off_is_refused(extra: bytes) -> None:
    with pytest.raises(Refused, match="cut off"):
        key(of_005(extra=extra))


def test_nothing_may_follow_its_end() -> None:
    with pytest.raises(Refused, match="follows"):
        key(of_005(follows=b"\0"))


def test_every_field_is_covered_by_its_signature() -> None:
    """Also the length of the App ID, and a map whose last entry is the one that counts."""
    token = key(of_005(extra=struct.pack("<HHHcHHc", 2, 1, 1, b"0", 1, 1, b"3")))
    assert token.permissions() == {1: b"3"} and token.is_signed(CERTIFICATE, CHANNEL, UID)
    for changes in (
        {"service": 2}, {"app_id": bytes(16)}, {"app_id": token.app_id[:15]}, {"made_s": MADE_S + 1}, {"salt": 8},
        {"ends_s": 0}, {"extra": b"\0\0"}, {"signature": token.signature.lower()}, {"signature": token.signature[:39]},
        {"signature": b""},
    ):  # fmt: skip
        fields = {name: getattr(token, name) for name in Token005.__slots__}
        assert not Token005(**fields | changes).is_signed(CERTIFICATE, CHANNEL, UID), changes


def test_its_signature_is_shown_nowhere() -> None:
    token = key(of_005())
    assert token.signature.decode() not in repr(token) + repr(token.content())
