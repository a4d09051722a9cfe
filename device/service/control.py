"""The local control socket: JSON-RPC 2.0, one message a line, over the UNIX socket `control.sock` in a folder.

`Control` is the daemon's end and runs on its event loop; `call` is the end of a command and simply waits. Whoever may
open the socket may ask for everything, so the folder has mode 0750, the socket 0660, and both belong to the group
`intercom` where there is one. The daemon holds a lock on the folder: a socket without its lock was left by a crash.
"""

import asyncio
import contextlib
import fcntl
import grp
import inspect
import logging
import os
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from device import jsonrpc

logger = logging.getLogger(__name__)

SOCKET = "control.sock"
GROUP = "intercom"
SYSTEM_FOLDER = Path("/run/intercomd")

MAX_CONNECTIONS = 8  # some terminals, a panel and monitoring: more are a program that forgets to close
MAX_LINE_BYTES = 65_536  # requests are short; the longest answer, a status with 200 talkers, is half of it
IDLE_S = 5.0  # a command asks at once; who is silent, or does not read, holds one of few places
OVERLOADED = 502  # as in the channel's table of errors

Handler = Callable[[jsonrpc.Params], jsonrpc.Params | Awaitable[jsonrpc.Params]]
Handlers = Mapping[str, Handler]


class ControlError(Exception):
    """The socket cannot be made or asked, or the daemon refused; one line that says what to do."""


class NotRunning(ControlError):
    """There is no socket that anybody listens at."""


class ControlTaken(ControlError):
    """Another daemon has it, or somebody else could."""


class Control:
    """The daemon's end. `async with Control(folder, handlers)` answers requests until it is left.

    folder: where control.sock is made; None: `$RUNTIME_DIRECTORY`, /run/intercomd where this user may write there,
    `$XDG_RUNTIME_DIR/intercomd`, or a private folder beside other temporary files.
    handlers: method -> function of the params that returns the result, or an awaitable of it; JsonRpcError refuses.
    idle_s: how long a connection may be silent, or leave an answer unread. Entering raises ControlError.
    """

    def __init__(self, folder: Path | None, handlers: Handlers, idle_s: float = IDLE_S) -> None:
        self._handlers, self._idle_s = handlers, idle_s
        self.path = (folder or _own_folder()) / SOCKET
        self._connections: set[asyncio.Task[None]] = set()
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            try:
                stack.callback(os.close, _lock(self.path.parent))
                listening = _listen(self.path)
            except OSError as error:
                raise ControlError(f"cannot make {self.path}: {error.strerror or error}") from error
            server = await asyncio.start_unix_server(self._connected, sock=listening, limit=MAX_LINE_BYTES)
            stack.callback(self.path.unlink, missing_ok=True)
            stack.push_async_callback(self._end_connections)
            stack.callback(server.close)
            self._stack = stack.pop_all()
        logger.debug("commands reach this intercom at %s", self.path)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _end_connections(self) -> None:
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection
        try:
            if len(self._connections) >= MAX_CONNECTIONS:
                reason = f"{MAX_CONNECTIONS} connections are open already; close one"
                writer.write(_line(jsonrpc.failure(None, OVERLOADED, reason)))
            else:
                self._connections.add(connection)
                await self._converse(reader, writer)
        except (TimeoutError, ConnectionError) as error:
            logger.debug("a control connection ends: %s", error or "idle")
            writer.transport.abort()
        except asyncio.CancelledError:  # by `_end_connections` alone; raised on, asyncio would log it as a defect
            writer.transport.abort()
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer line by line, until the other end closes, is silent for too long, or sends an endless line."""
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    line = await reader.readline()
            except ValueError:
                reason = f"a line has at most {MAX_LINE_BYTES} bytes"
                writer.write(_line(jsonrpc.failure(None, jsonrpc.INVALID_REQUEST, reason)))
                return
            if not line.endswith(b"\n"):
                return
            writer.write(_line(await self._answer(line)))
            async with asyncio.timeout(self._idle_s):
                await writer.drain()

    async def _answer(self, line: bytes) -> str:
        id: jsonrpc.Id | None = None
        try:
            message = jsonrpc.parse(line)
            if not isinstance(message, jsonrpc.Request):
                raise jsonrpc.JsonRpcError(jsonrpc.INVALID_REQUEST, "this is no request with an id")
            id = message.id
            if message.method not in self._handlers:
                raise jsonrpc.JsonRpcError(jsonrpc.METHOD_NOT_FOUND, f"there is only {', '.join(self._handlers)}")
            result = self._handlers[message.method](message.params)
            return jsonrpc.reply(id, await result if inspect.isawaitable(result) else result)
        except jsonrpc.JsonRpcError as error:
            return jsonrpc.failure(error.id if id is None else id, error.code, error.reason)


def _line(text: str) -> bytes:
    return text.encode() + b"\n"


def call(method: str, params: jsonrpc.Params | None = None, folder: Path | None = None) -> jsonrpc.Params:
    """Ask the daemon and wait for its answer, at most 5 s; the result. Raises ControlError.

    folder: where its control.sock is; None: the first place where one answers, in the order of `Control`.
    """
    with _connect([folder] if folder else _search()) as connection:
        try:
            connection.sendall(_line(jsonrpc.request(1, method, params or {})))
            with connection.makefile("rb") as lines:
                answer = jsonrpc.parse(lines.readline())
        except (OSError, jsonrpc.JsonRpcError) as error:
            raise ControlError(f"intercomd does not answer {method}; look at its log") from error
    if isinstance(answer, jsonrpc.Reply):
        return answer.result
    raise ControlError(f"{method}: {answer.reason}" if isinstance(answer, jsonrpc.Failure) else "no answer")


def _connect(folders: list[Path]) -> socket.socket:
    denied = None
    for folder in folders:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(IDLE_S)
        try:
            connection.connect(str(folder / SOCKET))
        except OSError as error:
            connection.close()
            if isinstance(error, PermissionError):
                denied = folder
        else:
            return connection
    if denied:
        raise ControlError(
            f"permission denied at {denied / SOCKET}: use sudo, or "
            f"add yourself to group {GROUP} (sudo usermod -aG {GROUP} $USER) and log in again"
        )
    looked = ", ".join(map(str, folders))
    raise NotRunning(
        f"no intercomd is running here ({SOCKET} looked for in {looked}); "
        "start it: sudo systemctl start intercomd where it is installed, scripts/run in a checkout"
    )


def _search() -> list[Path]:
    """Where a daemon may have made its socket."""
    private = _private_folder()
    return [*_named_folders(), *([private] if _is_private(private) else [])]


def _named_folders() -> Iterator[Path]:
    if by_systemd := os.environ.get("RUNTIME_DIRECTORY"):
        yield Path(by_systemd.split(":")[0])
    yield SYSTEM_FOLDER
    if by_session := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(by_session) / "intercomd"


def _private_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"intercomd-{os.geteuid()}"


def _is_private(folder: Path) -> bool:
    """Whether nobody else can have put anything there: everybody may make folders beside temporary files."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _own_folder() -> Path:
    """Where this user can make a socket: the first of the named folders that is, or can be made, writable."""
    for folder in _named_folders():
        if os.access(folder if os.access(folder, os.F_OK) else folder.parent, os.W_OK | os.X_OK):
            return folder
    return _private_folder()


def _lock(folder: Path) -> int:
    """Make the folder where it is missing and hold it alone. The lock ends with the process."""
    private = folder == _private_folder()
    if not folder.exists():
        folder.mkdir(mode=0o700 if private else 0o750, parents=True)
        if not private:
            _give_to_group(folder)
    if private and not _is_private(folder):
        raise ControlTaken(f"{folder} can be changed by others; remove it, or name another folder with --control")
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise ControlTaken(
            f"another intercomd runs at {folder}; end it, or name another folder with --control"
        ) from error
    return file


def _listen(path: Path) -> socket.socket:
    """A listening socket at `path`; what a crash left there is replaced."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(path))
        path.chmod(0o660)
        _give_to_group(path)
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def _give_to_group(path: Path) -> None:
    """Only a member can, and only where the group exists; elsewhere the owner's own group stays."""
    with contextlib.suppress(KeyError, PermissionError):
        os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
