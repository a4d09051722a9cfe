"""The REST API of a real hub: who may ask, how much, and that nobody in a call hears of it."""

import asyncio
import contextlib
import json
import os
import re
import ssl
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from device.channel import errors
from device.channel.client import Client
from device.channel.news import State
from device.hub import api, limits
from device.hub.answers import Answers
from device.hub.api import DESCRIPTION
from device.hub.out import CLOSE_BANNED
from device.hubapp import Hub
from device.restart import RestartError
from tests.hub.guest import guest, honest_call
from tests.hub.house import APP, House, Refused
from tests.hub.office import BAN, RULES, SECRET, clerk, office
from tests.timing import seconds

LOBBY = f"/dev/v1/channel/user/{APP}/lobby"


@contextlib.asynccontextmanager
async def plain(hub: Hub) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of somebody who writes bytes, closed for good at the end."""
    host, port = hub.api_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """All that comes before the end, b"" where it is cut off."""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(seconds(10)):
            return await reader.read()
    return b""


# What it is for


async def test_B8_H11_a_ban_puts_a_real_client_out_and_keeps_it_out_until_it_is_deleted(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss:
        async with guest(hub.url) as someone:
            await someone.join(7)
            status, made = await boss.json("POST", RULES, json=BAN)
            assert (status, made) == (200, {"status": "success", "id": 1})
            code, reason = await someone.closed()
            assert code == CLOSE_BANNED and reason is not None and "ask the hub's administrator" in reason
            assert [name for name, _ in someone.news] == ["client-banned", "error"]
        async with guest(hub.url) as someone:
            with pytest.raises(Refused) as refusal:
                await someone.join(7)
            assert refusal.value.code == errors.BANNED
        assert (await boss.json("DELETE", RULES, json={"appid": APP, "id": 1}))[0] == 200
        async with guest(hub.url) as someone:
            assert (await someone.join(7))["uid"] == 7


async def test_B8_H11_an_intercoms_client_hears_why_it_is_out_and_does_not_hammer(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss:
        client, told = Client([hub.url]), asyncio.Queue[dict[str, Any]]()
        client.init(APP)
        client.on("error", told.put_nowait)
        await client.join(None, "lobby", 7)
        try:
            await boss.json("POST", RULES, json=BAN)
            error = await asyncio.wait_for(told.get(), seconds(10))
            assert error["code"] == errors.BANNED and "for 60 min" in error["reason"]
            assert client.status.state is State.OFFLINE, "it wants its seat still"
            assert (await boss.json("DELETE", RULES, json={"appid": APP, "id": 1}))[0] == 200
            await asyncio.sleep(1.0)  # four attempts of one that dials at the usual pace
            assert client.status.state is State.OFFLINE, "it waits a minute, and knows nothing of it"
        finally:
            await client.leave()


async def test_H12_it_tells_who_is_there(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss, guest(hub.url) as someone:
        await someone.join(7, channel="a b%?#;c")
        path = f"/dev/v1/channel/user/{APP}/a%20b%25%3F%23%3Bc"
        status, answer = await boss.json("GET", path)
        assert (status, answer["data"]["broadcasters"]) == (200, [7])
        status, answer = await boss.json("GET", f"/dev/v1/channel/{APP}")
        assert answer["data"]["channels"] == [{"channel_name": "a b%?#;c", "user_count": 1}]


async def test_H11_a_ban_of_an_address_finds_a_real_client(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss, guest(hub.url) as someone:
        await someone.join()
        await boss.json(
            "POST", RULES, json={"appid": APP, "ip": "127.0.0.1", "time": 0, "privileges": ["join_channel"]}
        )
        assert (await someone.closed())[0] == CLOSE_BANNED


# Its description


async def test_H12_its_description_is_there_for_everybody(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub, secret="") as stranger:
        status, page = await stranger.json("GET", "/openapi.json")
    assert status == 200 and page == json.loads(DESCRIPTION.read_text())


def test_H12_its_description_has_every_path_and_no_other() -> None:
    paths = json.loads(DESCRIPTION.read_text())["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == {*Answers(House().rooms.moderator, str).routes, ("GET", "/openapi.json")}


@pytest.mark.xdist_group("schemathesis")
async def test_H11_H12_the_running_hub_does_what_its_description_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Schemathesis asks what is allowed and what is not, from the description alone, and looks at each answer."""
    for limit in ("API_REQUESTS_PER_S", "API_REQUEST_BURST", "API_STRANGERS_PER_S", "API_STRANGER_BURST"):
        monkeypatch.setattr(limits, limit, 100_000)
    async with office(tmp_path) as hub, guest(hub.url) as someone:
        await someone.join(7)
        command = (
            Path(sys.executable).with_name("schemathesis"), "run", f"{hub.api_url}/openapi.json", "--no-color",
            "--header", f"Authorization: Bearer {SECRET}", "--phases", "coverage,fuzzing,stateful",
            "--max-examples", "5", "--generation-deterministic", "--request-timeout", str(seconds(10)),
        )  # fmt: skip
        asking = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path, env={"COLUMNS": "120"}
        )
        async with asyncio.timeout(seconds(100)):
            said, _ = await asking.communicate()
    assert asking.returncode == 0, said.decode()
    passed = re.search(r"(\d+) generated, (\d+) passed", said.decode())
    assert passed and passed[1] == passed[2] and int(passed[1]) > 100, said.decode()


# Who may ask


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        SECRET,
        f"Basic {SECRET}",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        f"Bearer {SECRET.upper()}",
        "Bearer",
        "Bearer \xff",
    ],
)
async def test_H12_strangers_hear_nothing_but_that(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, authorization: str
) -> None:
    caplog.set_level("DEBUG")
    async with office(tmp_path) as hub, clerk(hub, secret="", Authorization=authorization) as stranger:
        for method, path in (("GET", LOBBY), ("POST", RULES), ("DELETE", RULES), ("GET", "/nowhere"), ("PATCH", RULES)):
            async with stranger.ask(method, path, json=BAN) as answer:
                assert answer.status == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
                assert set(await answer.json()) == {"message"} and SECRET not in await answer.text()
    assert SECRET not in caplog.text


async def test_H12_a_scheme_is_a_scheme_in_capitals_too(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub, secret="", Authorization=f"BEARER  {SECRET}") as boss:
        assert (await boss.json("GET", LOBBY))[0] == 200


async def test_H12_whoever_guesses_is_slowed_down_and_who_knows_the_secret_is_not(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub, secret="a guess") as stranger, clerk(hub) as boss:
        heard = [(await stranger.json("GET", LOBBY))[0] for _ in range(limits.API_STRANGER_BURST + 10)]
        assert heard[: limits.API_STRANGER_BURST] == [401] * limits.API_STRANGER_BURST and heard[-1] == 429
        async with stranger.ask("GET", LOBBY) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert (await boss.json("GET", LOBBY))[0] == 200


# How much


async def test_H12_a_flood_of_questions_is_refused_and_a_call_goes_on_without_the_loss_of_a_packet(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss, honest_call(hub.url):
        heard = [(await boss.json("GET", LOBBY))[0] for _ in range(3 * limits.API_REQUEST_BURST)]
    assert heard[: limits.API_REQUEST_BURST] == [200] * limits.API_REQUEST_BURST and 429 in heard


DESCRIBE = b"GET /openapi.json HTTP/1.1\r\nHost: hub\r\n\r\n"


async def test_H12_only_so_many_connect_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_API_CONNECTIONS", 2)
    async with office(tmp_path) as hub, plain(hub) as one:
        async with plain(hub) as other:
            for reader, writer in (one, other):  # each has been let in when it is answered
                writer.write(DESCRIBE)
                assert b"200 OK" in await reader.readline()
            async with plain(hub) as (reader, _):
                assert await until_closed(reader) == b""
        async with asyncio.timeout(seconds(10)):
            answer = b""
            while not answer:
                with contextlib.suppress(ConnectionResetError):
                    async with plain(hub) as (reader, writer):
                        writer.write(DESCRIBE)
                        answer = await reader.readline()
        assert b"200 OK" in answer


async def test_H12_a_connection_is_over_after_a_while_whether_it_asks_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "API_CONNECTION_S", 0.2)
    async with office(tmp_path) as hub, plain(hub) as (idle, writer), plain(hub) as (busy, asking):
        writer.write(b"GET / HTTP/1.1\r\nHo")
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(seconds(10)):
                asking.write(DESCRIBE)
                while await busy.readline():
                    asking.write(DESCRIBE)
        assert await until_closed(idle) == b""


async def test_H12_a_long_body_is_not_read(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss:
        body = json.dumps(BAN) + " " * limits.MAX_API_BODY_BYTES
        status, answer = await boss.json("POST", RULES, data=body, headers={"Content-Type": "application/json"})
        assert status == 413 and set(answer) == {"message"}


async def test_H12_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BODY_WITHIN_S", 0.05)
    async with office(tmp_path) as hub, plain(hub) as (reader, writer):
        head = f"POST {RULES} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {SECRET}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        async with asyncio.timeout(seconds(10)):
            assert b" 408 " in await reader.readline()


async def test_H12_what_is_no_json_by_its_own_word_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss:
        assert (await boss.json("POST", RULES, data=json.dumps(BAN)))[0] == 415


async def test_H12_where_there_is_nothing_it_says_so_and_what_there_is_instead(tmp_path: Path) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss:
        assert await boss.json("GET", "/nowhere") == (404, {"message": "Not Found"})
        async with boss.ask("PATCH", RULES) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "DELETE, GET, POST, PUT")


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01" + bytes(300), b"GET " + b"x" * 20_000, b"\r\n\r\nHELLO\r\n\r\n"])
async def test_H12_garbage_is_answered_and_never_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    async with office(tmp_path) as hub, clerk(hub) as boss, plain(hub) as (reader, writer):
        caplog.clear()
        writer.write(garbage)
        async with asyncio.timeout(seconds(10)):
            assert b" 400 " in await reader.readline()
        assert (await boss.json("GET", LOBBY))[0] == 200
    assert not [record for record in caplog.records if record.levelname not in ("INFO", "DEBUG")]


# Where


async def test_H12_beyond_loopback_it_is_https_as_the_hub_is(tmp_path: Path, certificate: tuple[str, str]) -> None:
    cert, key = certificate
    async with office(tmp_path, "0.0.0.0:0", tls_cert=cert, tls_key=key) as hub:
        url = hub.api_url.replace("0.0.0.0", "127.0.0.1")
        assert url.startswith("https://")
        async with clerk(hub, url=url, tls=ssl.create_default_context(cafile=cert)) as boss:
            assert (await boss.json("GET", LOBBY))[0] == 200


async def test_H12_on_loopback_it_is_http_also_where_the_hub_is_not(
    tmp_path: Path, certificate: tuple[str, str]
) -> None:
    cert, key = certificate
    async with office(tmp_path, tls_cert=cert, tls_key=key) as hub, clerk(hub) as boss:
        assert hub.api_url.startswith("http://127.0.0.1:") and hub.url.startswith("wss://")
        assert (await boss.json("GET", LOBBY))[0] == 200


# What strangers cannot do


async def test_H12_a_packed_body_is_unpacked_for_nobody(tmp_path: Path) -> None:
    """It would be done before anybody has shown the secret, and a small one can be a large one."""
    async with office(tmp_path) as hub, clerk(hub) as boss:
        packed = zlib.compress(json.dumps(BAN).encode())
        headers = {"Content-Encoding": "deflate", "Content-Type": "application/json"}
        status, _ = await boss.json("POST", RULES, data=packed, headers=headers)
        assert status == 400


async def test_H12_what_comes_whole_only_while_another_process_takes_over_is_not_said_to_be_done(
    tmp_path: Path,
) -> None:
    async with office(tmp_path) as hub, plain(hub) as (reader, writer):
        body = json.dumps(BAN).encode()
        head = f"POST {RULES} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {SECRET}\r\nConnection: close\r\n"
        head += "Expect: 100-continue\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        assert b" 100 " in await reader.readuntil(b"\r\n\r\n")  # it has let the head in, and waits for the body

        def start(_: object) -> int:
            writer.write(body)
            return os.posix_spawnp("sleep", ["sleep", "0.5"], os.environ)

        with pytest.raises(RestartError):  # it was none that could
            await hub.hand_over(start)
        assert b" 503 " in (await until_closed(reader)).split(b"\r\n")[0]
