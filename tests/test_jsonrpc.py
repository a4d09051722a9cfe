"""The envelope: what is built can be read, and whatever else comes is refused with a code."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import jsonrpc
from device.jsonrpc import Failure, JsonRpcError, Notification, Reply, Request

names = st.text(min_size=1, max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
params = st.dictionaries(names, values, max_size=4)
ids = st.integers(-(2**63), 2**63) | st.text(max_size=jsonrpc.MAX_ID_CHARACTERS)


@given(ids, names, params)
def test_what_is_built_can_be_read(id: jsonrpc.Id, method: str, params: dict[str, Any]) -> None:
    assert jsonrpc.parse(jsonrpc.request(id, method, params)) == Request(id, method, params)
    assert jsonrpc.parse(jsonrpc.notification(method, params)) == Notification(method, params)
    assert jsonrpc.parse(jsonrpc.reply(id, params)) == Reply(id, params)
    assert jsonrpc.parse(jsonrpc.failure(id, 431, method)) == Failure(id, 431, method)


def test_messages_are_compact_and_ascii() -> None:
    assert jsonrpc.request(1, "join", {"label": "Küche"}).isascii()
    assert " " not in jsonrpc.notification("ping", {"a": 1, "b": [2]})


def test_a_failure_may_answer_what_could_not_be_read() -> None:
    assert jsonrpc.parse(jsonrpc.failure(None, jsonrpc.PARSE_ERROR, "not JSON")) == Failure(
        None, jsonrpc.PARSE_ERROR, "not JSON"
    )


def test_a_failure_whose_message_is_no_text_has_no_reason() -> None:
    nested = "[" * 900 + "]" * 900
    assert jsonrpc.parse('{"jsonrpc":"2.0","id":1,"error":{"code":5,"message":' + nested + "}}") == Failure(1, 5, "")


def test_params_may_be_missing() -> None:
    assert jsonrpc.parse('{"jsonrpc":"2.0","method":"ping"}') == Notification("ping", {})


@pytest.mark.parametrize(
    ("text", "code", "id"),
    [
        ("", jsonrpc.PARSE_ERROR, None),
        ("{", jsonrpc.PARSE_ERROR, None),
        (b"\xff\xfe{", jsonrpc.PARSE_ERROR, None),
        ("[" * 100_000, jsonrpc.PARSE_ERROR, None),
        ("[]", jsonrpc.INVALID_REQUEST, None),
        ("1", jsonrpc.INVALID_REQUEST, None),
        ('{"id":7,"method":"ping"}', jsonrpc.INVALID_REQUEST, 7),
        ('{"jsonrpc":"1.0","id":7,"method":"ping"}', jsonrpc.INVALID_REQUEST, 7),
        ('{"jsonrpc":"2.0","id":true,"method":"ping"}', jsonrpc.INVALID_REQUEST, None),
        ('{"jsonrpc":"2.0","id":1.5,"method":"ping"}', jsonrpc.INVALID_REQUEST, None),
        ('{"jsonrpc":"2.0","id":"' + "x" * 65 + '","method":"ping"}', jsonrpc.INVALID_REQUEST, None),
        ('{"jsonrpc":"2.0","id":1' + "0" * 70 + ',"method":"ping"}', jsonrpc.INVALID_REQUEST, None),
        ('{"jsonrpc":"2.0","id":7,"method":1}', jsonrpc.INVALID_REQUEST, 7),
        ('{"jsonrpc":"2.0","id":7,"method":"join","params":[1]}', jsonrpc.INVALID_PARAMS, 7),
        ('{"jsonrpc":"2.0","id":7}', jsonrpc.INVALID_REQUEST, 7),
        ('{"jsonrpc":"2.0","id":7,"result":1}', jsonrpc.INVALID_REQUEST, 7),
        ('{"jsonrpc":"2.0","result":{}}', jsonrpc.INVALID_REQUEST, None),
        ('{"jsonrpc":"2.0","id":7,"error":1}', jsonrpc.INVALID_REQUEST, 7),
        ('{"jsonrpc":"2.0","id":7,"error":{"code":"x"}}', jsonrpc.INVALID_REQUEST, 7),
        ('{"jsonrpc":"2.0","id":7,"error":{"code":true}}', jsonrpc.INVALID_REQUEST, 7),
    ],
)
def test_what_is_no_message_is_refused_with_the_id_where_it_could_be_read(
    text: str | bytes, code: int, id: int | None
) -> None:
    with pytest.raises(JsonRpcError) as refused:
        jsonrpc.parse(text)
    assert (refused.value.code, refused.value.id) == (code, id)


def test_a_number_too_long_to_be_one_is_refused() -> None:
    """CPython refuses to read integers of more than 4,300 digits, with a ValueError of its own."""
    with pytest.raises(JsonRpcError):
        jsonrpc.parse('{"jsonrpc":"2.0","method":"x","params":{"a":' + "9" * 10_000 + "}}")


@given(values)
def test_any_json_is_a_message_or_refused(value: object) -> None:
    try:
        jsonrpc.parse(json.dumps(value))
    except JsonRpcError as refused:
        assert refused.code in (jsonrpc.INVALID_REQUEST, jsonrpc.INVALID_PARAMS)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    with pytest.raises(JsonRpcError):
        jsonrpc.parse(data)
