"""What a configuration may say and hardly means: one line each, for the log, the doctor and `intercomd config`."""

import stat
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from device.channel import address
from device.checks import SECRETS
from device.config import Config


def doubts(config: Config) -> list[str]:
    """Each line names the key and what to do about it; none is a mistake."""
    return [*_of_talking(config), *_of_the_token(config), *_of_secrets(config)]


def _of_talking(config: Config) -> Iterator[str]:
    wired = {button for button, pin in asdict(config.buttons).items() if pin}
    if config.gate.mode == "push-to-talk" and not any(asdict(config.tap)[button] == "talk" for button in wired):
        yield "[gate] mode: push-to-talk, and no button talks; give talk a pin in [buttons]"


def _of_the_token(config: Config) -> Iterator[str]:
    channel = config.channel
    for hub in map(address.read, channel.hub) if channel.token_file and not channel.insecure else ():
        if not hub.secure and not hub.is_loopback:
            yield f"[channel] hub: the token does not go to {hub} in clear; write wss://, or insecure = true"


def _of_secrets(config: Config) -> Iterator[str]:
    sections = asdict(config)
    for section, key in SECRETS:
        path = sections[section][key]
        if path and _is_for_all(Path(path)):
            yield f"[{section}] {key}: everybody on this machine may read that file; chmod o-rwx takes that away"


def _is_for_all(path: Path) -> bool:
    try:
        way = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.absolute().parents)
        return way and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:  # not for us to see: then not for all
        return False
