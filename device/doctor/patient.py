"""What the checks look at: a configuration, and the intercom that runs with it, where one does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device import config
from device.config import Config, ConfigError
from device.service.control import ControlError, call


@dataclass(frozen=True, slots=True)
class Patient:
    """config: None where there are mistakes, one line each. status: what a running intercom says, None without one,
    and then silence says why. control: the folder to ask it in, None for the usual places.
    """

    config: Config | None
    mistakes: tuple[str, ...]
    status: dict[str, Any] | None
    silence: str = ""
    control: Path | None = None


def meet(path: Path | None, control: Path | None) -> Patient:
    """Read the configuration and ask the intercom how it is."""
    loaded, status, silence = None, None, ""
    mistakes: tuple[str, ...] = ()
    try:
        loaded = config.load(path)
    except ConfigError as error:
        mistakes = tuple(str(error).splitlines())
    try:
        status = call("status", folder=control)
    except ControlError as error:
        silence = str(error)
    return Patient(loaded, mistakes, status, silence, control)
