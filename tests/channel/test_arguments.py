"""What programs hand over: what is meant, or the documented SDK's words for what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from device.channel import arguments
from device.channel.rules import Role

APP_ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("check", "given", "meant"),
    [
        (arguments.app_id, f" {APP_ID}\n", APP_ID),
        (arguments.channel_key, None, ""),
        (arguments.channel_key, "", ""),
        (arguments.channel_key, "007abc", "007abc"),
        (arguments.channel, "a" * 64, "a" * 64),
        (arguments.channel, "nullify", "nullify"),
        (arguments.own_uid, None, 0),
        (arguments.own_uid, 0, 0),
        (arguments.own_uid, "2882341273", 2_882_341_273),
        (arguments.own_uid, 2**32 - 1, 2**32 - 1),
        (arguments.somebody, 1, 1),
        (arguments.uids, [3, 2], (3, 2)),
        (arguments.audio_only, True, True),
        (arguments.role, "audience", Role.AUDIENCE),
        (arguments.target, "audio", True),
        (arguments.target, "all", True),
        (arguments.target, "video", False),
        (arguments.stream, 5, 5),
    ],
)
def test_A4_H2_what_is_meant(check: Callable[[Any], Any], given: Any, meant: Any) -> None:
    assert check(given) == meant


@pytest.mark.parametrize(
    ("check", "given", "text"),
    [
        *((arguments.app_id, given, "Invalid appId") for given in ("", " ", "null", "NULL", "x", None, 7)),
        *((arguments.channel_key, given, "Invalid channelKey") for given in ("null", " ", 7)),
        *((arguments.channel, given, "Invalid channel") for given in ("", "Null", None, "a" * 65, "a/b", 7)),
        *((arguments.own_uid, given, "Invalid uid type") for given in (-1, 2**32, 1.5, True, "x", "", "9" * 11, "²")),
        *((arguments.somebody, given, "Invalid uid type") for given in (0, -1, 2**32, "7", None, True)),
        *((arguments.uids, given, "Invalid uid type") for given in (7, "77", [0], ["7"])),
        *((arguments.audio_only, given, "isAudioOnly should be boolean") for given in (0, None, "true")),
        *((arguments.role, given, "Invalid role") for given in ("host", "Broadcaster", "", None)),
        *((arguments.target, given, 'target should be "video", "audio" or "all"') for given in ("", "Audio", None)),
        *((arguments.stream, given, "a stream is 1 to 5") for given in (0, 6, True, "1")),
    ],
)
def test_E13_what_is_wrong_is_said_in_the_documented_words_without_a_code(
    check: Callable[[Any], Any], given: Any, text: str
) -> None:
    with pytest.raises(ValueError, match=r"Invalid|should|a stream") as refused:
        check(given)
    assert str(refused.value) == text
    assert not hasattr(refused.value, "code")


def test_A5_names_in_place_of_numbers_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="Invalid uid type") as refused:
        arguments.own_uid("kitchen", 1)
    assert refused.value.__notes__ == ["uid_type 0: names in place of numbers are not offered"]
    for blank in ("", "  ", None, 7):
        with pytest.raises(ValueError, match="uid empty"):
            arguments.own_uid(blank, 1)


def test_E13_a_note_says_what_would_be_right_and_quotes_no_token() -> None:
    with pytest.raises(ValueError, match="Invalid channel") as refused:
        arguments.channel("a/b")
    assert refused.value.__notes__ == ["a channel name cannot contain '/'"]
    with pytest.raises(ValueError, match="Invalid channelKey") as refused:
        arguments.channel_key(b"SECRET")  # type: ignore[arg-type]
    assert "SECRET" not in repr(refused.value) + "".join(refused.value.__notes__)


def test_A8_more_uids_than_a_channel_holds_are_a_wrong_argument() -> None:
    with pytest.raises(ValueError, match="Invalid uid type"):
        arguments.uids(range(1, arguments.MAX_UIDS + 2))
