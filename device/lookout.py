"""When to look at what tells nobody when it changes: often while something happens, seldom while nothing does."""

import asyncio
from collections.abc import Callable

# As often as playback publishes its snapshot.
OFTEN_S = 0.2
# A box that waits for somebody to talk, day and night, is to cost next to nothing.
SELDOM_S = 1.0


class Lookout:
    """look: looks at everything; returns whether it is calm, so that `stir` would be called when something begins."""

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look = look
        self._calm = False
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look now, and again and again until `stop`."""
        self._calm = self._look()
        self._wait(SELDOM_S if self._calm else OFTEN_S)

    def stir(self) -> None:
        """Something begins: look at it as soon as there is something to see."""
        if self._calm and self._timer is not None:
            self._timer.cancel()
            self._calm = False
            self._wait(OFTEN_S)

    def now(self) -> None:
        """Something has changed that nobody is to wait for: look at once."""
        if self._timer is not None:
            self._timer.cancel()
            self.start()

    def stop(self) -> None:
        """Not any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, wait_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(wait_s, self.start)
