"""Which sound cards there are, and what they grant whoever asks for 48 kHz mono."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from device.audio import alsa
from device.audio.faults import CardError
from device.doctor.finding import Finding, Verdict
from device.doctor.patient import Patient

WAYS = ("capture", "playback")
_WANTED = (48_000, 1, "S16_LE")
_REMEDIES = {
    "absent": "plug it in, or name another in [audio]",
    "busy": "stop the program that uses it",
    "denied": "add the user of the intercom to group audio",
    "unsupported": "name it as plughw:CARD=..., which converts to 48000 Hz mono",
    "suspended": "wake this machine; it is opened again by itself",
    "stalled": "its clock stands still: unplug it and plug it in again",
}
_REMEDY = "unplug it and plug it in again"
# hw:1  plughw:1,0  hw:CARD=1
_BY_NUMBER = re.compile(r"\w+:(CARD=)?\d+(,.*)?")


@dataclass(frozen=True, slots=True)
class Granted:
    """What one device grants in one way: Hz, channels and format; or problem, and what to do about it."""

    device: str
    rate_hz: int = 0
    channels: int = 0
    sample_format: str = ""
    state: str = "running"
    problem: str = ""

    @property
    def usable(self) -> bool:
        """Whether sound can go through it."""
        return not self.problem and (self.rate_hz, self.channels, self.sample_format) == _WANTED


def look(patient: Patient) -> dict[str, Granted]:
    """The devices of the configuration, by way; of a running intercom, what it says of them."""
    if patient.status is not None:
        return {way: _of_status(patient.status[way]) for way in WAYS}
    if patient.config is None:
        return {}
    audio = patient.config.audio
    return {way: _ask(device, way) for way, device in zip(WAYS, (audio.capture, audio.playback), strict=True)}


Cards = Mapping[str, Mapping[str, Granted]]


def look_around() -> tuple[Cards, str]:
    """All cards of this machine by name, without anything that converts in between; and why they cannot be looked at,
    "" where they can."""
    try:
        names = alsa.cards()
    except CardError as error:
        return {}, str(error)
    return {name: {way: _ask(f"hw:CARD={name}", way) for way in WAYS} for name in names}, ""


def suggest(around: Cards, way: str) -> str:
    """How to name those cards that have this way, in [audio]; "" where there is none."""
    names = [f"plughw:CARD={name}" for name, ways in around.items() if ways[way].state != "absent"]
    return " or ".join(names)


def judge(way: str, grant: Granted, around: Cards) -> Finding:
    """One device of the configuration. around: the cards that could be meant instead."""
    check = f"{way} card"
    figures: dict[str, Any] = {"device": grant.device, "state": grant.state}
    if grant.problem or grant.state != "running":
        found = f"{grant.device} does not run in the intercom: {grant.state}"
        found, _, remedy = grant.problem.partition("; ") if grant.problem else (found, "", "")
        remedy = remedy or _REMEDIES.get(grant.state, _REMEDY)
        others = suggest(around, way) if grant.state == "absent" else ""
        return Finding(check, Verdict.FAIL, found, remedy + (f": {others}" if others else ""), figures)
    if grant.rate_hz:
        figures |= {"rate_hz": grant.rate_hz, "channels": grant.channels, "sample_format": grant.sample_format}
        found = f"{grant.device} grants {_text(grant)}"
        if not grant.usable:
            return Finding(check, Verdict.FAIL, found, _REMEDIES["unsupported"], figures)
    else:
        found = f"{grant.device} runs in the intercom at 48000 Hz"
    if _BY_NUMBER.fullmatch(grant.device):
        found += ", and is named by its number, which may be that of another card after the next start"
        names = suggest(around, way) or "plughw:CARD=..."
        return Finding(check, Verdict.WARN, found, f"name it in [audio]: {names}", figures)
    return Finding(check, Verdict.OK, found, figures=figures)


def judge_all(cards: Cards, problem: str) -> Finding:
    """The cards of this machine; problem: why they cannot be looked at."""
    check, figures = "sound cards", {"cards": list(cards)}
    if problem:
        found, _, remedy = problem.partition("; ")
        return Finding(check, Verdict.FAIL, found, remedy, figures)
    if not cards:
        return Finding(check, Verdict.WARN, "this machine has none", "plug one in; aplay -l lists them", figures)
    found = "; ".join(
        f"{name} ({', '.join(f'{way} {_native(grant)}' for way, grant in ways.items())})"
        for name, ways in cards.items()
    )
    return Finding(check, Verdict.OK, found, figures=figures)


def _native(grant: Granted) -> str:
    if grant.state == "busy":
        return "in use"
    return "none" if grant.problem else _text(grant)


def _text(grant: Granted) -> str:
    channels = "mono" if grant.channels == 1 else f"{grant.channels} channels"
    return f"{grant.rate_hz} Hz {channels} {grant.sample_format}"


def _of_status(status: Mapping[str, Any]) -> Granted:
    return Granted(status["device"], state=status["state"])


def _ask(device: str, way: str) -> Granted:
    try:
        return Granted(device, *alsa.granted(device, capture=way == "capture"))
    except CardError as error:
        return Granted(device, state=error.state, problem=str(error))
