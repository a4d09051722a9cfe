"""What the formats of tokens share: everything that can be written is read again, and nothing else is."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel import token_wire
from device.channel.token_wire import Reader, Refused

numbers_16, numbers_32 = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
maps = st.dictionaries(numbers_16, numbers_32, max_size=20)


@given(numbers_16, numbers_32, st.binary(max_size=300), maps, st.binary(max_size=20))
def test_what_was_written_is_read_again(
    small: int, big: int, text: bytes, privileges: dict[int, int], rest: bytes
) -> None:
    written = token_wire.u16(small) + token_wire.u32(big) + token_wire.text(text) + token_wire.privileges(privileges)
    reader = Reader(written + rest)
    assert (reader.u16(), reader.u32(), reader.text(), reader.privileges()) == (small, big, text, privileges)
    assert reader.rest() == rest
    reader.end()


def test_privileges_are_written_in_ascending_order_and_little_endian() -> None:
    assert token_wire.privileges({4: 1, 1: 2}).hex() == "0200" + "0100" + "02000000" + "0400" + "01000000"


def test_a_role_may_be_negative() -> None:
    assert Reader(b"\xff\xff").i16() == -1


@pytest.mark.parametrize(
    "read",
    [Reader.u16, Reader.i16, Reader.u32, Reader.text, Reader.privileges],
    ids=lambda read: read.__name__,
)
@pytest.mark.parametrize("data", [b"", b"\1"])
def test_an_end_that_comes_too_early_is_refused(read: Any, data: bytes) -> None:
    with pytest.raises(Refused, match="cut off"):
        read(Reader(data))


@pytest.mark.parametrize("data", [b"\5\0abcd", b"\1\0" + b"\1\0abc", b"\xff\xff"])
def test_a_length_that_promises_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="cut off"):
        Reader(data).text() if data[0] == 5 else Reader(data).privileges()


def test_more_than_there_should_be_is_refused() -> None:
    with pytest.raises(Refused, match="follows"):
        Reader(b"x").end()


@given(st.binary(max_size=300))
def test_base64_is_read_as_it_is_written(data: bytes) -> None:
    assert (
        token_wire.unarmoured(base64.b64encode(data).decode())
        == data
        == token_wire.unarmoured(token_wire.armoured(data))
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("QQ", id="without padding"),
        pytest.param("QQ=", id="half padding"),
        pytest.param("QQ===", id="too much padding"),
        pytest.param("QR==", id="bits that nobody reads"),
        pytest.param("QUJ=", id="two bits that nobody reads"),
        pytest.param("QQ==QQ==", id="two in one"),
        pytest.param("QUJD\n", id="a line"),
        pytest.param("QUJD ", id="a space"),
        pytest.param("QU JD", id="a space within"),
        pytest.param("-_8=", id="the alphabet of addresses"),
        pytest.param("====", id="padding alone"),
        pytest.param("Q", id="one character"),
        pytest.param("QUJ\N{CYRILLIC CAPITAL LETTER DE}", id="another alphabet"),
    ],
)
def test_base64_that_an_encoder_would_not_write_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="base64"):
        token_wire.unarmoured(text)


@pytest.mark.parametrize(
    ("uid", "written"), [(0, b""), ("", b""), (7, b"7"), (2**32 - 1, b"4294967295"), ("door", b"door"), ("0", b"0")]
)
def test_a_uid_is_written_as_text_and_0_as_none(uid: int | str, written: bytes) -> None:
    assert token_wire.account(uid) == written


def test_what_is_no_text_can_be_shown_all_the_same() -> None:
    assert token_wire.readable(b"a\xff") == "a\ufffd"
