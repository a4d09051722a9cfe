"""The fault that takes too long to wait for: no network at boot. In virtual time, computed and not measured: the real
sessions, rooms and jitter buffers over a network made of arithmetic (tests/test_simulated_call.py).

Nothing takes any time there but the way, so that its figures are those of the rules: when it dials, what it plays.
"""

from collections.abc import Callable
from dataclasses import dataclass

from device.channel.news import State
from device.channel.verdicts import Miss
from tests.netem import Weather
from tests.test_simulated_call import OLD_S, HubSide, Peer, Time

from .row import KEPT, NOTHING_OLD, Figures, Limit, Row
from .scene import Scene

TEN_MINUTES_S = 600.0
ONE_WAY_MS = 20.0
AFTER_S = 30.0
# What a machine says that has no network: no route, no name server within reach, a name server that nobody asked, and
# nothing at all, as where the radio is on and nobody there.
WITHOUT = (Miss.NO_NETWORK, Miss.DNS, Miss.UNREACHABLE, Miss.TIMEOUT)


def boot_without_network(seed: int, miss: Miss, lasts_s: float = TEN_MINUTES_S) -> Figures:
    """One device talks to another that has no network for so long after its start, and says so in this way."""
    time = Time()
    hub = HubSide(time, Weather(delay_ms=ONE_WAY_MS, jitter_ms=2))
    near = Peer(hub, 2 * seed + 1, +50, lambda now: True)
    time.run(time.now + seed * 0.037)  # so that the end comes at any moment of a pause between two dials
    back_s = time.now + lasts_s
    far = Peer(hub, 2 * seed + 2, -50, lambda now: True, fails=lambda now: miss if now < back_s else None)
    time.run(back_s)
    dials, silent = far.dials, not far.heard
    time.run(back_s + AFTER_S)
    heard = [each for ear in (near, far) for each in ear.heard]
    first_s = [min((at for _, at in ear.heard), default=float("inf")) for ear in (near, far)]
    return {
        "sound_back_s": round(max(first_s) - back_s, 3),
        "old_speech_s": sum(at - spoken > OLD_S + 2 * ONE_WAY_MS / 1e3 for spoken, at in heard) * 0.06,
        "not_kept": sum(ear.session.state is not State.IN_CALL for ear in (near, far)) + (not silent),
        "dials_per_s": round(dials / lasts_s, 1),
        "virtual_time": True,
    }


@dataclass(frozen=True)
class VirtualRow(Row):
    """A row that needs no processes. `begin` and `end` are not used: see `story`."""

    story: Callable[[int], Figures] = lambda seed: {}

    def run(self, seed: int, after_s: float = 0.0, then: Callable[[], object] = lambda: None) -> Figures:
        """Once: the figures of this run."""
        return self.story(seed)


def nothing(scene: Scene) -> None:
    """There is no scene."""


ROWS = (
    VirtualRow(
        "no network at boot for 10 minutes (virtual time)", TEN_MINUTES_S, nothing, nothing,
        (Limit("sound_back_s", 1.0), NOTHING_OLD, KEPT),
        story=lambda seed: boot_without_network(seed, WITHOUT[seed % len(WITHOUT)]),
    ),
)  # fmt: skip
