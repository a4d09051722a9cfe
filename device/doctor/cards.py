"""Which sound cards there are, and what they grant whoever asks for 48 kHz mono."""

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
    "stalled": "its clock stands still: unplug it and plug it in again",
}
_REMEDY = "unplug it and plug it in again"


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


def look_around() -> dict[str, dict[str, Granted]]:
    """All cards of this machine by name, without anything that converts in between."""
    return {name: {way: _ask(f"hw:CARD={name}", way) for way in WAYS} for name in alsa.cards()}


def judge(way: str, grant: Granted) -> Finding:
    """One device of the configuration."""
    check = f"{way} card"
    figures: dict[str, Any] = {"device": grant.device, "state": grant.state}
    if grant.problem:
        found, _, remedy = grant.problem.partition("; ")
        return Finding(check, Verdict.FAIL, found, remedy, figures)
    if grant.state != "running":
        found = f"{grant.device} does not run in the intercom: {grant.state}"
        return Finding(check, Verdict.FAIL, found, _REMEDIES.get(grant.state, _REMEDY), figures)
    if not grant.rate_hz:
        return Finding(check, Verdict.OK, f"{grant.device} runs in the intercom at 48000 Hz", figures=figures)
    figures |= {"rate_hz": grant.rate_hz, "channels": grant.channels, "sample_format": grant.sample_format}
    found = f"{grant.device} grants {_text(grant)}"
    if not grant.usable:
        return Finding(check, Verdict.FAIL, found, _REMEDIES["unsupported"], figures)
    return Finding(check, Verdict.OK, found, figures=figures)


def judge_all(cards: Mapping[str, Mapping[str, Granted]]) -> Finding:
    """The cards of this machine."""
    check, figures = "sound cards", {"cards": list(cards)}
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
