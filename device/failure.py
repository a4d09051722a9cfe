"""When something of ours fails that nobody waits for: then all of it ends, and systemd starts a new one.

Half an intercom is none: without its microphone, its speaker or its loop it would be silent until somebody notices. The
same goes for one that has no memory left, wherever that shows first: what was being done then is done by half. That one
ends at once, as even a goodbye takes memory; who starts after it takes its seat again. Where it is the stack that may
not grow any more, it is the kernel that ends us, with SIGSEGV and without a line (setrlimit(2), RLIMIT_AS); systemd
starts a new one after that, too.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from device.ending import FAILED
from device.service.systemd import stderr_is_journal

logger = logging.getLogger(__name__)

NO_MEMORY = "no memory left: ending, as a new start does better than half a process"
# Ready made, as a log record takes memory; the journal reads <2> as critical (sd-daemon(3)).
_LAST_LINE = f"{'<2>' if stderr_is_journal() else 'CRITICAL '}{NO_MEMORY}\n".encode()


def end_on_failure(loop: asyncio.AbstractEventLoop, end: Callable[[], object]) -> None:
    """From now on call `end` on this loop where a thread of ours fails, and end at once where memory runs out.

    Another failure of a callback or a task is logged, as asyncio does.
    """
    loop.set_exception_handler(_callback_failed)
    threading.excepthook = partial(_thread_failed, loop, end)


def out_of_memory() -> NoReturn:
    """Say so, and end at once with exit code 1."""
    try:
        os.write(2, _LAST_LINE)
    finally:
        os._exit(FAILED)


def _callback_failed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if isinstance(context.get("exception"), MemoryError):
        out_of_memory()
    loop.default_exception_handler(context)


def _thread_failed(
    loop: asyncio.AbstractEventLoop, end: Callable[[], object], failure: threading.ExceptHookArgs
) -> None:
    if isinstance(failure.exc_value, MemoryError):
        out_of_memory()
    name = failure.thread.name if failure.thread else "a"
    logger.critical("the %s thread failed: %s", name, failure.exc_value, exc_info=failure.exc_value)
    loop.call_soon_threadsafe(end)
