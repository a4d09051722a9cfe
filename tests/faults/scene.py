"""A call that things happen to: one or more hubs, devices with their sound cards, an observer, a bad network.

"near" and the observer are in the network of the hubs, every other device in one of its own. Every microphone hears a
sound that dates itself, from `speak` on until the end.
"""

import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.badnet import BadNetwork, Host
from tests.daemon import DeviceDaemon, HubDaemon
from tests.soundcard import Bench, Device
from tests.soundcard.device import Samples
from tests.timing import until

from . import dated
from .observer import Observer

FIRST_PORT = 8_800
# Before a fault: the jitter buffers have settled, and the normal latency is to be known.
CALM_S = 2.0


@dataclass
class Party:
    """One device, what it speaks, and the two ends of its sound card that a test holds."""

    name: str
    daemon: DeviceDaemon
    mic: Device
    spk: Device
    seed: int
    said: Samples | None = None

    def place(self) -> tuple[Any, ...]:
        """What a fault must not change, nor the way back: muted, channel, uid."""
        status = self.daemon.ask("status")
        return status["muted"], status["channel"], status["uid"]

    def reconnects(self) -> int:
        """How often it has found its seat again on another connection."""
        count: int = self.daemon.ask("status")["link"]["reconnects"]
        return count


class Scene:
    """Use as `with Scene(...) as scene`. parties: names of devices; hubs: how many. sections: configuration of all."""

    def __init__(
        self, parties: Sequence[str] = ("near", "far"), hubs: int = 1, seed: int = 1, **sections: dict[str, Any]
    ) -> None:
        self._names, self._hub_count, self._seed, self._sections = tuple(parties), hubs, seed, sections
        self.hubs: list[HubDaemon] = []
        self.parties: dict[str, Party] = {}
        self._stack = ExitStack()

    def __getitem__(self, name: str) -> Party:
        return self.parties[name]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            hosts = ("hub", *(name for name in self._names if name != "near"))
            self.net = stack.enter_context(BadNetwork(*hosts, seed=self._seed))
            self.bench = stack.enter_context(Bench())
            self._state = Path(tempfile.mkdtemp(prefix="intercomd-hub-"))
            stack.callback(shutil.rmtree, self._state)
            self._processes = stack.enter_context(ExitStack())
            for number in range(self._hub_count):
                self.hubs.append(self._start_hub(number))
            for number, name in enumerate(self._names):
                self.parties[name] = self._party(name, self._seed * 10 + number)
            for party in self.parties.values():
                party.daemon.until_state("in-call")
            self.observer = stack.enter_context(Observer(self.net["hub"], self.urls))
            until(self.complete)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for party in self.parties.values():
            party.daemon.send_signal(signal.SIGCONT)
        self._stack.close()

    @property
    def urls(self) -> list[str]:
        return [f"ws://{self.net['hub'].address}:{FIRST_PORT + number}" for number in range(self._hub_count)]

    def host(self, name: str) -> Host:
        """The network that this device is in."""
        return self.net["hub" if name == "near" else name]

    def restart_hub(self, number: int = 0) -> None:
        """A new one in place of the dead one, with the same state; returns when it listens."""
        self.hubs[number] = self._start_hub(number)

    def speak(self, lasts_s: float) -> float:
        """Every microphone begins to hear its sound. Returns the time.monotonic() of its first sample."""
        for party in self.parties.values():
            party.said = dated.speech(lasts_s, party.seed)
        self._begin_ns = time.monotonic_ns() + 100_000_000
        for party in self.parties.values():
            assert party.said is not None
            party.mic.put(party.said, round(party.mic.frame(self._begin_ns)))
        return self._begin_ns / 1e9

    def heard(self, ear: str, until_s: float) -> Samples:
        """What this speaker has sounded since `speak`, up to this time.monotonic()."""
        spk = self.parties[ear].spk
        return spk.got(round(spk.frame(self._begin_ns)), round(spk.frame(round(until_s * 1e9))))

    def hearing(self, mouth: str, ear: str, until_s: float, calm_s: float = CALM_S) -> dated.Hearing:
        """What this ear got of this mouth."""
        said = self.parties[mouth].said
        assert said is not None
        try:
            return dated.listen(said, self.heard(ear, until_s), calm_s)
        except ValueError as error:
            raise AssertionError(f"{mouth} to {ear}: {error}\n{self.logs()}") from error

    def complete(self) -> bool:
        """Whether everybody is in the call, and knows of all others."""
        statuses = [party.daemon.ask("status") for party in self.parties.values()]
        others = len(self.parties) - 1
        return all(status["state"] == "in-call" and len(status["talkers"]) == others for status in statuses)

    def memory_mb(self) -> dict[int, float]:
        """Of each process that is there, by its pid."""
        daemons = [*self.hubs, *(party.daemon for party in self.parties.values())]
        return {daemon.pid: daemon.rss_mb() for daemon in daemons if daemon.alive}

    def logs(self, lines: int = 8) -> str:
        """The end of what each process says."""
        daemons = {f"hub {number}": hub for number, hub in enumerate(self.hubs)}
        daemons_of = {**daemons, **{name: party.daemon for name, party in self.parties.items()}}
        return "\n".join(f"{name}: {line}" for name, daemon in daemons_of.items() for line in daemon.log[-lines:])

    def _start_hub(self, number: int) -> HubDaemon:
        host, folder = self.net["hub"], self._state / str(number)
        folder.mkdir(exist_ok=True)
        for path in (self._state, folder):
            path.chmod(0o777)
        hub = HubDaemon(
            FIRST_PORT + number, host=host.address, prefix=host.prefix, env={"STATE_DIRECTORY": str(folder)}
        )
        return self._processes.enter_context(hub)

    def _party(self, name: str, seed: int) -> Party:
        mic, spk = self.bench.device(f"mic_{name}"), self.bench.device(f"spk_{name}")
        channel = {"hub": self.urls, "label": name, **self._sections.get("channel", {})}
        sections = {**{room: dict(keys) for room, keys in self._sections.items()}, "channel": channel}
        env = self.bench.env(f"mic_{name}", f"spk_{name}")
        daemon = DeviceDaemon(self.urls[0], env=env, prefix=self.host(name).prefix, **sections)
        return Party(name, self._processes.enter_context(daemon), mic, spk, seed)


def at(moment_s: float) -> None:
    """Wait for this time.monotonic()."""
    threading.Event().wait(max(0.0, moment_s - time.monotonic()))
