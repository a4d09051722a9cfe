"""Whose bytes are looked at next: no address gets more than 5 ms of the hub's time before the others have their turn.

What one client sends may cost a hundred times what a call does: a flood, garbage, packets for hundreds of listeners.
So the hub counts the time that it spends on each address. When one has had its share of a turn of the event loop, what
else comes from there waits for the next turn, and whoever is elsewhere is served in between. Nobody is slowed down
while nobody else has anything to do.

Of those who wait at one address, whoever has used least time of late goes first, so that a call behind the same address
as a flood goes on. PURE.
"""

import heapq
import math
from collections.abc import Callable
from itertools import count

# A tenth of what the jitter buffer of a device holds, and 50 packets to 30 listeners.
QUANTUM_S = 0.005
# What somebody has used counts half after this time.
HALF_LIFE_S = 1.0


class Account:
    """What one connection has used of late."""

    __slots__ = ("_at_s", "_used_s")

    def __init__(self) -> None:
        self._used_s = self._at_s = 0.0

    def used_s(self, now_s: float) -> float:
        """So much, each second of it counting half for each second that is over."""
        return self._used_s * math.exp2((self._at_s - now_s) / HALF_LIFE_S)

    def add(self, took_s: float, now_s: float) -> None:
        """It has used so much more."""
        self._used_s, self._at_s = self.used_s(now_s) + took_s, now_s


class Share:
    """One address. again: asks for `next_turn` to be called in the next turn of the loop.

    unread_bytes: what waits for all that are there to read it; they count it.
    """

    __slots__ = ("__weakref__", "_again", "_asked", "_numbers", "_spent_s", "_waiting", "unread_bytes")

    def __init__(self, again: Callable[["Share"], object]) -> None:
        self._again = again
        self._asked = False
        self._spent_s = 0.0
        self.unread_bytes = 0
        self._numbers = count()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []

    def may_go_on(self) -> bool:
        """Whether what comes from here is looked at at once; else it has to `wait`."""
        return self._spent_s < QUANTUM_S and not self._waiting

    def wait(self, account: Account, serve: Callable[[], None], now_s: float) -> None:
        """Call `serve` when it is this one's turn. Each may wait once only."""
        heapq.heappush(self._waiting, (account.used_s(now_s), next(self._numbers), serve))
        self._ask()

    def spent(self, account: Account, took_s: float, now_s: float) -> None:
        """So much time has gone into what this one sent."""
        account.add(took_s, now_s)
        self._spent_s += took_s
        self._ask()

    def next_turn(self) -> None:
        """The others have been served."""
        self._asked, self._spent_s = False, 0.0
        while self._waiting and self._spent_s < QUANTUM_S:
            _, _, serve = heapq.heappop(self._waiting)
            serve()
        if self._waiting:
            self._ask()

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True
            self._again(self)
