"""From a thread to the loop, 50 times a second: what `call_soon_threadsafe` does, for one receiver and with less to do.

One descriptor wakes the loop instead of its socket pair, which is read twice and always once in vain; and each item is
a tuple, not a callback with a context of its own. `scripts/bench cpu` shows the difference.
"""

import asyncio
import os
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any


class Handover:
    """Calls `receive(*item)` on the loop for each item that is put, in order.

    Belongs to the loop but for `put`. The descriptor is closed with the last reference and no earlier: a thread that
    was left behind may still put something, which then is received by nobody.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Callable[..., object]) -> None:
        self._loop, self._receive = loop, receive
        self._items: deque[tuple[Any, ...]] = deque()
        self._wake = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC)  # counts the items
        weakref.finalize(self, os.close, self._wake)
        loop.add_reader(self._wake, self._woken)

    def put(self, *item: Any) -> None:
        """In any thread."""
        self._items.append(item)
        os.eventfd_write(self._wake, 1)

    def stop(self) -> None:
        """Nothing is received any more."""
        self._loop.remove_reader(self._wake)

    def _woken(self) -> None:
        os.eventfd_read(self._wake)
        self._receive(*self._items.popleft())
