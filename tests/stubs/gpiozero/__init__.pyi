# gpiozero 2.0.1, which installs no types: what this project and its tests use.

from collections.abc import Callable
from typing import Any

class Device:
    pin_factory: Any
    def close(self) -> None: ...

class DigitalInputDevice(Device):
    when_activated: Callable[[], object] | None
    when_deactivated: Callable[[], object] | None
    def __init__(
        self, pin: int, *, pull_up: bool | None = ..., active_state: bool | None = ..., bounce_time: float | None = ...
    ) -> None: ...

class DigitalOutputDevice(Device):
    value: bool
    def __init__(self, pin: int, *, active_high: bool = ..., initial_value: bool | None = ...) -> None: ...
