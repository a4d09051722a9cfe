"""A call of real processes on the virtual card: one hub, some devices, a microphone and a speaker for each."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests import pins
from tests.box import folder
from tests.daemon import AS_SHIPPED, DeviceDaemon, HubDaemon
from tests.soundcard import Bench, Device
from tests.timing import until


class Party:
    """One device of a call, the two ends of its sound card that a test holds, and the folder of its state."""

    def __init__(self, daemon: DeviceDaemon, mic: Device, spk: Device, state: Path) -> None:
        self.daemon, self.mic, self.spk, self.state = daemon, mic, spk, state


class Call:
    """A hub and `len(ppm)` devices that hear each other. Use as `with Call(...) as call`.

    ppm: how far off each device's sound card clock runs. tape: puts something before each microphone before its device
    starts; each has to be heard before the call begins. env: what to add to the environment of the devices. sections:
    configuration over the shipped defaults. wired: with tones, buttons and lights, as shipped, too.
    """

    def __init__(
        self,
        ppm: Sequence[float] = (0.0, 0.0),
        prefix: tuple[str, ...] = (),
        tape: Callable[[Device], object] = lambda mic: None,
        env: Mapping[str, str] | None = None,
        wired: bool = False,
        **sections: Any,
    ) -> None:
        self._ppm, self._prefix, self._tape, self._env, self._wired = ppm, prefix, tape, env or {}, wired
        self._sections = {**(AS_SHIPPED if wired else {}), **sections}
        self._stack = ExitStack()
        self.parties: list[Party] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.bench = stack.enter_context(Bench())
            self.hub = stack.enter_context(HubDaemon(prefix=self._prefix))
            for number, ppm in enumerate(self._ppm):
                self.parties.append(self._party(stack, number, ppm))
            try:
                for party in self.parties:
                    party.daemon.until_state("in-call")
                    self._hears(party, len(self.parties) - 1)
            except AssertionError as error:
                raise AssertionError(f"the call does not begin: {error}\n{self._logs()}") from error
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _logs(self) -> str:
        """The end of what each process says."""
        daemons = {"hub": self.hub, **{f"room {n}": party.daemon for n, party in enumerate(self.parties)}}
        return "\n".join(f"{name}: {line}" for name, daemon in daemons.items() for line in daemon.log[-5:])

    def _party(self, stack: ExitStack, number: int, ppm: float) -> Party:
        mic, spk = self.bench.device(f"mic{number}", ppm=ppm), self.bench.device(f"spk{number}", ppm=ppm)
        self._tape(mic)
        state = stack.enter_context(folder())
        daemon = stack.enter_context(self._start(number, state))
        return Party(daemon, mic, spk, state)

    def restart(self, number: int) -> None:
        """A new process in place of one that has ended, with its card and its state; returns when it is in the call."""
        party = self.parties[number]
        party.daemon = self._stack.enter_context(self._start(number, party.state))
        party.daemon.until_state("in-call")

    def _start(self, number: int, state: Path) -> DeviceDaemon:
        env = {**self.bench.env(f"mic{number}", f"spk{number}"), "STATE_DIRECTORY": str(state), **self._env}
        env |= pins.env(state / "pins.sock") if self._wired else {}
        sections = {name: dict(keys) for name, keys in self._sections.items()}
        sections.setdefault("channel", {}).setdefault("label", f"room {number}")
        return DeviceDaemon(self.hub.url, env=env, prefix=self.prefix_of(number), **sections)

    def prefix_of(self, number: int) -> tuple[str, ...]:
        """What the command of this device begins with."""
        return self._prefix

    @staticmethod
    def _hears(party: Party, others: int) -> None:
        until(lambda: len(party.daemon.ask("status")["talkers"]) == others)

    def xruns(self) -> int:
        """Of all sound cards together."""
        return sum(device.stats()["xruns"] for party in self.parties for device in (party.mic, party.spk))
