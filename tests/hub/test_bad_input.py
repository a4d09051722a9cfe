"""Whatever a client sends, it gets a clear answer or the door, and an honest call beside it loses not one packet."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import pytest
from websockets.exceptions import ConnectionClosed

from device import jsonrpc
from device.channel import errors, rtp, rules
from device.hub import limits
from device.hubapp import Hub
from tests.hub.guest import Guest, guest, honest_call
from tests.hub.house import APP, Refused
from tests.timing import seconds

Abuse = Callable[[Guest], Awaitable[None]]


async def failure(someone: Guest, text: str) -> int:
    """The code that answers this text."""
    seen = len(someone.news)
    await someone.socket.send(text)
    await someone.until(lambda: len(someone.news) > seen)
    method, params = someone.news[seen]
    assert method == "failure"
    return int(params["code"])


async def error(someone: Guest) -> int:
    """The code of the `error` that the hub tells a sender of bad packets."""
    await someone.until(lambda: any(method == "error" for method, _ in someone.news))
    return int(next(params["code"] for method, params in someone.news if method == "error"))


async def garbage_text(someone: Guest) -> None:
    for text in ("", "hello", "\0" * 1_000, "{", "\U0001f600", "NaN"):
        assert await failure(someone, text) in (jsonrpc.PARSE_ERROR, jsonrpc.INVALID_REQUEST)


async def text_that_is_no_utf_8(someone: Guest) -> None:
    await someone.socket.send(b"\xff\xfe\xfd", text=True)
    await someone.until(lambda: someone.news == [("failure", {"id": None, "code": jsonrpc.PARSE_ERROR})])


async def json_of_a_wrong_shape(someone: Guest) -> None:
    for text in ("[]", "7", '"x"', "null", '{"jsonrpc":"1.0"}', '{"jsonrpc":"2.0","id":[],"method":"ping"}'):
        assert await failure(someone, text) == jsonrpc.INVALID_REQUEST


async def params_of_a_wrong_shape(someone: Guest) -> None:
    for params in ({}, {"appId": 7}, {"appId": APP, "channel": []}, {"appId": APP, "channel": "x", "uid": -1},
                   {"appId": APP, "channel": "x" * 65}, {"appId": "z" * 32, "channel": "x"}):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            await someone.ask("join", **params)
        assert refusal.value.code == jsonrpc.INVALID_PARAMS


async def deep_nesting(someone: Guest) -> None:
    for text in ("[" * rules.MAX_TEXT_BYTES, '{"a":' * 3_000, "[" * 8_000 + "]" * 8_000):
        assert await failure(someone, text) in (jsonrpc.PARSE_ERROR, jsonrpc.INVALID_REQUEST)


async def binary_of_any_length(someone: Guest) -> None:
    await someone.join()
    dice = random.Random(1)
    for size in (0, 1, 11, 12, 13, 100, rtp.MAX_PACKET_BYTES, rtp.MAX_PACKET_BYTES + 1, rules.MAX_TEXT_BYTES):
        await someone.socket.send(dice.randbytes(size))
    assert await error(someone) in (errors.MALFORMED, errors.OUT_OF_ORDER)
    await someone.socket.send(dice.randbytes(65_000))
    code, reason = await someone.closed()
    assert code == 1009 and reason


async def truncated_rtp(someone: Guest) -> None:
    await someone.join(9)
    await someone.ask("publish")
    packet = rtp.Packet(9, 1, 960, b"opus", level_dbov=-30).pack()
    for size in range(rtp.HEADER_BYTES + 1):
        await someone.socket.send(packet[:size])
    assert await error(someone) == errors.MALFORMED


async def a_packet_before_joining(someone: Guest) -> None:
    await someone.speak(1)
    assert await error(someone) == errors.OUT_OF_ORDER


async def a_stolen_uid_without_its_session(someone: Guest) -> None:
    claim = {"appId": APP, "channel": "honest", "uid": 1, "session": "A" * 43}
    with pytest.raises(Refused) as refusal:
        await someone.ask("rejoin", **claim)
    assert refusal.value.code == errors.SESSION_UNKNOWN


async def packets_as_somebody_else(someone: Guest) -> None:
    await someone.join(9, "honest")
    await someone.ask("publish")
    someone.uid = 1
    for sequence in range(150):
        await someone.speak(sequence)
    assert await error(someone) == errors.OUT_OF_ORDER
    assert await someone.closed() == (1008, "too many packets, or bad ones")


async def ten_thousand_requests(someone: Guest) -> None:
    await someone.join()
    with contextlib.suppress(ConnectionClosed):
        for number in range(10_000):
            await someone.socket.send(jsonrpc.request(number, "ping", {}))
    assert await someone.closed() == (1008, "too many requests")


async def a_flood_of_packets(someone: Guest) -> None:
    await someone.join(9, "honest")
    await someone.ask("publish")
    with contextlib.suppress(ConnectionClosed):
        for sequence in range(10_000):
            await someone.speak(sequence & 0xFFFF)
    assert await someone.closed() == (1008, "too many packets, or bad ones")


ABUSES: list[Abuse] = [
    garbage_text, text_that_is_no_utf_8, json_of_a_wrong_shape, params_of_a_wrong_shape, deep_nesting,
    binary_of_any_length, truncated_rtp, a_packet_before_joining, a_stolen_uid_without_its_session,
    packets_as_somebody_else, ten_thousand_requests, a_flood_of_packets,
]  # fmt: skip


@pytest.mark.parametrize("abuse", ABUSES, ids=lambda abuse: abuse.__name__)
async def test_an_honest_call_does_not_notice(abuse: Abuse) -> None:
    async with Hub("127.0.0.1:0") as hub, honest_call(hub.url), guest(hub.url, max_size=None) as someone:
        await abuse(someone)


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"POST /v1 HTTP/1.1\r\n\r\n", b"x" * 100_000, b"GET /v1\r\n\r\n"],
    ids=["tls to a plain port", "another method", "no line end", "no version"],
)
async def test_what_is_no_handshake_is_closed(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JOIN_WITHIN_S", 1.0)
    async with Hub("127.0.0.1:0") as hub, honest_call(hub.url):
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(data)
        async with asyncio.timeout(seconds(10)):
            with contextlib.suppress(ConnectionResetError):
                answer = await reader.read()
                assert not answer or answer.startswith(b"HTTP/1.1 4")
        writer.close()


async def test_an_unmasked_frame_is_a_protocol_error() -> None:
    async with Hub("127.0.0.1:0") as hub, honest_call(hub.url), guest(hub.url) as someone:
        someone.socket.transport.write(b"\x81\x02hi")  # RFC 6455 section 5.1
        assert (await someone.closed())[0] == 1002
