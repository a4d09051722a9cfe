"""Looking names up in threads that nobody waits for: DNS may hang for as long as it likes.

Daemon threads, never joined (asyncio's own executor holds up the exit until the resolver returns). The last good answer
is kept until a newer one replaces it, so that only the very first connection waits for DNS.

That one may come at a bad moment: what the C library has asked while the network was on its way up is lost, and it asks
again after 5 s. So another thread asks beside those that hang, as often as it is dialled, until the first answer; all
who wait get that.
"""

import asyncio
import contextlib
import socket
import threading
import time
from collections import Counter
from typing import Any

# Family and socket address, as `socket.socket` and its `connect` take them.
Target = tuple[int, tuple[Any, ...]]
Targets = tuple[Target, ...]
Name = tuple[str, int]

# A little less than the shortest pause between two attempts (dialling.py: 200 ms - 20 %), so that each asks anew.
AGAIN_S = 0.15
# One every 200 ms for the 5 s after which the first asks again (resolv.conf(5), timeout).
MAX_THREADS = 25


class Resolver:
    """For one event loop."""

    def __init__(self) -> None:
        self._known: dict[Name, Targets] = {}
        self._pending: dict[Name, list[asyncio.Future[Targets]]] = {}
        self._asked_s: dict[Name, float] = {}
        self._threads = Counter[Name]()

    async def look_up(self, host: str, port: int) -> Targets:
        """Where this host is. Raises OSError (socket.gaierror) for a name that nobody knows."""
        try:
            return _ask(host, port, socket.AI_NUMERICHOST)
        except (socket.gaierror, UnicodeError):  # a name to ask for, or one that IDNA cannot carry
            pending = self._newest((host, port))
        known = self._known.get((host, port))
        # Shielded: the thread has other waiters, and an answer that comes late is for the next attempt.
        return known if known is not None else await asyncio.shield(pending)

    def _newest(self, name: Name) -> asyncio.Future[Targets]:
        pending, now_s = self._pending.setdefault(name, []), time.monotonic()
        hangs = name not in self._known and now_s - self._asked_s.get(name, 0.0) >= AGAIN_S
        if not pending or (hangs and self._threads[name] < MAX_THREADS):
            self._asked_s[name] = now_s
            self._start(name, pending)
        return pending[-1]

    def _start(self, name: Name, pending: list[asyncio.Future[Targets]]) -> None:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Targets] = loop.create_future()
        pending.append(future)
        future.add_done_callback(lambda future: self._keep(name, future))
        thread = threading.Thread(target=self._work, args=(name, loop, future), name="resolver", daemon=True)
        self._threads[name] += 1
        try:
            thread.start()
        except RuntimeError as error:  # no memory for one more; the next attempt asks again
            self._threads[name] -= 1
            future.set_exception(socket.gaierror(socket.EAI_MEMORY, str(error)))

    def _keep(self, name: Name, answer: asyncio.Future[Targets]) -> None:
        self._pending[name].remove(answer)
        if answer.cancelled() or answer.exception() is not None:
            return
        self._known[name] = answer.result()
        for other in self._pending[name]:
            if not other.done():
                other.set_result(answer.result())

    def _work(self, name: Name, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Targets]) -> None:
        def tell() -> None:
            self._threads[name] -= 1
            if not future.done():
                future.set_exception(error) if error else future.set_result(targets)
            elif not error:
                self._known[name] = targets

        error: OSError | None = None
        targets: Targets = ()
        try:
            targets = _ask(*name)
        except OSError as failure:
            error = failure
        except UnicodeError as failure:  # a name that IDNA cannot carry
            error = socket.gaierror(socket.EAI_NONAME, str(failure))
        with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile, and nobody waits any more
            loop.call_soon_threadsafe(tell)


def _ask(host: str, port: int, flags: int = 0) -> Targets:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return tuple((family, address) for family, _, _, _, address in found)
