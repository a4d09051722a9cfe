"""Stream messages on the wire."""

from typing import Any

import pytest

from device import jsonrpc
from device.channel.writing import Message


@pytest.mark.parametrize("message", [Message(b"x"), Message(bytes(range(256)) * 4, 5)])
def test_B15_what_is_written_is_read_again(message: Message) -> None:
    assert Message.read(message.params()) == message


def test_B15_a_message_without_a_stream_goes_to_the_first() -> None:
    assert Message.read({"data": "eA=="}) == Message(b"x", 1)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"data": ""},
        {"data": "eA"},
        {"data": "e!A=="},
        {"data": "\xe9"},
        {"data": 7},
        {"data": "eA==", "stream": 0},
        {"data": "eA==", "stream": 6},
        {"data": "A" * 1_368},  # 1,026 bytes
    ],
)
def test_B15_what_is_no_message_or_too_much_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(jsonrpc.JsonRpcError) as error:
        Message.read(params)
    assert error.value.code == jsonrpc.INVALID_PARAMS
