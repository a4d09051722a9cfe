"""What all processes hold, weighed now and then, in the calm."""

import time
from collections.abc import Iterator, Sequence

from tests.daemon import Daemon
from tests.faults.scene import Scene, at

from .leaks import Life, Usage, left_over, lowest

# Each time at least so many looks.
LOOKS, LOOK_EVERY_S = 5, 0.4
# A connection whose other end has gone without a word is dropped by the hub within 20 s.
SETTLE_S = 25.0


class Scales:
    """short: whether the run is too short for a fifth minute."""

    def __init__(self, scene: Scene, short: bool) -> None:
        self._scene, self._short, self._began_s = scene, short, time.monotonic()
        self._lives = dict[int, Life]()

    @property
    def daemons(self) -> dict[str, Daemon]:
        """Those that there are now, by their names."""
        hubs = {f"hub {number}": hub for number, hub in enumerate(self._scene.hubs)}
        return {**hubs, **{name: party.daemon for name, party in self._scene.parties.items()}}

    def know(self) -> None:
        """Processes that are new since the last time."""
        for name, daemon in self.daemons.items():
            if daemon.pid not in self._lives:
                self._lives[daemon.pid] = Life(name, daemon.pid, self._now())

    def weigh(self) -> None:
        """Each process, by the lowest of some looks: for as long as it takes until they hold no more than before.

        Who has nothing yet to be compared with is looked at for all of that time: looked at once, it could be at its
        largest by chance, and a leak of that size would be hidden.
        """
        self.know()
        lives = [self._lives[daemon.pid] for daemon in self.daemons.values()]
        until_s = time.monotonic() + SETTLE_S
        settling = any(life.settles(self._now(), self._short) for life in lives)
        looks: list[list[Usage]] = []
        for look in self._looks(lives, until_s):
            looks.append(look)
            for life, usages in zip(lives, zip(*looks, strict=True), strict=True):
                if len(looks) > 1:
                    life.usages.pop()
                life.usages.append(lowest(usages))
            if len(looks) >= LOOKS and not settling and not self.left_over(lives):
                return

    def left_over(self, lives: Sequence[Life] = ()) -> list[str]:
        """What these, or all, have too much of, one line each."""
        return left_over(lives or list(self._lives.values()), self._short)

    def figures(self) -> list[dict[str, object]]:
        """For the report: of each process that was weighed."""
        weighed = [life for life in self._lives.values() if life.usages]
        return [{"process": life.name, **life.figures(self._short)} for life in weighed]

    def _looks(self, lives: Sequence[Life], until_s: float) -> Iterator[list[Usage]]:
        """Those during which no connection came or went; in the end one, whatever it saw."""
        seen = False
        while not seen or time.monotonic() < until_s:
            at(time.monotonic() + LOOK_EVERY_S)
            known, before = self._connections()
            look = [Usage.of(life.pid, self._now(), before[life.name]) for life in lives]
            if (known and self._connections() == (True, before)) or time.monotonic() >= until_s:
                seen = True
                yield look

    def _connections(self) -> tuple[bool, dict[str, int]]:
        """Those of participants, by who holds an end of them; and whether that is known.

        A device has two for a while after losses, both to one hub; and while it looks for a better one, one to each.
        """
        statuses = {name: party.daemon.ask("status") for name, party in self._scene.parties.items()}
        found = {name: status["link"]["connections"] for name, status in statuses.items()}
        first, *_ = self._scene.urls
        looks = any(status["hub"] != first and found[name] > 1 for name, status in statuses.items())
        for number, url in enumerate(self._scene.urls):
            at_hub = [found[name] for name, status in statuses.items() if status["hub"] == url]
            found[f"hub {number}"] = sum(at_hub) + (self._scene.observer.hub == url)
        return not looks, found

    def _now(self) -> float:
        return time.monotonic() - self._began_s
