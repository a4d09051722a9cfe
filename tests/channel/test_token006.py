"""AccessTokens: absolute ends, two checksums, and a signature without separators."""

import base64
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel import rules, token006
from device.channel.grant import DAY_S, Privilege
from device.channel.token006 import Token006
from device.channel.token_wire import Refused
from tests.channel.tokens import APP_ID, CERTIFICATE, CHANNEL, LASTS_S, MADE_S, SECONDARY, UID, of_006

channels = st.text(sorted(rules.CHANNEL_CHARACTERS), min_size=1, max_size=64)
numbers = st.integers(0, 2**32 - 1)


def token(text: str) -> Token006:
    assert text.startswith("006")
    return Token006.read(text[3:])


@given(channels, numbers, st.dictionaries(st.integers(0, 2**16 - 1), numbers, max_size=9), numbers, numbers)
def test_what_was_built_is_read_again(
    channel: str, uid: int, privileges: dict[int, int], ends_s: int, salt: int
) -> None:
    read = token(token006.build(APP_ID, CERTIFICATE, channel, uid, privileges, ends_s, salt))
    assert (read.app_id, read.salt, read.ends_s, read.privileges) == (APP_ID, salt, ends_s, privileges)
    assert read.is_signed(CERTIFICATE, channel, uid)
    assert not read.is_signed(SECONDARY, channel, uid)
    assert not read.is_signed(CERTIFICATE, f"{channel}x", uid)
    assert read.is_signed(CERTIFICATE, channel, uid ^ 1) == (uid == 0)


def test_app_ids_are_compared_as_text() -> None:
    assert token(of_006()).is_of(APP_ID)
    assert not token(of_006()).is_of(APP_ID.lower())


def test_uid_0_is_everybody() -> None:
    everybody = token(of_006(uid=0))
    assert all(everybody.is_signed(CERTIFICATE, CHANNEL, uid) for uid in (0, UID, "door"))
    assert not token(of_006()).is_signed(CERTIFICATE, CHANNEL, 0)
    assert token(of_006(uid="door")).is_signed(CERTIFICATE, CHANNEL, "door")


def test_only_the_checksums_tell_channel_and_uid_apart() -> None:
    """The signature alone is the same: a token for 23 in room1 is none for 3 in room12."""
    real = token(of_006("room1", 23))
    assert real.signature == token(of_006("room12", 3)).signature
    assert real.is_signed(CERTIFICATE, "room1", 23)
    assert not real.is_signed(CERTIFICATE, "room12", 3)
    assert not real.is_signed(CERTIFICATE, "room", 123)


@pytest.mark.parametrize("place", ["crc_channel", "crc_uid"])
def test_each_checksum_counts(place: str) -> None:
    real = token(of_006())
    fields = {name: getattr(real, name) for name in Token006.__slots__}
    assert Token006(**fields).is_signed(CERTIFICATE, CHANNEL, UID)
    assert not Token006(**fields | {place: fields[place] ^ 1}).is_signed(CERTIFICATE, CHANNEL, UID)


def test_privileges_end_when_they_say_and_with_the_token_at_the_latest() -> None:
    ends_s = {1: MADE_S + LASTS_S, 2: 0, 3: MADE_S + 10 * DAY_S, 1000: MADE_S + LASTS_S}
    grant = token(of_006(privileges=ends_s)).grant(CHANNEL, UID, MADE_S)
    assert grant.usable_until_s == MADE_S + DAY_S
    assert dict(grant.ends_s) == {
        Privilege.JOIN: MADE_S + LASTS_S,
        Privilege.PUBLISH_AUDIO: MADE_S + DAY_S,
        Privilege.PUBLISH_VIDEO: MADE_S + DAY_S,
    }


def test_nobody_stays_for_more_than_a_day_with_one_token() -> None:
    grant = token(of_006(privileges={1: 0, 2: 2**32 - 1}, ends_s=2**32 - 1)).grant(CHANNEL, UID, MADE_S + 0.5)
    assert (grant.joined_until_s, grant.publish_until_s) == (MADE_S + 0.5 + DAY_S, MADE_S + 0.5 + DAY_S)


def test_one_that_is_cut_off_is_refused() -> None:
    text = of_006(privileges={1: 0})
    content = base64.b64decode(text[35:])
    for size in range(len(content)):
        with pytest.raises(Refused, match="cut off"):
            token(text[:35] + base64.b64encode(content[:size]).decode())


def test_a_map_that_promises_too_much_is_refused() -> None:
    message = struct.pack("<IIHHI", 7, MADE_S, 2, 1, 0)
    content = struct.pack("<H", 32) + bytes(32) + struct.pack("<IIH", 0, 0, len(message)) + message
    with pytest.raises(Refused, match="cut off"):
        token("006" + APP_ID + base64.b64encode(content).decode())


def test_nothing_may_follow_its_end() -> None:
    text = of_006()
    with pytest.raises(Refused, match="follows"):
        token(text[:35] + base64.b64encode(base64.b64decode(text[35:]) + b"\0").decode())


@pytest.mark.parametrize(("wrong", "place"), [("x", 0), (CERTIFICATE[:-1], 1), ("", 1), ("a/b", 2), ("", 2), ("*", 2)])
def test_what_nobody_could_verify_is_not_built(wrong: str, place: int) -> None:
    names = [APP_ID, CERTIFICATE, CHANNEL]
    names[place] = wrong
    app_id, certificate, channel = names
    with pytest.raises(ValueError, match=r"App ID|certificate|channel"):
        token006.build(app_id, certificate, channel, UID, {1: 0}, MADE_S, 7)


def test_its_signature_is_shown_nowhere() -> None:
    real = token(of_006())
    assert real.content()["crc_channel"] == zlib.crc32(CHANNEL.encode())
    shown = repr(real) + repr(real.content())
    assert repr(real.signature)[2:-1] not in shown and real.signature.hex() not in shown
