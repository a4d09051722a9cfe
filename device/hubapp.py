"""Assembles a hub: its key, its rooms, its listening socket.

Takes plain values, so that `intercomd hub`, `intercomd run --with-hub` and a test start the same thing:

    async with Hub("127.0.0.1:8800") as hub:
        print(hub.url)
        await asyncio.Event().wait()
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import ssl
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

from device.channel import address, rules
from device.failure import end_on_failure
from device.hub import limits, sessions
from device.hub.exchange import Exchange
from device.hub.rooms import Rooms
from device.hub.server import Server
from device.hub.sessions import Sessions
from device.hub.sockets import listening_socket
from device.pulse import pulse

logger = logging.getLogger(__name__)

KEY_FILE = "hub.key"
# Beside one for each connection: the listening socket, the loop, the log, connections that are on their way out.
SPARE_FILES = 200
RETRY_S = 1.0


class HubError(Exception):
    """The hub cannot start. The text is one line that says what to change."""


class HubConfigError(HubError):
    """What the hub was asked to be makes no sense; trying again changes nothing."""


class Hub:
    """One hub. Raises HubConfigError for what it cannot be, HubError for what this machine does not let it be.

    listen: "HOST:PORT", an IPv6 host in brackets; port 0 takes a free one. app_ids: those served, none means every
    one. open: whoever knows an App ID may join, from anywhere; without it the hub listens on loopback only.
    tls_cert, tls_key: PEM files, both or none. state_dir: keeps the key that signs sessions, so that they outlive a
    restart; without one they do not.
    """

    def __init__(
        self,
        listen: str,
        *,
        app_ids: Iterable[str] = (),
        open: bool = False,
        tls_cert: str = "",
        tls_key: str = "",
        state_dir: str | Path | None = None,
    ) -> None:
        try:
            self._host, self._port = address.read_listen(listen)
        except ValueError as error:
            raise HubConfigError(f"listen {error}, not {listen!r}") from error
        if not open and not address.is_loopback(self._host):
            raise HubConfigError(
                f"the hub would let anybody on the network join at {listen}: "
                'set open = true in [hub] to allow it, or listen = "127.0.0.1:8800"'
            )
        self._tls = _tls_context(tls_cert, tls_key)
        self._key = _load_key(Path(state_dir)) if state_dir else os.urandom(sessions.KEY_BYTES)
        try:
            self._app_ids = frozenset(rules.check_app_id(app_id) for app_id in app_ids)
        except ValueError as error:
            raise HubConfigError(str(error)) from error
        self._exchange: Exchange | None = None
        self._server: Server | None = None

    async def start(self) -> None:
        """Listen. Raises HubError."""
        try:
            sock = listening_socket(self._host, self._port)
        except OSError as error:
            raise HubError(f"cannot listen on {self._host}:{self._port}: {error.strerror}") from error
        self._port = sock.getsockname()[1]
        _allow_open_files()
        rooms = Rooms(Sessions(self._key), os.urandom, time.monotonic(), self._app_ids, _version())
        self._exchange = Exchange(rooms)
        self._server = Server(self._exchange)
        try:
            await self._server.start(sock, self._tls)
        except asyncio.CancelledError:
            await self._server.stop()
            raise
        logger.info("the hub listens at %s", self.url)

    async def stop(self) -> None:
        """Close every connection and the socket, within half a second."""
        if self._server is not None:
            await self._server.stop()
            self._server = None
            logger.info("the hub at %s has stopped", self.url)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port; the real one after the start."""
        return self._port

    @property
    def url(self) -> str:
        """Where clients find it, as they write it in their configuration."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'wss' if self._tls else 'ws'}://{host}:{self._port}"

    def line(self) -> str:
        """What it does now, for people."""
        counts = self.snapshot()
        return f"at {self.url} | channels {counts['channels']} | seats {counts['seats']}"

    def snapshot(self) -> dict[str, int]:
        """How busy it is: channels, seats, streams, connections, packets_in, _out, _refused and _late; {} before."""
        return self._exchange.snapshot() if self._exchange else {}


def run(hub: Hub) -> None:
    """Be a hub until SIGTERM or SIGINT. Raises HubError."""
    asyncio.run(_until_told(hub))


async def _until_told(hub: Hub) -> None:
    loop = asyncio.get_running_loop()
    serving = loop.create_task(serve(hub))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    end_on_failure(loop, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def serve(hub: Hub) -> None:
    """Run a hub until this is cancelled, then stop it; systemd, where there is one, is told how it goes."""
    async with hub:
        await pulse(hub.line, dict)
        await asyncio.Event().wait()


async def keep_serving(make: Callable[[], Hub]) -> None:
    """Run a hub until this is cancelled, then stop it; what this machine does not let it be is tried again for ever.

    Raises HubConfigError.
    """
    lost_at = 0.0
    while True:
        try:
            async with make():
                if lost_at:
                    logger.info("the hub works after %.1f s", time.monotonic() - lost_at)
                await asyncio.Event().wait()
        except HubConfigError:
            raise
        except HubError as error:
            logger.log(logging.DEBUG if lost_at else logging.WARNING, "%s; trying on", error)
            lost_at = lost_at or time.monotonic()
            await asyncio.sleep(RETRY_S)


def _tls_context(cert: str, key: str) -> ssl.SSLContext | None:
    if not cert and not key:
        return None
    if not cert or not key:
        raise HubConfigError("TLS needs both: set tls_cert and tls_key in [hub], or neither")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a callback OpenSSL would ask the terminal for the passphrase of an encrypted key.
        context.load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        raise HubConfigError(f"{cert} and {key} are no certificate and its key: {error.reason}") from error
    except OSError as error:
        raise HubError(f"cannot read {cert} or {key}: {error.strerror}") from error
    return context


def _load_key(state_dir: Path) -> bytes:
    """The signing key of this hub; made where there is none yet, and for now alone where the disk is full or fails."""
    path = state_dir / KEY_FILE
    try:
        state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            key = path.read_bytes()
            if len(key) == sessions.KEY_BYTES:
                return key
            logger.warning("%s has %d bytes instead of %d: making a new one", path, len(key), sessions.KEY_BYTES)
        return _make_key(path)
    except OSError as error:
        logger.warning("cannot keep the hub's key in %s (%s): no seat outlives its next start", path, error.strerror)
        return os.urandom(sessions.KEY_BYTES)


def _make_key(path: Path) -> bytes:
    key, new = os.urandom(sessions.KEY_BYTES), path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    return key


def _allow_open_files() -> None:
    """Systems allow 1,024 by default and more on request."""
    wanted = limits.MAX_CONNECTIONS + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < wanted:
            logger.warning("this system allows %d open files: a full hub needs %d", allowed, wanted)


def _version() -> str:
    try:
        return metadata.version("intercomd")
    except metadata.PackageNotFoundError:  # run from a source tree
        return "source"
