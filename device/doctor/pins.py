"""The pins of buttons and lights: those of the running intercom as its status tells of them, or else the doctor's own.

Two ways to the same answers, so that the checks of buttons and lights need not know which it is.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from device.call import Light, Looks
from device.config import Config
from device.doctor.patient import Patient
from device.front import Panel
from device.service.control import call

PanelStatus = Mapping[str, Any]


class Pins:
    """status: as Panel.status. light: shows this light alone, "" for none; None where they are not ours to light."""

    def __init__(self, status: Callable[[], PanelStatus], light: Callable[[str], None] | None) -> None:
        self.status, self.light = status, light
        self._panel: Panel | None = None

    @classmethod
    def of_running(cls, patient: Patient) -> "Pins":
        """Those of the intercom that runs. Asking may raise ControlError."""
        return cls(lambda: call("status", folder=patient.control)["panel"], None)

    @classmethod
    def own(cls, config: Config) -> "Pins":
        """Open them, if they can be had; to be closed."""
        panel = Panel(config, asyncio.get_running_loop(), lambda given: None, lambda step: None)
        panel.open()
        pins = cls(panel.status, lambda light: panel.show(_looks(light)))
        pins._panel = panel
        return pins

    def close(self) -> None:
        """Give back what is ours."""
        if self._panel is not None:
            self._panel.close()


def _looks(light: str) -> Looks:
    return Looks(**{name: Light.ON if name == light else Light.OFF for name in Looks._fields})
