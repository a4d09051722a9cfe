"""What the checks look at: a configuration, and the intercom that runs with it, where one does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device import config
from device.config import Config, ConfigError
from device.service.control import ControlError, NotRunning, call


@dataclass(frozen=True, slots=True)
class Patient:
    """config: None where there are mistakes, one line each. status: what a running intercom says, None without one,
    and then silence says why. alone: it is certain that none runs. control: the folder to ask it in, None for the usual
    places. file: the configuration's, None where there is none.
    """

    config: Config | None
    mistakes: tuple[str, ...]
    status: dict[str, Any] | None
    silence: str = ""
    alone: bool = False
    control: Path | None = None
    file: Path | None = None


def meet(path: Path | None, control: Path | None) -> Patient:
    """Read the configuration and ask the intercom how it is."""
    loaded, status, silence, alone = None, None, "", False
    mistakes: tuple[str, ...] = ()
    try:
        loaded = config.load(path)
    except ConfigError as error:
        mistakes = tuple(str(error).splitlines())
    try:
        status = call("status", folder=control)
    except ControlError as error:
        silence, alone = str(error), isinstance(error, NotRunning)
    return Patient(loaded, mistakes, status, silence, alone, control, path or config.find())
