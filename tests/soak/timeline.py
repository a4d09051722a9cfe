"""What each kind of fault does to the scene, and when."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from tests.faults.rows_cards import XRUN_EVERY_S
from tests.faults.scene import Party, Scene
from tests.wallclock import DAY_S

from .plan import WALL_CLOCK, Episode, Fault

Act = Callable[[], object]

OTHER_CARD_PPM = 120


@dataclass(frozen=True)
class Step:
    """at_s: after the first moment of the trouble. act: what is done to the scene then."""

    at_s: float
    fault: Fault
    act: Act


def steps(scene: Scene, episode: Episode) -> list[Step]:
    """In order."""
    return sorted((step for fault in episode.faults for step in _steps(scene, fault)), key=lambda step: step.at_s)


def _steps(scene: Scene, fault: Fault) -> Iterator[Step]:
    if fault.kind == "xruns":
        party = scene[fault.target]
        for number in range(int(fault.lasts_s / XRUN_EVERY_S)):
            yield Step(fault.begins_s + number * XRUN_EVERY_S, fault, lambda: _xrun(party))
        return
    if fault.kind == WALL_CLOCK:
        for number, ahead_s in enumerate((DAY_S, -DAY_S, 0)):
            yield Step(fault.begins_s + number * fault.lasts_s / 2, fault, partial(scene.set_wall_clock, ahead_s))
        return
    begin, end = _ends(scene, fault)
    yield Step(fault.begins_s, fault, begin)
    yield Step(fault.ends_s, fault, end)


def _ends(scene: Scene, fault: Fault) -> tuple[Act, Act]:
    if fault.target.startswith("hub"):
        return _of_hub(scene, fault)
    if fault.kind.startswith(("black", "loss", "rate", "jitter", "interface")):
        return _of_network(scene, fault)
    if fault.kind.startswith("card"):
        return _of_card(scene, fault)
    return _of_device(scene, fault)


def _of_network(scene: Scene, fault: Fault) -> tuple[Act, Act]:
    host = scene.net[fault.target]

    def plug_in_elsewhere() -> None:
        host.readdress()
        host.link(True)

    return {
        "black hole": (host.hole, lambda: host.hole(False)),
        "loss, percent": (lambda: host.set(loss=fault.amount / 100), lambda: host.set(loss=0.0)),
        "rate limit, kbit/s": (lambda: host.set(rate_kbit=fault.amount), lambda: host.set(rate_kbit=0.0)),
        "jitter, ms": (lambda: host.set(jitter_ms=fault.amount), lambda: host.set(jitter_ms=0.0)),
        "interface down, new address": (lambda: host.link(False), plug_in_elsewhere),
    }[fault.kind]


def _of_hub(scene: Scene, fault: Fault) -> tuple[Act, Act]:
    number = int(fault.target.removeprefix("hub "))

    def signalled(which: int) -> Act:
        return lambda: scene.hubs[number].send_signal(which)

    gone: tuple[Act, Act] = (lambda: scene.hubs[number].kill(), lambda: scene.restart_hub(number))
    return {
        "hub killed and restarted": gone,
        "first hub gone for a while": gone,
        "hub stopped": (signalled(signal.SIGSTOP), signalled(signal.SIGCONT)),
        "hub restarted as planned": (lambda: scene.hubs[number].reload(), _nothing),
    }[fault.kind]


def _of_card(scene: Scene, fault: Fault) -> tuple[Act, Act]:
    """Both ways of it at once. The party is looked up when it happens: it may have another card by then."""
    name = fault.target

    def each(do: Callable[[Party], None]) -> Act:
        return lambda: do(scene[name])

    def run_again(party: Party) -> None:
        party.mic.set_ppm(0)
        party.spk.set_ppm(0)
        scene.speak_on(name)

    def busy(party: Party) -> None:
        _busy(party, True)
        scene.restart(name)

    return {
        "card unplugged, then another": (each(_unplug), lambda: scene.replace_card(name, ppm=OTHER_CARD_PPM)),
        "card busy at boot": (each(busy), each(lambda party: _busy(party, False))),
        "card stalls": (each(_stall), each(run_again)),
    }[fault.kind]


def _of_device(scene: Scene, fault: Fault) -> tuple[Act, Act]:
    name = fault.target

    def asked(method: str) -> Act:
        return lambda: scene[name].daemon.ask(method)

    def signalled(which: int) -> Act:
        return lambda: scene[name].daemon.send_signal(which)

    return {
        "device stopped": (signalled(signal.SIGSTOP), signalled(signal.SIGCONT)),
        "device killed and restarted": (lambda: scene[name].daemon.kill(), lambda: scene.restart(name)),
        "muted for a moment": (asked("mute"), asked("unmute")),
        "left and rejoined": (asked("leave"), asked("rejoin")),
    }[fault.kind]


def _xrun(party: Party) -> None:
    party.mic.xrun()
    party.spk.xrun()


def _unplug(party: Party) -> None:
    party.mic.unplug()
    party.spk.unplug()


def _busy(party: Party, busy: bool) -> None:
    party.mic.busy(busy)
    party.spk.busy(busy)


def _stall(party: Party) -> None:
    party.mic.stall()
    party.spk.stall()


def _nothing() -> None:
    """It is over when it returns."""
