"""What a configuration may say and hardly means: one line each, for the log, the doctor and `intercomd config`."""

import importlib.util
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from device.channel import address
from device.checks import HUBS_FILES, SECRETS, certificate_files, is_closed
from device.config import Config
from device.service import systemd


def doubts(config: Config, *, of_hub: bool = True) -> list[str]:
    """Each line names the key and what to do about it; none is a mistake.

    of_hub: whether to look at what its hub does not start without; a process that is none may see less than the hub.
    """
    hub = _of_the_hub(config) if of_hub else ()
    return [*_of_talking(config), *_of_the_token(config), *_of_secrets(config), *hub]


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

    for path in filter(_is_for_all, certificate_files(config.hub.apps_file)):
        yield (
            f"[hub] apps_file: everybody on this machine may read {path}, which it names; chmod o-rwx takes that away"
        )


def _of_the_hub(config: Config) -> Iterator[str]:
    hub = asdict(config.hub)
    for user, key, name in (
        ("api_listen", "api_secret_file", "api-secret"),
        ("webhook_url", "webhook_secret_file", "webhook-secret"),
    ):
        if hub[user] and not importlib.util.find_spec("aiohttp"):
            pip = f"{sys.prefix}/bin/pip"
            yield f"[hub] {user}: needs aiohttp, without which the hub does not start; {pip} install aiohttp"
        if hub[user] and not hub[key] and systemd.credential(name) is None:
            yield (
                f'[hub] {key}: is missing, and the hub does not start without it, or the credential "{name}"; '
                "openssl rand -hex 32 makes what belongs into it"
            )
    for key in HUBS_FILES:
        if hub[key] and is_closed(hub[key]):
            yield f"[hub] {key}: this user may not read it, so it was not checked; the hub's user has to be able to"


def _is_for_all(path: Path) -> bool:
    try:
        way = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.absolute().parents)
        return way and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:  # not for us to see: then not for all
        return False
