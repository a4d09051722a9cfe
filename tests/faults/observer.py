"""Somebody else in the channel, who hears nobody and writes down who comes and goes."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from typing import Any, Self

from device.channel.client import Client
from tests.badnet import Host
from tests.daemon import APP_ID
from tests.timing import seconds

CHANNEL = "lobby"
COMING_AND_GOING = ("stream-added", "stream-removed", "user-joined", "user-left")


class Observer:
    """One client in a thread of its own, in this host's network. Use as `with Observer(...) as observer`."""

    def __init__(self, host: Host, hubs: Sequence[str], ca_file: str | None = None) -> None:
        self._host, self._hubs, self._ca_file = host, hubs, ca_file
        self.seen: list[tuple[float, str, dict[str, Any]]] = []
        """(time.monotonic, event, params), also of changes of its own connection."""
        self._there = threading.Event()
        self._thread = threading.Thread(target=self._live)

    def noticed(self, from_s: float) -> list[str]:
        """Who came or went from this moment on, one line each."""
        return [
            f"{event} {params['uid']} after {at - from_s:.1f} s"
            for at, event, params in self.seen
            if at >= from_s and event in COMING_AND_GOING
        ]

    @property
    def hub(self) -> str | None:
        """Where it is connected now."""
        return self._client.status.hub

    def _live(self) -> None:
        with self._host.inside():
            asyncio.run(self._watch())

    async def _watch(self) -> None:
        self._loop, self._watching = asyncio.get_running_loop(), asyncio.current_task()
        self._client = client = Client(self._hubs, ca_file=self._ca_file)
        client.init(APP_ID)
        client.on("*", lambda event, params: self.seen.append((time.monotonic(), event, params)))
        with contextlib.suppress(asyncio.CancelledError):
            await client.join(None, CHANNEL)
            self._there.set()
            await asyncio.Event().wait()
        await client.leave()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._there.wait(seconds(10)):
            self.__exit__()
            raise AssertionError("the observer cannot join")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._watching is not None
        self._loop.call_soon_threadsafe(self._watching.cancel)
        self._thread.join()
