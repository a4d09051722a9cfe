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
import signal
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Self

from device import restart
from device.channel import address
from device.failure import end_on_failure
from device.hub import appsfile, keys, limits, open_files, tls
from device.hub.administration import API_SOCKET, Administration, ListenError, Settings
from device.hub.apps import TOO_OPEN, Apps
from device.hub.door import Door
from device.hub.exchange import Exchange
from device.hub.predecessor import Predecessor
from device.hub.rooms import Rooms
from device.hub.server import Server
from device.hub.sessions import Sessions
from device.hub.sockets import leads_to, listening_socket, set_options, why_not
from device.hub.succession import BridgeError, Successor
from device.pulse import pulse
from device.restart import RestartError
from device.service import systemd

logger = logging.getLogger(__name__)

RETRY_S = 1.0


class HubError(Exception):
    """The hub cannot start. The text is one line that says what to change."""


class HubConfigError(HubError):
    """What the hub was asked to be makes no sense; trying again changes nothing."""


class Hub:
    """One hub. Raises HubConfigError for what it cannot be, HubError for what this machine does not let it be.

    listen: "HOST:PORT", an IPv6 host in brackets; port 0 takes a free one. apps_file: which Apps are served, and how.
    app_ids: without one, those served, none means every one. open: whoever knows an App ID may join, from anywhere;
    without it the hub listens on loopback only, unless each App of apps_file asks for a token.
    tls_cert, tls_key: PEM files, both or none. state_dir: keeps the key that signs sessions, so that they outlive a
    crash; without one they outlive a planned restart alone. sockets: what whoever started this process has opened for
    it, by name: one to listen on, and the way to the hub that this one succeeds. The rest: administration.Settings.
    """

    def __init__(
        self,
        listen: str,
        *,
        app_ids: Iterable[str] = (),
        apps_file: str = "",
        open: bool = False,
        tls_cert: str = "",
        tls_key: str = "",
        state_dir: str | Path | None = None,
        sockets: Mapping[str, socket.socket] = {},
        api_listen: str = "",
        api_secret_file: str = "",
        webhook_url: str = "",
        webhook_secret_file: str = "",
    ) -> None:
        try:
            self._host, self._port = address.read_listen(listen)
        except ValueError as error:
            raise HubConfigError(f"listen {error}") from error
        self._bridge = sockets.get(restart.PREDECESSOR)
        self._listener_name, self._port_before = restart.LISTENER, 0
        others = (restart.PREDECESSOR, API_SOCKET)
        self._listener = self._given({name: sock for name, sock in sockets.items() if name not in others})
        self._key, self._keeps_key = keys.load(Path(state_dir)) if state_dir else (keys.new(), False)
        try:
            self._apps = appsfile.load(Path(apps_file)) if apps_file else Apps.of_ids(app_ids)
            if not open and not self._apps.ask_for_tokens and not address.is_loopback(self._host):
                raise HubConfigError(TOO_OPEN.format(f"{self._host}:{self._port}"))
            self._tls = tls.context(tls_cert, tls_key)
            self._administration = Administration(
                Settings(api_listen, api_secret_file, webhook_url, webhook_secret_file),
                Path(state_dir) if state_dir else None, self._tls, systemd.credential, sockets.get(API_SOCKET),
            )  # fmt: skip
        except ValueError as error:
            raise HubConfigError(str(error)) from error
        except OSError as error:
            raise HubError(f"cannot read {error.filename}: {error.strerror}") from error
        self._has_left = False
        self._ends: list[Predecessor | Successor] = []
        self._exchange: Exchange | None = None
        self._server: Server | None = None

    async def start(self) -> None:
        """Listen, after a hub before this one has left its connections to it. Raises HubError."""
        try:
            self._listener = sock = Door.of(self._listener or listening_socket(self._host, self._port))
            set_options(sock)
        except (OSError, UnicodeError) as error:  # a name that is none
            raise HubError(f"cannot listen on {self._host}:{self._port}: {why_not(error)}") from error
        self._port = sock.getsockname()[1]
        open_files.allow(limits.MAX_CONNECTIONS)
        try:
            self._administration.listen()
            await self._start(sock)
        except BridgeError as error:
            await self.stop()
            raise HubError(f"the hub before this one did not hand over: {error}") from error
        except ListenError as error:
            await self.stop()
            raise HubError(str(error)) from error
        except asyncio.CancelledError:
            await self.stop()
            raise
        logger.info("the hub listens at %s", self.url)
        if self._port_before:
            logger.warning(restart.MOVED, self._port_before, self._port)

    async def _start(self, sock: Door) -> None:
        predecessor = Predecessor() if self._bridge else None
        if predecessor and self._bridge:
            self._ends.append(predecessor)
            await predecessor.open(self._bridge)
            key = await predecessor.bequest()
            self._key = self._key if self._keeps_key else key
        rooms = Rooms(Sessions(self._key), os.urandom, time.monotonic(), self._apps, _version())
        self._administration.prepare(rooms)
        self._exchange = Exchange(rooms)
        self._server = Server(self._exchange, self._administration.counts)
        if predecessor:
            predecessor.carry_on(self._exchange, time.monotonic())
        await self._server.start(sock, self._tls)
        if predecessor:
            await predecessor.leave_to_us()
            predecessor.call_over()
        await self._administration.start(rooms, predecessor.events if predecessor else b"")

    async def hand_over(self, start: restart.Start = systemd.start_like_us) -> Successor:
        """Leave everything to a successor, and only carry what the old connections bring until this is stopped.

        start: starts it with these sockets, and returns its process id. Raises RestartError: then this hub goes on.
        """
        assert self._server and self._exchange and self._listener, "it has not started"
        listener = {self._listener_name: self._listener, **self._administration.sockets}
        self._administration.pause()
        try:
            undelivered = self._administration.undelivered
            successor = await restart.hand_over(self._server, self._exchange, listener, self._key, undelivered, start)
        except RestartError:
            await self._administration.resume()
            raise
        self._ends.append(successor)
        self._administration.left()
        self._has_left = True
        return successor

    async def stop(self) -> None:
        """Close every connection and every socket, within half a second."""
        await self._administration.stop()
        if self._server is not None:
            await self._server.stop()
            self._server = None
            if not self._has_left:
                logger.info("the hub at %s has stopped", self.url)
        if self._listener is not None:
            self._listener.close()
        for end in self._ends:
            end.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port; the real one after the start."""
        return self._port

    @property
    def url(self) -> str:
        """Where clients find it, as they write it in their configuration."""
        return str(address.Address("", self._tls is not None, self._host, self._port))

    def _given(self, listeners: Mapping[str, socket.socket]) -> socket.socket | None:
        """The socket to listen on that was opened for us; a predecessor's own only where it leads to the same place."""
        if len(listeners) > 1 or any(one.family not in (socket.AF_INET, socket.AF_INET6) for one in listeners.values()):
            raise HubConfigError("a hub listens on one TCP socket: set one ListenStream= in its .socket unit")
        for name, sock in listeners.items():
            if not self._bridge or name == restart.GIVEN:
                self._listener_name, (self._host, self._port) = restart.GIVEN, sock.getsockname()[:2]
            elif not leads_to(sock, self._host, self._port):
                self._port_before = sock.getsockname()[1]
                sock.close()
                return None
            return sock
        return None

    @property
    def api_url(self) -> str:
        """Where administrators find it, "" where they do not."""
        return self._administration.url

    def line(self) -> str:
        """What it does now, for people."""
        counts = self.snapshot()
        return f"at {self.url} | channels {counts['channels']} | seats {counts['seats']}"

    def snapshot(self) -> dict[str, int]:
        """How busy it is, as `Exchange.snapshot` and `Administration.counts` tell; {} before the start."""
        return {**self._exchange.snapshot(), **self._administration.counts()} if self._exchange else {}


def run(hub: Hub) -> None:
    """Be a hub until SIGTERM or SIGINT, or until SIGHUP has brought a successor. Raises HubError.

    A SIGHUP because the terminal is closed that it was started in ends it, as it ends any program.
    """
    asyncio.run(_until_told(hub))


async def _until_told(hub: Hub) -> None:
    loop, wanted, in_terminal = asyncio.get_running_loop(), asyncio.Event(), os.isatty(0)
    serving = loop.create_task(serve(hub, wanted))

    def hung_up() -> None:
        serving.cancel() if in_terminal and not os.isatty(0) else wanted.set()

    for number, act in ((signal.SIGTERM, serving.cancel), (signal.SIGINT, serving.cancel), (signal.SIGHUP, hung_up)):
        loop.add_signal_handler(number, act)
    end_on_failure(loop, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def serve(hub: Hub, successor_wanted: asyncio.Event) -> None:
    """Run a hub until this is cancelled, or a successor has taken over; systemd, where there is one, is told."""
    async with hub:
        async with asyncio.TaskGroup() as work:
            heart = work.create_task(pulse(hub.line, dict))
            successor = await _succeeded(hub, successor_wanted)
            heart.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(restart.DRAIN_S):
                await successor.drained.wait()


async def _succeeded(hub: Hub, wanted: asyncio.Event) -> Successor:
    while True:
        await wanted.wait()
        wanted.clear()
        systemd.reloading()
        try:
            return await hub.hand_over()
        except RestartError as error:
            logger.error("%s", error)
            systemd.ready(hub.line())


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


def _version() -> str:
    try:
        return metadata.version("intercomd")
    except metadata.PackageNotFoundError:  # run from a source tree
        return "source"
