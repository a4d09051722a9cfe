"""How far the way to a hub goes, with real hubs, other servers, and nobody at the other end."""

import asyncio
import json
import socket
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device.channel import errors
from device.channel.errors import ChannelError
from device.channel.resolver import Resolver, Targets
from device.channel.verdicts import Miss, of_certificate
from device.config import Channel
from device.doctor import hubs
from device.doctor.finding import Finding, Verdict
from device.doctor.hubs import Way
from device.hubapp import Hub
from tests.channel.fakehub import make_certificates
from tests.channel.test_client_with_hub import Person
from tests.daemon import APP_ID, free_port
from tests.timing import seconds

VERSION = "0.1.0"


def channel(*urls: str, **changes: Any) -> Channel:
    values: dict[str, Any] = {
        "hub": urls, "ca_file": "", "insecure": False, "app_id": APP_ID, "name": "lobby", "label": "", "uid": 0,
        "token_file": "", "role": "broadcaster", "start": "joined", "start_muted": False,
    }  # fmt: skip
    return Channel(**values | changes)


async def find(*urls: str, token: str | None = None, running: bool = False, **changes: Any) -> Sequence[Finding]:
    return hubs.judge(await hubs.look(channel(*urls, **changes), token, running), VERSION)


@asynccontextmanager
async def answering(text: bytes) -> AsyncIterator[str]:
    """A server that is no hub: it says this and hangs up, or waits for ever if it is empty."""

    kept = []  # since Python 3.13 one that is forgotten is closed

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept.append(writer)
        await reader.read(100)
        if text:
            writer.write(text)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in kept:
            writer.close()
        server.close()


def seats(hub: Hub) -> int:
    """How many there are in the hub, as it tells everybody."""
    with urllib.request.urlopen(f"{hub.url.replace('ws', 'http')}/healthz", timeout=seconds(5)) as answer:
        return int(json.load(answer)["seats"])


async def test_a_hub_is_joined_unnoticed_and_left_again_and_tells_version_and_clock() -> None:
    async with Hub("127.0.0.1:0") as hub:
        there = Person(hub.url)
        await there.client.join(None, "lobby")
        before = list(there.events)
        (way,) = await hubs.look(channel(hub.url), None, False)
        assert way.clock_ahead_s is not None and abs(way.clock_ahead_s) < 2
        (found,) = hubs.judge([way], VERSION)
        assert (found.verdict, found.figures["reached"], found.figures["hub_version"]) == (Verdict.OK, "join", VERSION)
        assert await asyncio.to_thread(seats, hub) == 1, "its seat is given up"
        assert there.events == before
        await there.client.leave()


async def test_nobody_there_a_name_nobody_knows_and_something_else_there() -> None:
    (found,) = await find(f"ws://127.0.0.1:{free_port()}")
    assert (found.verdict, found.figures["reached"]) == (Verdict.FAIL, "name")
    assert "connection refused" in found.found and "start the hub there" in found.remedy
    (found,) = await find("ws://hub.invalid:8800")
    assert (found.verdict, found.figures["reached"]) == (Verdict.FAIL, "nothing")
    assert "cannot be looked up" in found.found
    async with answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as url:
        (found,) = await find(url)
    assert (found.verdict, found.figures["reached"]) == (Verdict.FAIL, "tcp")
    assert found.found.startswith("TCP connects, but: ") and "404" in found.found
    assert "something else than a hub" in found.remedy


async def test_somebody_who_takes_the_connection_and_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "WITHIN_S", 0.3)
    async with answering(b"") as url:
        (found,) = await find(url)
    assert "TCP connects, but: no answer to the handshake" in found.found


async def test_tls_at_a_hub_without_it_and_the_other_way_round_and_a_strange_authority(tmp_path: Path) -> None:
    async with Hub("127.0.0.1:0") as hub:
        (found,) = await find(hub.url.replace("ws:", "wss:"))
        assert (found.verdict, found.figures["reached"]) == (Verdict.FAIL, "tcp")
        assert "TCP connects, but: " in found.found and "write ws://" in found.remedy
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:  # as many servers without TLS do
        (found,) = await find(url.replace("ws:", "wss:"))
        assert "is it a ws:// hub?" in found.found and "write ws://" in found.remedy
    ca_file = make_certificates(tmp_path).ca_file
    async with Hub("127.0.0.1:0", tls_cert=str(tmp_path / "hub.pem"), tls_key=str(tmp_path / "hub.key")) as hub:
        (found,) = await find(hub.url.replace("wss:", "ws:"))
        assert found.verdict is Verdict.FAIL and "write wss://" in found.remedy
        (found,) = await find(hub.url)
        assert found.verdict is Verdict.FAIL
        assert found.found == "TCP connects, but: the certificate is not trusted: its authority is not known here"
        assert found.remedy == "set ca_file to the authority's certificate"
        (found,) = await find(hub.url, ca_file=ca_file)
        assert found.verdict is Verdict.OK
        (found,) = await find(hub.url, ca_file=str(tmp_path / "san"))
        assert found.verdict is Verdict.FAIL and "ca_file" in found.found and "ca_file" in found.remedy
        (found,) = await find(hub.url.replace("127.0.0.1", "localhost"), ca_file=ca_file)
        assert found.found.endswith("not trusted: it is for another name")
        assert found.remedy == "dial the hub by a name that is in it, or put this one in"


def test_a_certificate_that_is_rarely_wrong_is_to_be_another() -> None:
    detail = of_certificate(23, "certificate revoked")
    (found,) = hubs.judge([Way("wss://hub:8800", Miss.TLS, detail, after_tcp=True)], VERSION)
    assert (found.found, found.remedy) == (f"TCP connects, but: {detail}", "give the hub another certificate")


async def test_a_hub_that_refuses_says_why_and_beside_a_good_one_it_is_a_warning() -> None:
    async with Hub("127.0.0.1:0", app_ids=["f" * 32]) as other, Hub("127.0.0.1:0") as hub:
        (found,) = await find(other.url)
        assert (found.verdict, found.figures["code"]) == (Verdict.FAIL, errors.BAD_REQUEST)
        assert "App ID" in found.found + found.remedy
        verdicts = [found.verdict for found in await find(other.url, hub.url, f"ws://127.0.0.1:{free_port()}")]
        assert verdicts == [Verdict.WARN, Verdict.OK, Verdict.WARN]


async def test_a_token_does_not_go_in_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Hub("127.0.0.1:0", app_ids=["f" * 32]) as hub:
        port = int(hub.url.rpartition(":")[2])

        async def look_up(resolver: Resolver, host: str, port: int) -> Targets:
            return ((socket.AF_INET, ("127.0.0.1", port)),)

        monkeypatch.setattr(Resolver, "look_up", look_up)
        (found,) = await find(f"ws://hub.example:{port}", token="secret")
        assert (found.verdict, found.figures["code"]) == (Verdict.FAIL, errors.IN_CLEAR)
        assert "wss://" in found.remedy
        (found,) = await find(f"ws://hub.example:{port}", token="secret", insecure=True)
        assert found.figures["code"] == errors.BAD_REQUEST, "it was asked to let us in, as insecure = true allows"


async def test_the_seat_of_who_runs_here_is_not_taken() -> None:
    async with Hub("127.0.0.1:0") as hub:
        there = Person(hub.url)
        await there.client.join("token", "lobby", 7)
        (found,) = await find(hub.url, token="token", running=True, uid=7)
        assert (found.verdict, found.figures["reached"]) == (Verdict.OK, "websocket")
        (found,) = await find(hub.url, running=True, uid=7)
        assert (found.verdict, found.figures["reached"]) == (Verdict.OK, "join")
        assert there.client.status.state == "in-call" and there.client.status.reconnects == 0
        await there.client.leave()


def test_another_version_is_a_warning() -> None:
    (found,) = hubs.judge([Way("ws://hub:8800", version="9.9")], VERSION)
    assert found.verdict is Verdict.WARN and "9.9, ours is 0.1.0" in found.found


@pytest.mark.parametrize("miss", Miss)
def test_every_miss_has_a_remedy(miss: Miss) -> None:
    (found,) = hubs.judge([Way("ws://hub:8800", miss, str(miss))], VERSION)
    assert found.verdict is Verdict.FAIL and found.remedy


def test_a_date_tells_how_far_clocks_are_apart() -> None:
    at_s = 1_800_000_000.5
    assert hubs.clock_ahead_s("Fri, 15 Jan 2027 08:00:00 GMT", at_s) == 0.0
    assert hubs.clock_ahead_s("Fri, 15 Jan 2027 08:01:00 GMT", at_s) == 60.0
    assert hubs.clock_ahead_s("yesterday", at_s) is None
    assert hubs.clock_ahead_s("", at_s) is None


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errors.BANNED, "ask whoever runs the hub"),
        (errors.TOKEN_INVALID, "get a token"),
        (errors.BAD_REQUEST, "App ID"),
    ],
)
async def test_what_keeps_the_intercom_out_that_runs_here_is_what_is_wrong(code: int, remedy: str) -> None:
    """Though the doctor itself, who is somebody else for the hub, would be let in."""
    async with Hub("127.0.0.1:0") as hub:
        problem = {hub.url: ChannelError(code, "so it is")}
        (found,) = hubs.judge(await hubs.look(channel(hub.url, uid=7), "a token", True, problem), VERSION)
        assert found.verdict is Verdict.FAIL and f"so it is ({code})" in found.found and remedy in found.remedy
        passing = {hub.url: ChannelError(errors.UNREACHABLE)}
        (found,) = hubs.judge(await hubs.look(channel(hub.url), None, True, passing), VERSION)
        assert found.verdict is not Verdict.FAIL, "what is over, or nobody can change"
        elsewhere = {"ws://192.0.2.2:8800": ChannelError(code, "so it is")}
        (found,) = hubs.judge(await hubs.look(channel(hub.url), None, True, elsewhere), VERSION)
        assert found.verdict is not Verdict.FAIL, "another hub's business"
