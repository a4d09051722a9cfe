"""Members of params: of the right type, and checked."""

from typing import Any

import pytest

from device import jsonrpc
from device.channel.members import between, checked, member, short


@pytest.mark.parametrize(
    ("params", "kind", "value"),
    [({"a": 1}, int, 1), ({"a": True}, bool, True), ({"a": "x"}, str, "x"), ({"a": [1]}, list, [1])],
)
def test_a_member_of_the_right_type(params: dict[str, Any], kind: type, value: Any) -> None:
    assert member(params, "a", kind) == value


def test_one_that_is_missing_has_its_default_or_is_an_error() -> None:
    assert member({}, "a", int, 7) == 7
    with pytest.raises(jsonrpc.JsonRpcError, match="a is missing") as error:
        member({}, "a", int)
    assert error.value.code == jsonrpc.INVALID_PARAMS


@pytest.mark.parametrize(("value", "kind"), [(True, int), (1, bool), ("1", int), (1, str), (None, list)])
def test_one_of_another_type_is_an_error(value: Any, kind: type) -> None:
    with pytest.raises(jsonrpc.JsonRpcError, match=f"a is not of type {kind.__name__}"):
        member({"a": value}, "a", kind)


def test_what_a_check_does_not_like_is_an_error_that_names_the_member() -> None:
    assert checked("a", between(1, 5), 5) == 5
    assert checked("a", short(3), "abc") == "abc"
    for check, value, why in ((between(1, 5), 6, "not within 1 to 5"), (short(3), "abcd", "longer than 3 characters")):
        with pytest.raises(jsonrpc.JsonRpcError, match=f"a: {why}"):
            checked("a", check, value)
