"""What a call of `Client` comes to. The call has begun when this exists, whether anybody waits for it or not.

    uid = await client.join(None, "lobby")                      raises ChannelError
    client.join(None, "lobby", 0, on_success, on_failure)       on_success(uid), or on_failure(error)
    client.leave()                                              a failure that nobody hears of is a line of the log

Both at once work too. Callbacks are called later, on the event loop; what is done at once (Done) calls them itself.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

from device.channel.errors import ChannelError
from device.channel.handlers import run

logger = logging.getLogger(__name__)

T = TypeVar("T")
# on_success() of a call that comes to nothing but success, on_success(url, rotation) of one that comes to a tuple,
# on_success(value) of any other; on_failure(error: ChannelError)
Callback = Callable[..., object]


class Outcome(Awaitable[T], Generic[T]):
    """Await it: the value, or ChannelError. name: of the call. Cancelled, nobody is told anything."""

    def __init__(
        self, name: str, future: "asyncio.Future[T]", on_success: Callback | None, on_failure: Callback | None
    ) -> None:
        self._name, self._future = name, future
        self._on_success, self._on_failure = on_success, on_failure
        self._awaited = False
        future.add_done_callback(self._done)

    def __await__(self) -> Generator[Any, None, T]:
        self._awaited = True
        return self._future.__await__()

    def done(self) -> bool:
        """Whether it has come to something."""
        return self._future.done()

    def cancel(self) -> None:
        """Wait for it no more; a `join` that is not done leaves."""
        self._future.cancel()

    def _done(self, future: "asyncio.Future[T]") -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            if self._on_success is not None:
                run(f"{self._name}: on_success", self._on_success, *_arguments(future.result()))
        elif self._on_failure is not None:
            run(f"{self._name}: on_failure", self._on_failure, error)
        else:  # after whoever awaits it by way of another task
            future.get_loop().call_soon(self._note, error)

    def _note(self, error: BaseException) -> None:
        if not self._awaited:
            logger.warning("%s: %s", self._name, error)


class Done(Outcome[None]):
    """The success of what is done at once, without a loop: on_success is called by the call itself."""

    def __init__(self, name: str, on_success: Callback | None) -> None:
        if on_success is not None:
            run(f"{name}: on_success", on_success)

    def __await__(self) -> Generator[Any, None, None]:
        return iter(())  # type: ignore[return-value]

    def done(self) -> bool:
        """It is."""
        return True

    def cancel(self) -> None:
        """Too late."""


def failed(error: ChannelError) -> "asyncio.Future[Any]":
    """What has failed already."""
    future = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


def _arguments(value: object) -> tuple[object, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, tuple) else (value,)
