"""The control socket: real sockets, both ends, and everything a stranger may do to it."""

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from device.jsonrpc import INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, JsonRpcError, Params
from device.service import control
from device.service.control import MAX_CONNECTIONS, MAX_LINE_BYTES, OVERLOADED, Control, ControlError, call
from tests.timing import MS, seconds


def status(params: Params) -> Params:
    return {"state": "in-call", **params}


async def leave(params: Params) -> Params:
    await asyncio.sleep(0)
    return {"state": "left"}


def refuse(params: Params) -> Params:
    raise JsonRpcError(INVALID_PARAMS, "level is 0 to 100")


HANDLERS: control.Handlers = {"status": status, "leave": leave, "volume": refuse}


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All the folders that are looked at, below one of the test's own."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setattr(control, "SYSTEM_FOLDER", tmp_path / "absent" / "intercomd")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Control]:
    async with Control(tmp_path, HANDLERS) as daemon:
        yield daemon


class Stranger:
    """A connection that sends any bytes and reads what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> Any:
        """One answer; None when the daemon has closed."""
        async with asyncio.timeout(seconds(10)):
            line = await self._reader.readline()
        return json.loads(line) if line else None

    async def ask(self, data: bytes) -> Any:
        await self.say(data)
        return await self.hear()


@pytest.fixture
async def visit(daemon: Control) -> AsyncIterator[Any]:
    async with contextlib.AsyncExitStack() as stack:

        async def visit() -> Stranger:
            reader, writer = await asyncio.open_unix_connection(daemon.path)
            stack.callback(writer.close)
            return Stranger(reader, writer)

        yield visit


async def ask(method: str, params: Params | None = None, folder: Path | None = None) -> Params:
    """`call` as a command makes it, from a thread, as the daemon runs on this test's loop."""
    return await asyncio.to_thread(call, method, params, folder)


async def test_a_command_gets_its_answer(daemon: Control, tmp_path: Path) -> None:
    assert await ask("status", {"uid": 7}, tmp_path) == {"state": "in-call", "uid": 7}
    assert await ask("leave", folder=tmp_path) == {"state": "left"}


async def test_a_refusal_is_said_in_its_own_words(daemon: Control, tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="volume: level is 0 to 100"):
        await ask("volume", folder=tmp_path)
    with pytest.raises(ControlError, match="mutate: there is only status, leave, volume"):
        await ask("mutate", folder=tmp_path)


async def test_one_connection_may_ask_again_and_again(visit: Any) -> None:
    stranger = await visit()
    for id in range(20):
        answer = await stranger.ask(json.dumps({"jsonrpc": "2.0", "id": id, "method": "status"}).encode() + b"\n")
        assert answer == {"jsonrpc": "2.0", "id": id, "result": {"state": "in-call"}}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"hello\n", PARSE_ERROR),
        (b"\xff\xfe\n", PARSE_ERROR),
        (b"[" * 60_000 + b"\n", PARSE_ERROR),
        (b"\n", PARSE_ERROR),
        (b"[]\n", INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "status"}\n', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 2}\n', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "status", "params": [1]}\n', INVALID_PARAMS),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}\n', METHOD_NOT_FOUND),
    ],
)
async def test_a_wrong_line_gets_an_error_and_the_next_right_one_an_answer(visit: Any, line: bytes, code: int) -> None:
    stranger = await visit()
    assert (await stranger.ask(line))["error"]["code"] == code
    assert "result" in await stranger.ask(b'{"jsonrpc": "2.0", "id": 1, "method": "status"}\n')


async def test_a_line_of_64_kb_is_read_and_a_longer_one_ends_the_connection(visit: Any) -> None:
    request = b'{"jsonrpc": "2.0", "id": 1, "method": "leave", "params": {"x": "%s"}}\n'
    room = MAX_LINE_BYTES - len(request)
    stranger = await visit()
    assert "result" in await stranger.ask(request % (b"x" * room))
    answer = await stranger.ask(b"x" * (MAX_LINE_BYTES + 2))
    assert answer["error"]["message"] == "a line has at most 65536 bytes"
    assert await stranger.hear() is None


async def test_the_ninth_connection_is_told_and_a_place_that_is_given_back_is_given_again(visit: Any) -> None:
    guests = [await visit() for _ in range(MAX_CONNECTIONS)]
    for guest in guests:
        assert (await guest.ask(b"hello\n"))["error"]["code"] == PARSE_ERROR
    ninth = await visit()
    assert (await ninth.hear())["error"] == {"code": OVERLOADED, "message": "8 connections are open already; close one"}
    assert await ninth.hear() is None
    await guests[0].say(b"half a line")
    guests[0].writer.close()
    assert "error" in await guests[1].ask(b"hello\n")  # by now the daemon has seen the end of the first
    assert (await (await visit()).ask(b"hello\n"))["error"]["code"] == PARSE_ERROR


async def test_who_is_silent_is_shown_out(tmp_path: Path) -> None:
    async with Control(tmp_path, HANDLERS, idle_s=20 * MS) as daemon:
        reader, writer = await asyncio.open_unix_connection(daemon.path)
        writer.write(b'{"half": ')
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), seconds(10)) == b""
        writer.close()


async def test_who_does_not_read_is_shown_out(tmp_path: Path) -> None:
    """The answers fill every buffer between, and then the daemon waits no longer than it does for a silent one."""

    def long(params: Params) -> Params:
        return {"text": "x" * 60_000}

    async with Control(tmp_path, {"long": long}, idle_s=200 * MS) as daemon:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, str(daemon.path))
            request = b'{"jsonrpc": "2.0", "id": 1, "method": "long"}\n'
            with pytest.raises((ConnectionError, TimeoutError)) as ended:
                while True:
                    async with asyncio.timeout(seconds(10)):
                        await asyncio.get_running_loop().sock_sendall(deaf, request)
            assert not isinstance(ended.value, TimeoutError)


async def test_only_owner_and_group_may_ask(tmp_path: Path) -> None:
    async with Control(tmp_path / "run", HANDLERS) as daemon:
        assert stat.S_IMODE(daemon.path.stat().st_mode) == 0o660
        assert stat.S_IMODE(daemon.path.parent.stat().st_mode) == 0o750


async def test_the_socket_belongs_to_the_group_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import grp

    mine = [group for group in {os.getegid(), *os.getgroups()} if group != os.getegid()] or [os.getegid()]
    monkeypatch.setattr(control, "GROUP", grp.getgrgid(mine[0]).gr_name)
    async with Control(tmp_path / "run", HANDLERS) as daemon:
        assert {daemon.path.stat().st_gid, daemon.path.parent.stat().st_gid} == {mine[0]}


async def test_a_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(tmp_path / control.SOCKET))
    async with Control(tmp_path, HANDLERS):
        assert await ask("status", folder=tmp_path)


async def test_a_living_daemon_keeps_its_socket(daemon: Control, tmp_path: Path) -> None:
    with pytest.raises(ControlError, match=f"another intercomd runs at {tmp_path}; end it, or name another folder"):
        async with Control(tmp_path, {}):
            pass
    assert await ask("status", folder=tmp_path)


async def test_a_daemon_that_ends_takes_its_socket_along_and_closes_what_is_open(tmp_path: Path) -> None:
    async with Control(tmp_path, HANDLERS, idle_s=3_600) as daemon:
        reader, writer = await asyncio.open_unix_connection(daemon.path)
        writer.write(b'{"jsonrpc": "2.0", "id": 1, "method": "status"}\n')
        await reader.readline()
    assert await asyncio.wait_for(reader.read(), seconds(10)) == b""
    writer.close()
    assert not daemon.path.exists()
    async with Control(tmp_path, HANDLERS):
        assert await ask("status", folder=tmp_path)


@pytest.mark.parametrize("folder", ["x" * 120, "a-file/run"])
async def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a-file").touch()
    with pytest.raises(ControlError, match=r"^cannot make .*control.sock: \w+"):
        async with Control(tmp_path / folder, HANDLERS):
            pass


async def test_it_is_found_where_systemd_or_the_session_wants_it(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Control(None, {"status": lambda params: {"by": "session"}}) as daemon:
        assert daemon.path == places / "intercomd" / "control.sock"
        assert await ask("status") == {"by": "session"}
        monkeypatch.setattr(control, "SYSTEM_FOLDER", places / "system")
        async with Control(None, {"status": lambda params: {"by": "system"}}) as daemon:
            assert daemon.path == places / "system" / "control.sock"
            assert await ask("status") == {"by": "system"}
            monkeypatch.setenv("RUNTIME_DIRECTORY", f"{places}/first:{places}/second")
            async with Control(None, {"status": lambda params: {"by": "systemd"}}) as daemon:
                assert daemon.path == places / "first" / "control.sock"
                assert await ask("status") == {"by": "systemd"}


async def test_without_any_such_place_it_is_private(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    async with Control(None, HANDLERS) as daemon:
        assert daemon.path.parent == places / f"intercomd-{os.geteuid()}"
        assert stat.S_IMODE(daemon.path.parent.stat().st_mode) == 0o700
        assert await ask("status")
        daemon.path.parent.chmod(0o777)
        with pytest.raises(ControlError, match=r"no intercomd is running here"):
            await ask("status")


async def test_a_private_folder_that_others_can_change_is_refused(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    trap = places / f"intercomd-{os.geteuid()}"
    trap.mkdir()
    trap.chmod(0o777)
    with pytest.raises(ControlError, match="can be changed by others"):
        async with Control(None, HANDLERS):
            pass


def test_without_a_daemon_a_command_says_how_to_start_one(places: Path) -> None:
    with pytest.raises(ControlError, match=r"no intercomd is running here .* start it: .* scripts/run in a checkout"):
        call("status")


def test_denied_says_how_to_be_allowed(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root is never denied, so the refusal is played: connect answers as it does to anybody else."""

    def denied(self: socket.socket, address: str) -> None:
        raise PermissionError

    monkeypatch.setattr("socket.socket", type("Denied", (socket.socket,), {"connect": denied}))
    with pytest.raises(
        ControlError, match=r"permission denied at .*control.sock: use sudo, or add yourself to group intercom"
    ):
        call("status")


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as impostor:
        impostor.bind(str(tmp_path / control.SOCKET))
        impostor.listen()
        yield impostor


@pytest.mark.parametrize("answer", [b"", b"garbage\n", b'{"jsonrpc": "2.0", "id": 1, "method": "x"}\n'])
async def test_an_answer_that_is_none_is_one_line(tmp_path: Path, impostor: socket.socket, answer: bytes) -> None:
    asking = asyncio.create_task(ask("status", folder=tmp_path))
    connection, _ = await asyncio.to_thread(impostor.accept)
    with connection:
        await asyncio.to_thread(connection.recv, 1_000)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        with pytest.raises(ControlError, match=r"intercomd does not answer status|no answer"):
            await asking
