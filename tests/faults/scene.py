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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from tests.badnet import BadNetwork, Host
from tests.channel.fakehub import make_certificate, make_certificates
from tests.daemon import Daemon, DeviceDaemon, HubDaemon
from tests.soundcard import Bench, Device
from tests.soundcard.device import Samples
from tests.timing import until
from tests.wallclock import WallClock

from . import dated
from .observer import Observer

FIRST_PORT = 8_800
# So long after somebody has begun to speak the jitter buffers have settled, and the normal latency can be known.
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
    earlier: list[tuple[int, Device]] = field(default_factory=list)
    """Speakers that it had before, and until when."""

    def place(self) -> tuple[Any, ...]:
        """What a fault must not change, nor the way back: muted, channel, uid."""
        status = self.daemon.ask("status")
        return status["muted"], status["channel"], status["uid"]

    def reconnects(self) -> int:
        """How often it has found its seat again on another connection."""
        count: int = self.daemon.ask("status")["link"]["reconnects"]
        return count


class Scene:
    """Use as `with Scene(...) as scene`. parties: names of devices; hubs: how many. wall_clock: whether it can be set,
    for all processes. secure: whether hubs have TLS. first_apart: whether the first hub is alone in a network of its
    own, "first hub". arguments: of all devices; sections: their configuration."""

    def __init__(
        self,
        parties: Sequence[str] = ("near", "far"),
        hubs: int = 1,
        seed: int = 1,
        wall_clock: bool = False,
        arguments: Sequence[str] = (),
        secure: bool = False,
        first_apart: bool = False,
        **sections: dict[str, Any],
    ) -> None:
        self._env: dict[str, str] = {}
        self._wall_clock: WallClock | None = None
        self._has_wall_clock, self._secure = wall_clock, secure
        self._first_hub_in = "first hub" if first_apart else "hub"
        self._arguments = tuple(arguments)
        self._ca_file = ""
        self._names, self._hub_count, self._seed, self._sections = tuple(parties), hubs, seed, sections
        self.hubs: list[HubDaemon] = []
        self.parties: dict[str, Party] = {}
        self._stack = ExitStack()

    def __getitem__(self, name: str) -> Party:
        return self.parties[name]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            hosts = ("hub", *(name for name in self._names if name != "near"), self._first_hub_in)
            self.net = stack.enter_context(BadNetwork(*dict.fromkeys(hosts), seed=self._seed))
            self.bench = stack.enter_context(Bench())
            self._state = Path(tempfile.mkdtemp(prefix="intercomd-hub-"))
            stack.callback(shutil.rmtree, self._state)
            if self._has_wall_clock:
                self._wall_clock = WallClock(self._folder("clock"))
                self._env = self._wall_clock.env
            if self._secure:
                self._ca_file = self._certify(self._folder("tls"))
            self._processes = stack.enter_context(ExitStack())
            for number in range(self._hub_count):
                self.hubs.append(self._start_hub(number))
            for number, name in enumerate(self._names):
                self.parties[name] = self._party(name, self._seed * 10 + number)
            self.until_back(10.0)
            self.observer = stack.enter_context(Observer(self.net["hub"], self.urls, self._ca_file or None))
            until(lambda: all(self._hears_all(party) for party in self.parties.values()))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for party in self.parties.values():
            party.daemon.send_signal(signal.SIGCONT)
        self._stack.close()

    @property
    def urls(self) -> list[str]:
        return [
            f"{'wss' if self._secure else 'ws'}://{self._hub_host(number).address}:{FIRST_PORT + number}"
            for number in range(self._hub_count)
        ]

    def host(self, name: str) -> Host:
        """The network that this device is in."""
        return self.net["hub" if name == "near" else name]

    def _hub_host(self, number: int) -> Host:
        return self.net[self._first_hub_in if number == 0 else "hub"]

    def restart_hub(self, number: int = 0) -> None:
        """A new one in place of the dead one, with the same state; returns when it listens."""
        self.hubs[number] = self._start_hub(number)

    def speak(self, lasts_s: float) -> float:
        """Every microphone begins to hear its sound, once more. Returns the time.monotonic() of its first sample.

        What the cards took and gave before that is forgotten, and its memory is given back.
        """
        for party in self.parties.values():
            if party.said is None or len(party.said) != round(lasts_s * dated.RATE):
                party.said = dated.speech(lasts_s, party.seed)
            party.earlier.clear()
            for device in (party.mic, party.spk):
                device.forget(max(0, round(device.frame())))
        self._begin_ns = time.monotonic_ns() + 100_000_000
        for party in self.parties.values():
            assert party.said is not None
            party.mic.put(party.said, round(party.mic.frame(self._begin_ns)))
        return self._begin_ns / 1e9

    def heard(self, ear: str, until_s: float) -> Samples:
        """What this speaker, and those before it, have sounded since `speak`, up to this time.monotonic()."""
        party, begin_ns, pieces = self.parties[ear], self._begin_ns, []
        for until_ns, spk in [*party.earlier, (round(until_s * 1e9), party.spk)]:
            pieces.append(spk.sounded(begin_ns, until_ns))
            begin_ns = until_ns
        return np.concatenate(pieces)

    def speak_on(self, name: str) -> None:
        """What this microphone should hear now, whatever its clock has missed or whichever it is."""
        party = self.parties[name]
        assert party.said is not None
        now_ns = time.monotonic_ns()
        spoken = round((now_ns - self._begin_ns) * dated.RATE / 1e9)
        party.mic.put(party.said[spoken:], round(party.mic.frame(now_ns)))

    def replace_card(self, name: str, ppm: float) -> None:
        """Another device has the ALSA names of this one's card from now on, and hears what it should hear."""
        party = self.parties[name]
        party.earlier.append((time.monotonic_ns(), party.spk))
        old = (f"mic_{name}", f"spk_{name}")
        number = len(self.bench.devices)
        party.mic, party.spk = (self.bench.device(f"{was}_{number}", ppm=ppm) for was in old)
        for was, device in zip(old, (party.mic, party.spk), strict=True):
            self.bench.rename(was, device)
        self.speak_on(name)

    def set_wall_clock(self, ahead_s: float) -> None:
        """So far from the true time, for all processes."""
        assert self._wall_clock is not None
        self._wall_clock.set(ahead_s)

    def restart(self, name: str) -> None:
        """Kill this device, and start it again with its card and its state."""
        party = self.parties[name]
        party.daemon.kill()
        party.daemon = self._start_device(name)

    def hearing(self, mouth: str, ear: str, until_s: float, calm_s: float) -> dated.Hearing:
        """What this ear got of this mouth. calm_s: so long nothing was wrong."""
        said = self.parties[mouth].said
        assert said is not None
        try:
            return dated.listen(said, self.heard(ear, until_s), calm_s)
        except ValueError as error:
            raise AssertionError(f"{mouth} to {ear}: {error}\n{self.logs()}") from error

    def until_back(self, within_s: float) -> None:
        """Wait until every device is in the call. Raises AssertionError with what they say."""
        try:
            for party in self.parties.values():
                party.daemon.until_state("in-call", within_s)
        except AssertionError as error:
            raise AssertionError(f"not everybody is in the call: {error}\n{self.logs()}") from error

    def _hears_all(self, party: Party) -> bool:
        return len(party.daemon.ask("status")["talkers"]) == len(self.parties) - 1

    def memory_mb(self) -> dict[str, float]:
        """Of each that is there, by its role ("hub 0", "near"): a successor has another pid, and the same role."""
        return {
            role: daemon.rss_mb() for role, daemon in self._daemons().items() if Path(f"/proc/{daemon.pid}").exists()
        }

    def logs(self, lines: int = 8) -> str:
        """The end of what each process says."""
        return "\n".join(f"{role}: {line}" for role, daemon in self._daemons().items() for line in daemon.log[-lines:])

    def _daemons(self) -> dict[str, Daemon]:
        hubs = {f"hub {number}": hub for number, hub in enumerate(self.hubs)}
        return {**hubs, **{name: party.daemon for name, party in self.parties.items()}}

    def _start_hub(self, number: int) -> HubDaemon:
        host, env = self._hub_host(number), {"STATE_DIRECTORY": str(self._folder(str(number))), **self._env}
        tls = ("--config", str(self._state / "tls" / "hub.toml")) if self._secure else ()
        hub = HubDaemon(FIRST_PORT + number, *tls, host=host.address, prefix=host.prefix, env=env)
        return self._processes.enter_context(hub)

    def _party(self, name: str, seed: int) -> Party:
        mic, spk = self.bench.device(f"mic_{name}"), self.bench.device(f"spk_{name}")
        return Party(name, self._start_device(name), mic, spk, seed)

    def _start_device(self, name: str) -> DeviceDaemon:
        channel = {"hub": self.urls, "label": name, "ca_file": self._ca_file, **self._sections.get("channel", {})}
        # As loud as it is said: who is made quieter while another one begins could not be told from him (dated.py).
        audio = {"equal": False, **self._sections.get("audio", {})}
        sections = {**{room: dict(keys) for room, keys in self._sections.items()}, "channel": channel, "audio": audio}
        env = {**self.bench.env(f"mic_{name}", f"spk_{name}"), "STATE_DIRECTORY": str(self._folder(name)), **self._env}
        daemon = DeviceDaemon(self.urls[0], *self._arguments, env=env, prefix=self.host(name).prefix, **sections)
        return self._processes.enter_context(daemon)

    def _certify(self, folder: Path) -> str:
        """Certificate and configuration of hubs with TLS in this folder; returns the file of their CA."""
        ca_file = make_certificates(folder).ca_file
        make_certificate(folder, name=f"IP:{self.net['hub'].address}", first="20000101", last="20991231")
        (folder / "hub.key").chmod(0o644)
        (folder / "hub.toml").write_text(f'[hub]\ntls_cert = "{folder}/other.pem"\ntls_key = "{folder}/hub.key"\n')
        return ca_file

    def _folder(self, name: str) -> Path:
        """For the state of this process, which is not root."""
        folder = self._state / name
        folder.mkdir(exist_ok=True)
        for path in (self._state, folder):
            path.chmod(0o777)
        return folder


def at(moment_s: float) -> None:
    """Wait for this time.monotonic()."""
    threading.Event().wait(max(0.0, moment_s - time.monotonic()))
