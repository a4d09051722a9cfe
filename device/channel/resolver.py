"""Looking names up in threads that nobody waits for: DNS may hang for as long as it likes.

One daemon thread per name at most, never joined (asyncio's own executor holds up the exit until the resolver returns).
The last good answer is kept until a newer one replaces it, so that only the very first connection waits for DNS.
"""

import asyncio
import contextlib
import socket
import threading
from typing import Any

# Family and socket address, as `socket.socket` and its `connect` take them.
Target = tuple[int, tuple[Any, ...]]
Targets = tuple[Target, ...]


class Resolver:
    """For one event loop."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Targets] = {}
        self._pending: dict[tuple[str, int], asyncio.Future[Targets]] = {}

    async def look_up(self, host: str, port: int) -> Targets:
        """Where this host is. Raises OSError (socket.gaierror) for a name that nobody knows."""
        try:
            return _ask(host, port, socket.AI_NUMERICHOST)
        except (socket.gaierror, UnicodeError):  # a name to ask for, or one that IDNA cannot carry
            pending = self._start(host, port)
        known = self._known.get((host, port))
        # Shielded: the thread has other waiters, and an answer that comes late is for the next attempt.
        return known if known is not None else await asyncio.shield(pending)

    def _start(self, host: str, port: int) -> asyncio.Future[Targets]:
        pending = self._pending.get((host, port))
        if pending is None:
            loop = asyncio.get_running_loop()
            pending = self._pending[host, port] = loop.create_future()
            pending.add_done_callback(lambda future: self._keep(host, port, future))
            thread = threading.Thread(target=_work, args=(host, port, loop, pending), name="resolver", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no memory for one more; the next attempt asks again
                pending.set_exception(socket.gaierror(socket.EAI_MEMORY, str(error)))
        return pending

    def _keep(self, host: str, port: int, answer: asyncio.Future[Targets]) -> None:
        del self._pending[host, port]
        if not answer.cancelled() and answer.exception() is None:
            self._known[host, port] = answer.result()


def _ask(host: str, port: int, flags: int = 0) -> Targets:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return tuple((family, address) for family, _, _, _, address in found)


def _work(host: str, port: int, loop: asyncio.AbstractEventLoop, pending: asyncio.Future[Targets]) -> None:
    def tell() -> None:
        if not pending.done():
            pending.set_exception(error) if error else pending.set_result(targets)

    error: OSError | None = None
    targets: Targets = ()
    try:
        targets = _ask(host, port)
    except OSError as failure:
        error = failure
    except UnicodeError as failure:  # a name that IDNA cannot carry
        error = socket.gaierror(socket.EAI_NONAME, str(failure))
    with contextlib.suppress(RuntimeError):  # the loop has closed meanwhile, and nobody waits any more
        loop.call_soon_threadsafe(tell)
