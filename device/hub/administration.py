"""What a hub has for its administrators: the REST API, the webhook, and the file of the rules, as they are asked for.

None of it is there, and aiohttp not even imported, unless it is configured; but for the rules, which a hub before this
one may have left.
"""

import asyncio
import importlib.util
import logging
import os
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from device.channel import address
from device.hub import limits, secret
from device.hub.door import Door
from device.hub.rooms import Rooms
from device.hub.rulebook import Rulebook
from device.hub.sockets import leads_to, listening_socket, why_not
from device.hub.webhooks import Webhooks, unpack

if TYPE_CHECKING:
    from device.hub.api import Api
    from device.hub.courier import Courier

logger = logging.getLogger(__name__)

# The name by which a successor finds the socket of the API.
API_SOCKET = "api"

Credential = Callable[[str], Path | None]


@dataclass(frozen=True, slots=True)
class Settings:
    """As in [hub] of intercom.toml. Without a file a secret is looked for among the credentials of the service."""

    api_listen: str = ""
    api_secret_file: str = ""
    webhook_url: str = ""
    webhook_secret_file: str = ""


class ListenError(Exception):
    """The API has no port. One line."""


class Administration:
    """Of one hub. Raises ValueError, with one line, for settings that make no sense.

    state_dir: where rules are kept, None keeps none. tls: the hub's. given: the socket of a predecessor's API.
    """

    def __init__(
        self,
        settings: Settings,
        state_dir: Path | None,
        tls: ssl.SSLContext | None,
        credential: Credential,
        given: socket.socket | None = None,
    ) -> None:
        self._rulebook = Rulebook(state_dir) if state_dir else None
        self._socket: socket.socket | None = None
        self._tls: ssl.SSLContext | None = None
        self._api: Api | None = None
        self._courier: Courier | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._listen = address.read_listen(settings.api_listen) if settings.api_listen else None
        self._webhook_url = settings.webhook_url
        if (self._listen or self._webhook_url) and not importlib.util.find_spec("aiohttp"):
            raise ValueError(f"api_listen and webhook_url in [hub] need aiohttp: {sys.prefix}/bin/pip install aiohttp")
        if self._listen:
            self._api_secret = _secret("api", settings.api_secret_file, credential)
            if not address.is_loopback(self._listen[0]):
                self._tls = tls
                if tls is None:
                    raise ValueError("api_listen beyond this machine needs TLS: set tls_cert and tls_key in [hub]")
        if self._webhook_url:
            self._webhook_secret = _secret("webhook", settings.webhook_secret_file, credential)
        if given is not None:
            self._take(given)

    def prepare(self, rooms: Rooms) -> None:
        """Put the rules in force that were kept; from now on what happens is news for the webhook."""
        rooms.notices.wanted = bool(self._webhook_url)
        if self._rulebook:
            self._rulebook.load(rooms.moderator.rules)

    def listen(self) -> None:
        """Take the port of the API; nobody is answered yet. Raises ListenError."""
        if not self._listen:
            return
        try:
            self._socket = self._socket or listening_socket(*self._listen)
        except OSError as error:
            raise ListenError(f"the API cannot listen on {_where(*self._listen)}: {why_not(error)}") from error
        self._listen = self._listen[0], self._socket.getsockname()[1]

    async def start(self, rooms: Rooms, events: bytes = b"") -> None:
        """Serve these rooms, after `prepare` and `listen`. events: `undelivered` of the hub before this one."""
        self._rooms = rooms
        if self._socket is not None:
            from device.hub.api import Api

            self._api = Api(rooms.moderator, self._api_secret)
            door = Door.of(self._socket.dup())
            try:
                await self._api.start(door, self._tls)
            except OSError as error:  # two sockets may be bound to one port, and only one can listen there
                door.close()
                raise ListenError(f"the API cannot listen at {self.url}: {why_not(error)}") from error
            logger.info("administrators find it at %s", self.url)
        if self._webhook_url:
            from device.hub.courier import Courier

            webhooks = Webhooks(self._webhook_secret, os.urandom(6).hex(), events)
            self._courier = Courier(rooms.notices, webhooks, self._webhook_url)
            self._courier.start()
        elif left := unpack(events):
            logger.warning("%d events of the hub before this one are lost: there is no webhook any more", len(left))
        self._keeper = asyncio.get_running_loop().create_task(self._keep())
        if not self._rulebook:
            logger.info(
                "rules and the key of all seats are not kept over a crash: the environment names no folder for them, "
                'such as STATE_DIRECTORY="$HOME/.local/state/intercomd-hub"'
            )

    def undelivered(self) -> bytes:
        """The events that the webhook has not got yet."""
        return self._courier.undelivered() if self._courier else b""

    def left(self) -> None:
        """Another hub delivers them from now on."""
        if self._courier is not None:
            self._courier.forget()

    def pause(self) -> None:
        """Somebody else may go on from here: no request changes anything any more, new ones wait."""
        if self._api is not None:
            self._api.pause()
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
            self._save()

    async def resume(self) -> None:
        """Nobody else does: as before."""
        if self._courier is not None:
            self._courier.resume()
        self._keeper = asyncio.get_running_loop().create_task(self._keep())
        if self._api is not None and self._socket is not None:
            await self._api.resume(Door.of(self._socket.dup()), self._tls)

    async def stop(self) -> None:
        """Close everything, within half a second; harmless where nothing has started."""
        self.pause()
        await asyncio.gather(*[each.stop() for each in (self._api, self._courier) if each is not None])
        self._api = self._courier = None
        if self._rulebook:
            self._rulebook.join()
        if self._socket is not None:
            self._socket.close()

    @property
    def sockets(self) -> dict[str, socket.socket]:
        """What a successor is to listen on, by the name that it knows it by."""
        return {API_SOCKET: self._socket} if self._socket is not None else {}

    @property
    def url(self) -> str:
        """Where the API is, "" where there is none."""
        return f"{'https' if self._tls else 'http'}://{_where(*self._listen)}" if self._listen else ""

    def counts(self) -> dict[str, int]:
        """webhooks_waiting and webhooks_lost, {} without a webhook."""
        return self._courier.counts() if self._courier else {}

    def _take(self, given: socket.socket) -> None:
        """Only where it leads to the same place."""
        if self._listen and leads_to(given, *self._listen):
            self._socket = given
        else:
            given.close()

    async def _keep(self) -> None:
        while True:
            self._save()
            await asyncio.sleep(limits.TICK_S)

    def _save(self) -> None:
        if self._rulebook:
            self._rulebook.keep(self._rooms.moderator.rules)


def _where(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _secret(whose: str, file: str, credential: Credential) -> bytes:
    """The secret in this file, or in the credential. Raises ValueError, which never quotes it."""
    path = Path(file) if file else credential(f"{whose}-secret")
    if path is None:
        raise ValueError(f"{whose}_secret_file is missing in [hub]: openssl rand -hex 32 makes what belongs into it")
    try:
        return secret.load(path)
    except OSError as error:
        raise ValueError(f"{whose}_secret_file cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{whose}_secret_file {error}") from None
