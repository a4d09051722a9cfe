"""A real hub with an office: its REST API, and a webhook where one is wanted, each with its secret."""

import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from device.hubapp import Hub
from tests.hub.house import APP

SECRET = "planted-secret-of-the-api"
HOOK_SECRET = "planted-secret-of-the-webhook"
RULES = "/dev/v1/kicking-rule"
BAN = {"appid": APP, "uid": 7, "privileges": ["join_channel"]}


def secret_file(folder: Path, content: str = SECRET) -> str:
    """A file with this in it."""
    path = folder / f"{content}.file"
    path.write_text(content + "\n")
    return str(path)


class Clerk:
    """Somebody who asks the API."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.ask = session.request

    async def json(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Status and body of an answer."""
        async with self.ask(method, path, **more) as answer:
            return answer.status, await answer.json()


@contextlib.asynccontextmanager
async def clerk(
    hub: Hub, secret: str = SECRET, url: str = "", tls: ssl.SSLContext | bool = True, **headers: str
) -> AsyncIterator[Clerk]:
    """One for this hub who knows this secret, "" for none."""
    known = {"Authorization": f"Bearer {secret}"} if secret else {}
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(url or hub.api_url, headers=known | headers, connector=connector) as session:
        yield Clerk(session)


def office(folder: Path, listen: str = "127.0.0.1:0", **more: Any) -> Hub:
    """A hub with an API."""
    return Hub("127.0.0.1:0", api_listen=listen, api_secret_file=secret_file(folder), **more)
