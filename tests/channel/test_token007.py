"""AccessToken2: two clocks, services, wildcards, and a stream that unfolds to no more than it may."""

import base64
import re
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from device.channel import rules, token007
from device.channel.grant import DAY_S, FOREVER, Privilege
from device.channel.token007 import INFLATED_MAX_BYTES, Token007, matches
from device.channel.token_wire import Refused
from tests.channel.tokens import (
    APP_ID,
    CERTIFICATE,
    CHANNEL,
    LASTS_S,
    MADE_S,
    SECONDARY,
    UID,
    of_007,
    sealed_007,
    service,
)

channels = st.text(sorted(rules.CHANNEL_CHARACTERS), min_size=1, max_size=64)
numbers = st.integers(0, 2**32 - 1)
JOIN, PUBLISH_AUDIO = Privilege.JOIN, Privilege.PUBLISH_AUDIO


def token(text: str) -> Token007:
    assert text.startswith("007")
    return Token007.read(text[3:])


def ends_s(text: str, channel: str = CHANNEL, uid: int | str = UID) -> dict[Privilege, float]:
    read = token(text)
    assert read.is_signed(CERTIFICATE, channel, uid)
    return dict(read.grant(channel, uid, MADE_S).ends_s)


@given(channels, numbers, st.dictionaries(st.integers(0, 2**16 - 1), numbers, max_size=9), numbers, numbers, numbers)
def test_T5_what_was_built_is_read_again(
    channel: str, uid: int, privileges: dict[int, int], made_s: int, lasts_s: int, salt: int
) -> None:
    read = token(token007.build(APP_ID, CERTIFICATE, channel, uid, privileges, made_s, lasts_s, salt))
    assert (read.app_id, read.made_s, read.lasts_s, read.salt) == (APP_ID.encode(), made_s, lasts_s, salt)
    assert read.content()["services"] == [
        {"type": 1, "privileges": privileges, "channel": channel, "uid": str(uid or "")}
    ]
    assert read.is_signed(CERTIFICATE, channel, uid)
    assert not read.is_signed(SECONDARY, channel, uid)
    assert read.grant(channel, uid, made_s).usable_until_s == made_s + min(lasts_s, DAY_S)


def test_T5_app_ids_are_compared_as_text() -> None:
    assert token(of_007()).is_of(APP_ID)
    assert not token(of_007()).is_of(APP_ID.lower())


def test_T5_the_token_and_its_privileges_have_clocks_of_their_own() -> None:
    """The token's opens the door; that of a privilege says how long it lasts, 0 being for ever, and a day the most."""
    text = of_007(lasts_s=60, privileges={1: LASTS_S, 2: 0, 3: DAY_S, 4: DAY_S + 1, 77: 5})
    grant = token(text).grant(CHANNEL, UID, MADE_S)
    assert grant.usable_until_s == MADE_S + 60
    assert dict(grant.ends_s) == {
        JOIN: MADE_S + LASTS_S,
        PUBLISH_AUDIO: FOREVER,
        Privilege.PUBLISH_VIDEO: MADE_S + DAY_S,
        Privilege.PUBLISH_DATA: MADE_S + DAY_S,
    }


@pytest.mark.parametrize(
    ("lasts_s", "usable_s"), [(0, 0), (1, 1), (DAY_S, DAY_S), (DAY_S + 1, DAY_S), (2**32 - 1, DAY_S)]
)
def test_T5_no_token_opens_the_door_for_more_than_a_day(lasts_s: int, usable_s: int) -> None:
    assert token(of_007(lasts_s=lasts_s)).usable_until_s == MADE_S + usable_s


@pytest.mark.parametrize(
    ("channel", "uid", "joined_channel", "joined_uid", "admitted"),
    [
        (CHANNEL, UID, CHANNEL, UID, True),
        (CHANNEL, UID, CHANNEL, UID + 1, False),
        (CHANNEL, UID, CHANNEL, 0, False),
        (CHANNEL, UID, "garage", UID, False),
        (CHANNEL, UID, "Kitchen", UID, False),
        (CHANNEL, UID, "kitchen2", UID, False),
        (CHANNEL, UID, "kitche", UID, False),
        (CHANNEL, 0, CHANNEL, UID, True),
        (CHANNEL, 0, CHANNEL, 0, True),
        (CHANNEL, "*", CHANNEL, UID, True),
        (CHANNEL, "*", CHANNEL, "door", True),
        (CHANNEL, "door", CHANNEL, "door", True),
        (CHANNEL, "door", CHANNEL, "doo", False),
        (CHANNEL, "1*", CHANNEL, 1001, False),
        ("*", UID, "garage", UID, True),
        ("*", UID, "garage", 1, False),
        ("", UID, "garage", UID, True),
        ("1*a*2", UID, "1-a-2", UID, True),
        ("1*a*2", UID, "1-b-2", UID, False),
    ],
)
def test_T5_T6_whom_and_which_channel_a_token_is_for(
    channel: str, uid: int | str, joined_channel: str, joined_uid: int | str, admitted: bool
) -> None:
    text = sealed_007(service(1, {1: 0}, channel, str(uid or "")), 1)
    read = token(text)
    if admitted:
        assert read.grant(joined_channel, joined_uid, MADE_S).joined_until_s == FOREVER
    else:
        with pytest.raises(Refused, match=r"another channel or uid|it is for uid"):
            read.grant(joined_channel, joined_uid, MADE_S)


@pytest.mark.parametrize(
    ("named", "channel", "uid", "says"),
    [
        (("7",), CHANNEL, 0, "it is for uid 7, not for 0"),
        (("7",), CHANNEL, "seven", "it is for another channel or uid"),
        (("door",), CHANNEL, 7, "it is for another channel or uid"),
        (("7", "8"), CHANNEL, 9, "it is for another channel or uid"),
        (("7",), "elsewhere", 7, "it is for another channel or uid"),
    ],
)
def test_T5_a_token_of_another_uid_names_both(named: tuple[str, ...], channel: str, uid: int | str, says: str) -> None:
    text = sealed_007(b"".join(service(1, {1: 0}, CHANNEL, name) for name in named), len(named))
    with pytest.raises(Refused, match=says):
        token(text).grant(channel, uid, MADE_S)


@example("ab*ba", "aba")
@example("*a*a*", "a")
@example("*ab*b", "ab")
@example("*ab*ba*", "aba")
@given(st.text("ab*", max_size=8), st.text("ab", min_size=1, max_size=10))
def test_T5_T6_a_star_stands_for_any_characters(pattern: str, channel: str) -> None:
    """As a regular expression has it; an empty name is a star, too."""
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), channel)
    assert matches(pattern, channel) == (not pattern or expected is not None)


def test_T5_an_account_that_is_no_text_is_nobody_else() -> None:
    """Shown, both would look the same."""
    with pytest.raises(Refused, match="another channel or uid"):
        token(sealed_007(service(1, {1: 0}, CHANNEL, b"\xff"), 1)).grant(CHANNEL, "\ufffd", MADE_S)


def test_T5_services_for_the_same_call_are_good_for_what_they_allow_together() -> None:
    text = sealed_007(
        service(1, {1: 100, 2: 900}, CHANNEL, "")
        + service(1, {1: 300, 2: 200}, "*", str(UID))
        + service(1, {4: 0}, CHANNEL, str(UID))
        + service(1, {3: 0, 4: 5}, "garage", str(UID))
        + service(1, {4: 100}, CHANNEL, str(UID)),
        5,
    )
    assert ends_s(text) == {
        JOIN: MADE_S + 300, PUBLISH_AUDIO: MADE_S + 900, Privilege.PUBLISH_DATA: FOREVER,
    }  # fmt: skip


def test_T5_a_token_for_other_services_alone_lets_nobody_into_a_call() -> None:
    """Not even one for streaming, which names channel and uid as a call does."""
    for kind, texts in ((2, (str(UID),)), (3, (CHANNEL, str(UID))), (6, (CHANNEL, str(UID)))):
        with pytest.raises(Refused, match="another service"):
            token(sealed_007(service(kind, {1: 0}, *texts), 1)).grant(CHANNEL, UID, MADE_S)
    with pytest.raises(Refused, match="another service"):
        token(sealed_007(b"", 0)).grant(CHANNEL, UID, MADE_S)


EVERY_TYPE = (
    service(1, {1: 0}, CHANNEL, str(UID))
    + service(2, {1: 2}, "a")
    + service(3, {1: 3, 2: 4}, "b", "c")
    + service(4, {1: 5})
    + service(5, {1: 6, 2: 7}, "d")
    + service(6, {1: 8}, "e", "")
    + service(7, {3: 9}, "f", "g", follows=b"\xff\xff")
    + service(8, {1: 10}, "h", follows=struct.pack("<HHHHHH1sH1s", 1, 4, 1, 0, 2, 1, b"i", 1, b"j"))
)


def test_T5_every_type_of_service_is_read() -> None:
    text = sealed_007(EVERY_TYPE + service(1, {2: 0}, CHANNEL, ""), 9)
    assert token(text).content()["services"] == [
        {"type": 1, "privileges": {1: 0}, "channel": CHANNEL, "uid": str(UID)},
        {"type": 2, "privileges": {1: 2}, "user_id": "a"},
        {"type": 3, "privileges": {1: 3, 2: 4}, "channel": "b", "uid": "c"},
        {"type": 4, "privileges": {1: 5}},
        {"type": 5, "privileges": {1: 6, 2: 7}, "user_id": "d"},
        {"type": 6, "privileges": {1: 8}, "channel": "e", "uid": ""},
        {"type": 7, "privileges": {3: 9}, "room": "f", "user_id": "g", "role": -1},
        {"type": 8, "privileges": {1: 10}, "user_id": "h", "permissions": {4: {0: ["i", "j"]}}},
        {"type": 1, "privileges": {2: 0}, "channel": CHANNEL, "uid": ""},
    ]
    assert ends_s(text) == {JOIN: FOREVER, PUBLISH_AUDIO: FOREVER}


def test_T5_reading_stops_at_a_type_that_nobody_knows_and_the_signature_covers_what_follows() -> None:
    text = sealed_007(service(1, {1: 0}, CHANNEL, "") + service(9, {1: 0}) + service(1, {2: 0}, CHANNEL, ""), 3)
    assert ends_s(text) == {JOIN: FOREVER}
    content = bytearray(zlib.decompress(base64.b64decode(text[3:])))
    content[-1] ^= 1
    changed = "007" + base64.b64encode(zlib.compress(bytes(content))).decode()
    assert token(changed).grant(CHANNEL, UID, MADE_S) == token(text).grant(CHANNEL, UID, MADE_S)
    assert not token(changed).is_signed(CERTIFICATE, CHANNEL, UID)


@pytest.mark.parametrize("missing", range(1, len(service(1, {1: 0}, CHANNEL, str(UID)))))
def test_T5_a_genuine_token_with_a_service_that_is_cut_off_is_refused(missing: int) -> None:
    read = token(sealed_007(service(1, {1: 0}, CHANNEL, str(UID))[:-missing], 1))
    assert read.is_signed(CERTIFICATE, CHANNEL, UID)
    for use in (lambda: read.grant(CHANNEL, UID, MADE_S), read.content):
        with pytest.raises(Refused, match="cut off"):
            use()


def test_T5_a_token_has_a_limited_number_of_services() -> None:
    one = service(1, {1: 0}, "", "")
    assert ends_s(sealed_007(one * 256, 256)) == {JOIN: FOREVER}
    with pytest.raises(Refused, match="more than 256 services"):
        token(sealed_007(one * 257, 257)).grant(CHANNEL, UID, MADE_S)


def test_T5_what_follows_the_last_service_is_signed_and_ignored() -> None:
    assert ends_s(sealed_007(service(1, {1: 0}, CHANNEL, "") + b"new", 1)) == {JOIN: FOREVER}


def test_T5_how_it_was_compressed_does_not_matter() -> None:
    """Each builder has a library of its own."""
    text = of_007()
    content = zlib.decompress(base64.b64decode(text[3:]))
    others = ["007" + base64.b64encode(zlib.compress(content, level)).decode() for level in range(10)]
    flushed = zlib.compressobj()
    parts = flushed.compress(content[:50]) + flushed.flush(zlib.Z_SYNC_FLUSH) + flushed.compress(content[50:])
    others.append("007" + base64.b64encode(parts + flushed.flush()).decode())
    assert len({text, *others}) > 3
    assert {token(other) for other in others} == {token(text)}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cut off"),
        (b"no stream at all", "inflated"),
        (zlib.compress(b"x")[:-1], "cut off"),
        (zlib.compress(b"x")[:-4] + bytes(4), "inflated"),
        (zlib.compress(b"x")[2:-4], "inflated"),
        (zlib.compress(b"x") + b"\0", "follows"),
        (zlib.compress(b"x") + zlib.compress(b"x"), "follows"),
        (zlib.compress(b""), "cut off"),
        (zlib.compress(bytes(INFLATED_MAX_BYTES + 1)), "more than 4096 bytes"),
        (zlib.compress(bytes(1_500_000)), "more than 4096 bytes"),
        (zlib.compress(bytes(1_500_000))[:-1], "more than 4096 bytes"),
    ],
    ids=range(11),
)
def test_T5_a_stream_that_no_builder_writes_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        token("007" + base64.b64encode(data).decode())


def test_T5_a_bomb_is_not_inflated() -> None:
    """Its one and a half megabytes come to exist nowhere."""
    text = "007" + base64.b64encode(zlib.compress(bytes(1_500_000))).decode()
    tracemalloc.start()
    with pytest.raises(Refused, match="more than 4096 bytes"):
        token(text)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 100_000


def test_T5_a_stream_may_be_as_long_as_its_limit() -> None:
    """That there is no token in it is another matter."""
    text = "007" + base64.b64encode(zlib.compress(bytes(INFLATED_MAX_BYTES))).decode()
    assert len(token(text).info) == INFLATED_MAX_BYTES - 2


@pytest.mark.parametrize(
    ("wrong", "place"), [("x", 0), (CERTIFICATE[:-1], 1), ("", 1), ("a/b", 2), ("", 2), ("*" * 65, 2)]
)
def test_T5_what_nobody_could_verify_is_not_built(wrong: str, place: int) -> None:
    names = [APP_ID, CERTIFICATE, CHANNEL]
    names[place] = wrong
    app_id, certificate, channel = names
    with pytest.raises(ValueError, match=r"App ID|certificate|channel"):
        token007.build(app_id, certificate, channel, UID, {1: 0}, MADE_S, LASTS_S, 7)


def test_T5_its_signature_is_shown_nowhere() -> None:
    real = token(of_007())
    shown = repr(real) + repr(real.content())
    assert repr(real.signature)[2:-1] not in shown and real.signature.hex() not in shown
    assert repr(real.info)[2:-1] not in shown
