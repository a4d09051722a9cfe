"""TOML as people write it. What becomes of it in a configuration: test_config.py, tests/hub/test_apps.py."""

from typing import Any

import pytest

from device import tomltext


def test_a_text_is_its_tables() -> None:
    assert tomltext.parse("[hub]\nopen = true\n[[app]]\n[[app]]\n") == {"hub": {"open": True}, "app": [{}, {}]}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a = x", "line 1, column 5: is not TOML: Invalid value"),
        ("a = 1\nb = ", "line 2, the end: is not TOML: Invalid value"),
        ("a = " + "9" * 5_000, "is no TOML that can be read: Exceeds the limit"),
        ("a = " + "[" * 100_000, "is no TOML that can be read: maximum recursion depth exceeded"),
    ],
)
def test_a_text_that_is_none_says_where(text: str, mistake: str) -> None:
    with pytest.raises(ValueError) as refusal:
        tomltext.parse(text)
    assert str(refusal.value).startswith(mistake)


@pytest.mark.parametrize(
    ("default", "value", "mistake"),
    [
        ("", 3, 'must be text in quotes; did you mean "3"?'),
        ("", [], "must be text in quotes"),
        (0, "7", "must be a whole number; did you mean 7?"),
        (0, True, "must be a whole number"),
        (False, 1, "must be true or false"),
        ([], "ws://a?s=1", 'must be a list of texts; did you mean ["ws://a?***"]?'),
        ([], [1], "must be a list of texts"),
        ([], "x", "must be a list of texts"),
        (0, "99", "must be a whole number"),
    ],
)
def test_a_value_of_another_type_says_what_was_meant(default: object, value: Any, mistake: str) -> None:
    with pytest.raises(ValueError) as refusal:
        tomltext.check_type(default, value, _no_x_and_no_99)
    assert str(refusal.value) == mistake
    tomltext.check_type(default, default)


def _no_x_and_no_99(value: object) -> None:
    if value in (["x"], 99):
        raise ValueError("is not what is wanted")


def test_what_was_probably_meant_may_take_more_than_brackets() -> None:
    with pytest.raises(ValueError, match=r'did you mean \["ws://x\?\*\*\*"\]\?$'):
        tomltext.check_type([], "x", mend=lambda text: f"ws://{text}?s=1")


@pytest.mark.parametrize(
    ("word", "hint"),
    [("certificat", "; did you mean [certificate]?"), ("max", "; did you mean [max_seats]?"), ("x", "")],
)
def test_a_word_that_is_nearly_right_is_recognised(word: str, hint: str) -> None:
    assert tomltext.did_you_mean(word, ["certificate", "max_seats"], "[{}]") == hint


def test_what_is_quoted_stays_in_its_line() -> None:
    assert tomltext.one_line("a\nb\x1b[2J") == "a\\nb\\x1b[2J"
    assert tomltext.toml("a\nb\x7f") == '"a\\nb\\u007f"'
    assert tomltext.masked("ws://user:pass@hub:1?token=1") == "ws://***@hub:1?***"
