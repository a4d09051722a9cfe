"""A whole intercom as people meet it: a real process, its buttons pressed and its lights looked at from outside."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from device.panel.lights import STEPS_MS, Pattern
from tests import pins
from tests.daemon import DeviceDaemon
from tests.pins import Fingers
from tests.soundcard import Bench, Device
from tests.timing import until

MUTE, LEAVE, REJOIN, TALK, CALL, LOUDER, SOFTER = 17, 27, 22, 23, 24, 25, 16
LINK_LIGHT, TALK_LIGHT, MUTE_LIGHT = 5, 6, 13
WIRED: dict[str, dict[str, Any]] = {
    "buttons": {
        "mute": MUTE, "leave": LEAVE, "rejoin": REJOIN, "talk": TALK, "call": CALL,
        "volume_up": LOUDER, "volume_down": SOFTER,
    },
    "lights": {"link": LINK_LIGHT, "talk": TALK_LIGHT, "mute": MUTE_LIGHT},
}  # fmt: skip

_NS_PER_MS = 1_000_000
# A light that shines for longer than any blink does; and one that is dark for longer than in most.
_ON_MS, _OFF_MS = 900, 300


class Box:
    """A wired intercom, its pins and both ends of its sound card."""

    def __init__(self, daemon: DeviceDaemon, fingers: Fingers, mic: Device, spk: Device) -> None:
        self.daemon, self.fingers, self.mic, self.spk = daemon, fingers, mic, spk

    def status(self) -> dict[str, Any]:
        return self.daemon.ask("status")

    def until_it_shows(self, light: int, pattern: Pattern) -> None:
        """Wait until a light has gone through this pattern once."""
        until(lambda: _is(pattern, self.fingers.history(light), self.fingers.shines(light)))


def _is(pattern: Pattern, history: list[tuple[int, int]], shines: bool) -> bool:
    """history: the changes of a pin that is high while its light shines."""
    since_ms = (time.monotonic_ns() - history[-1][0]) / _NS_PER_MS if history else float("inf")
    if pattern not in STEPS_MS:
        on = pattern is Pattern.ON
        return shines is on and since_ms > (_ON_MS if on else _OFF_MS)
    steps = [(1 - number % 2, float(step_ms)) for number, step_ms in enumerate(STEPS_MS[pattern])]
    seen = [(level, (end - begin) / _NS_PER_MS) for (begin, level), (end, _) in pairwise(history)][-len(steps) :]
    return since_ms < max(STEPS_MS[pattern]) + 100 and any(
        _alike(seen, steps[first:] + steps[:first]) for first in range(len(steps))
    )


def _alike(seen: list[tuple[int, float]], steps: list[tuple[int, float]]) -> bool:
    return len(seen) == len(steps) and all(
        level == wanted and abs(took_ms - step_ms) < 40
        for (level, took_ms), (wanted, step_ms) in zip(seen, steps, strict=True)
    )


@contextmanager
def folder() -> Iterator[Path]:
    """One that the daemon, which is not root, may write to."""
    path = Path(tempfile.mkdtemp(prefix="intercomd-test-"))
    path.chmod(0o777)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def box(
    hub: str,
    *,
    state: Path | None = None,
    prefix: tuple[str, ...] = (),
    tape: Callable[[Device], object] = lambda mic: None,
    **sections: Any,
) -> Iterator[Box]:
    """One intercom; where the block ends well, it is told to end, and has to.

    state: the folder that it keeps its state in. tape: puts something before the microphone before it starts.
    sections: its configuration, over WIRED.
    """
    with ExitStack() as stack:
        bench, socket = stack.enter_context(Bench()), stack.enter_context(folder()) / "pins.sock"
        mic, spk = bench.device("mic"), bench.device("spk")
        tape(mic)
        env = {**bench.env("mic", "spk"), **pins.env(socket)}
        if state is not None:
            env["STATE_DIRECTORY"] = str(state)
        daemon = stack.enter_context(DeviceDaemon(hub, env=env, prefix=prefix, **{**WIRED, **sections}))
        yield Box(daemon, stack.enter_context(connected(socket, daemon)), mic, spk)
        if daemon.alive:
            assert daemon.end()[0] == 0
            assert "Traceback" not in (log := "\n".join(daemon.log)), log


@contextmanager
def connected(socket: Path, daemon: DeviceDaemon | None = None) -> Iterator[Fingers]:
    """Fingers on the pins of this process, as soon as it has opened them."""
    found: list[Fingers] = []

    def there() -> bool:
        assert daemon is None or daemon.alive, "it ended:\n" + "\n".join(daemon.log)
        try:
            found.append(Fingers(socket))
        except (FileNotFoundError, ConnectionRefusedError):  # bound, and not listening yet
            return False
        return True

    until(there)
    with found[0] as fingers:
        yield fingers
