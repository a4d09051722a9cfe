"""Which versions of everything this is."""

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from device.audio import alsa, opus
from device.doctor.finding import Finding, Verdict

CHECK = "versions"
MODEL = Path("/proc/device-tree/model")
_PACKAGES = ("intercomd", "websockets", "pyalsaaudio")


def look(model: Path = MODEL) -> dict[str, str]:
    """Name -> version; "" where it cannot be told."""
    return {
        **{name: _package(name) for name in _PACKAGES},
        "Python": platform.python_version(),
        "libopus": opus.version().removeprefix("libopus "),
        "libasound": alsa.libasound_version(),
        "kernel": platform.release(),
        "machine": _model(model) or platform.machine(),
    }


def judge(versions: Mapping[str, str]) -> Finding:
    """versions: as `look` finds them."""
    found = ", ".join(f"{name} {version or 'unknown'}" for name, version in versions.items())
    figures = {f"{name.lower()}_version": version for name, version in versions.items()}
    unknown = [name for name, version in versions.items() if not version]
    if unknown:
        return Finding(CHECK, Verdict.WARN, found, f"install {', '.join(unknown)} again: sudo scripts/install", figures)
    return Finding(CHECK, Verdict.OK, found, figures=figures)


def _package(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _model(path: Path) -> str:
    """A C string, where there is a device tree."""
    try:
        return path.read_text("utf-8", "replace").rstrip("\0\n")
    except OSError:
        return ""
