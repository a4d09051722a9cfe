"""A virtual sound card, and the tools that measure sound with it. README.md shows how to use it."""

from .bench import Bench
from .build import build
from .device import Device, Samples

__all__ = ["Bench", "Device", "Samples", "build"]
