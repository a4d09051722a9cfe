"""Wi-Fi power save: with it packets wait in the access point for up to a second."""

import configparser
import subprocess
from collections.abc import Mapping
from pathlib import Path

from device.doctor.finding import Finding, Verdict

CHECK = "Wi-Fi power save"
INTERFACES = Path("/sys/class/net")
NETWORK_MANAGER = Path("/etc/NetworkManager")
_IW_WITHIN_S = 2.0
# NetworkManager's wifi.powersave (nm-settings(5)).
_DISABLED, _ENABLED = "2", "3"


def look(interfaces: Path = INTERFACES, network_manager: Path = NETWORK_MANAGER) -> tuple[dict[str, str], str]:
    """(what iw says of each Wi-Fi interface, "" where it cannot be asked; wifi.powersave of NetworkManager, "")."""
    wireless = sorted(path.parent.name for path in interfaces.glob("*/phy80211"))
    files = [network_manager / "NetworkManager.conf", *sorted((network_manager / "conf.d").glob("*.conf"))]
    return {name: _iw(name) for name in wireless}, _configured(files)


def judge(said: Mapping[str, str], configured: str) -> Finding:
    """Arguments as `look` finds them."""
    if not said:
        return Finding(CHECK, Verdict.OK, "there is no Wi-Fi here")
    states = {name: _state(text, configured) for name, text in said.items()}
    found = ", ".join(f"{state} on {name}" for name, state in states.items())
    figures = {"power_save": states}
    if all(state == "off" for state in states.values()):
        return Finding(CHECK, Verdict.OK, found, figures=figures)
    name = next(name for name, state in states.items() if state != "off")
    remedy = f"sudo iw dev {name} set power_save off; for good: wifi.powersave = 2 in [connection] of NetworkManager"
    return Finding(CHECK, Verdict.WARN, found, remedy, figures)


def _state(said: str, configured: str) -> str:
    if said.strip().lower().startswith("power save:"):
        return said.strip().rpartition(" ")[2].lower()
    return {_DISABLED: "off", _ENABLED: "on"}.get(configured, "unknown (install iw)")


def _iw(interface: str) -> str:
    try:
        command = ["iw", "dev", interface, "get", "power_save"]
        return subprocess.run(command, capture_output=True, text=True, timeout=_IW_WITHIN_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _configured(files: list[Path]) -> str:
    """Later files win, as in NetworkManager."""
    value = ""
    for file in files:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            parser.read_string(file.read_text("utf-8"))
        except (OSError, ValueError, configparser.Error):
            continue
        for section in parser.sections():
            if section.startswith("connection"):
                value = parser.get(section, "wifi.powersave", fallback=value)
    return value
