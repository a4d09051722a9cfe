"""Who wants to hear of what: handlers by event."""

import logging
from collections.abc import Callable
from typing import Any

from device.jsonrpc import Params

logger = logging.getLogger(__name__)

# handler(params), and of the event "*" handler(event, params)
Handler = Callable[..., Any]
EVERY_EVENT = "*"


class Handlers:
    """Called in the order in which they came. One that raises is logged, and harms nobody else."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = {}

    def on(self, event: str, handler: Handler) -> None:
        """Add one."""
        self._handlers.setdefault(event, []).append(handler)

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Take one away, or all of this event; harmless where there is none."""
        if handler is None:
            self._handlers.pop(event, None)
        elif handler in self._handlers.get(event, []):
            self._handlers[event].remove(handler)

    def clear(self) -> None:
        """Take all of them away."""
        self._handlers.clear()

    def wants(self, event: str) -> bool:
        """Whether anybody wants to hear of this."""
        return bool(self._handlers.get(event))

    def emit(self, event: str, params: Params) -> None:
        """Call those of this event, then those of every event."""
        for handler in self._handlers.get(event, []).copy():
            run(event, handler, params)
        for handler in self._handlers.get(EVERY_EVENT, []).copy():
            run(event, handler, event, params)


def run(event: str, handler: Handler, *arguments: object) -> None:
    """Call a handler; what it raises goes into the log. Raises MemoryError, which is no matter of one handler."""
    try:
        handler(*arguments)
    except MemoryError:
        raise
    except Exception:
        logger.exception("a handler of %s failed", event)
