"""What a value of intercom.toml must be, beside having the type of its default: a function for each key."""

import contextlib
import os
import re
import stat
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from device.channel import address, rules
from device.tomltext import toml

Check = Callable[[Any], object]  # raises ValueError with what is wrong


def _among(allowed: Container[object], text: str) -> Check:
    def check(value: object) -> None:
        if value not in allowed:
            raise ValueError(f"must be {text}, not {toml(value)}")

    return check


def check_hub(urls: list[str]) -> None:
    """Each ws:// or wss://. The message quotes a URL only if it is nothing but an address: the rest may be a secret."""
    for url in urls:
        try:
            address.read(url)
        except ValueError as error:
            plain = re.fullmatch(r"[a-z]+://[a-z0-9.-]*(:\d*)?/?", url)
            meant = address.meant(url)
            told = f"; did you mean {toml(meant)}?" if meant else f", not {toml(url)}" if plain else ""
            raise ValueError(f"{error}{told}") from error


def check_pcm(name: str) -> None:
    """The name of an ALSA device."""
    if not name or not name.isprintable():
        raise ValueError('must be the name of an ALSA device, such as "default"')


def check_file(path: str) -> None:
    """A file that can be read. The path is not repeated: somebody may have put the secret itself there."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            pipe = stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        hint = "; ~ is not known here" if path.startswith("~") or "/~" in path else ""
        raise ValueError(f"must be a file that can be read: {reason}{hint}") from error
    if pipe:  # whoever reads it waits for somebody to write
        raise ValueError("must be a file that can be read: a pipe")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def check_ca(path: str) -> None:
    """A file with certificates, as `check_file`."""
    check_file(path)
    import ssl  # takes as long as the rest of this, and few have such a file

    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:  # ssl.SSLError is one
        raise ValueError("must hold a certificate in PEM form") from error


def masked_webhook(url: str) -> str:
    """A webhook's URL as people may see it: what comes after the host is often the secret of it."""
    return re.sub(r"(?<=[^:/])[/?#].*", "/***", url)


def check_webhook(url: str) -> None:
    """Where events may be sent. The message never quotes the URL."""
    parts = urlsplit(url)
    plain = url.isascii() and url.isprintable() and " " not in url and _has_a_port_or_none(parts)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or parts.username is not None:
        raise ValueError("must be an address such as https://example.org/intercom, without a user name")
    if parts.scheme == "http" and not address.is_loopback(parts.hostname):
        raise ValueError("must be https://, as events tell who talks when; http:// goes to this machine only")


def _has_a_port_or_none(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def check_hubs_file(path: str) -> None:
    """A file that is there. Whether it can be read is for the hub to say: an intercom beside it is not to read it."""
    if not is_closed(path):
        check_file(path)


def check_secret(path: str) -> None:
    """A file with a secret that is long enough, as far as this process may read it."""
    from device.hub import secret  # few have such a file

    check_hubs_file(path)
    with contextlib.suppress(PermissionError):
        secret.load(Path(path))


def check_apps(path: str) -> None:
    """An apps file without a mistake; raises ValueError with a line for each. What this process may not read is for
    the hub to say, as above."""
    from device.hub import appsfile  # few have such a file

    check_hubs_file(path)
    with contextlib.suppress(PermissionError):
        appsfile.load(Path(path))


def certificate_files(apps_file: str) -> list[Path]:
    """The files that an apps file without a mistake names, "" for none; none where only the hub can know."""
    from device.hub import appsfile

    named: list[Path] = []
    with contextlib.suppress(PermissionError):
        if apps_file:
            appsfile.load(Path(apps_file), named)
    return named


def check_pair(cert: str, key: str) -> None:
    """A certificate and its key, files that are there. Raises ValueError where a hub would take them for no pair; what
    this process may not read is for the hub to say, as above."""
    if is_closed(key):
        return
    from device.hub import tls  # with it comes ssl

    tls.context(cert, key)


def is_closed(path: str) -> bool:
    """Whether this process may not read that file, which is there."""
    try:
        check_file(path)
    except ValueError as error:
        return isinstance(error.__cause__, PermissionError)
    return False


def asks_for_tokens(path: str) -> bool:
    """Whether nobody joins without a token where this is the apps file, "" for none; True where only the hub can know.

    Raises ValueError as `check_apps`.
    """
    from device.hub import appsfile

    try:
        return bool(path) and appsfile.load(Path(path)).ask_for_tokens
    except PermissionError:
        return True


# What a button may do; the first two close the microphone, and for that nobody waits.
AT_THE_EDGE = ("mute", "talk")
ACTIONS = (*AT_THE_EDGE, "leave", "rejoin", "ring", "volume-up", "volume-down", "")
_ACTION = _among(ACTIONS, "one of " + ", ".join(f'"{action}"' for action in ACTIONS))
_LATER = _among(ACTIONS[2:], "one of " + ", ".join(f'"{action}"' for action in ACTIONS[2:]))
_PERCENT = _among(range(101), "0 to 100")
_LEVEL = _among(("low", "high"), '"low" or "high"')

CHECKS: dict[tuple[str, str], Check] = {
    ("channel", "hub"): check_hub,
    ("channel", "ca_file"): check_ca,
    ("channel", "app_id"): rules.check_app_id,
    ("channel", "name"): rules.check_channel,
    ("channel", "label"): rules.check_label,
    ("channel", "uid"): rules.check_uid,
    ("channel", "token_file"): check_file,
    ("channel", "role"): _among(list(rules.Role), '"broadcaster" or "audience"'),
    ("channel", "start"): _among(("joined", "left"), '"joined" or "left"'),
    ("audio", "capture"): check_pcm,
    ("audio", "playback"): check_pcm,
    ("audio", "frame_ms"): _among((10, 20), "10 or 20"),
    # Opus begins at 6 kbit/s (RFC 6716 section 2.1.1); 60 ms of more than 128 would not fit a packet.
    ("audio", "bitrate"): _among(range(6_000, 128_001), "6000 to 128000 bit/s"),
    ("audio", "complexity"): _among(range(11), "0 to 10"),
    ("audio", "volume"): _PERCENT,
    ("audio", "echo"): _among(("off", "auto", "webrtc", "speex"), '"off", "auto", "webrtc" or "speex"'),
    ("audio", "priority"): rules.check_uid,
    ("audio", "sidetone"): _PERCENT,
    ("ring", "uid"): rules.check_uid,
    ("gate", "mode"): _among(("open", "voice", "push-to-talk"), '"open", "voice" or "push-to-talk"'),
    ("tones", "volume"): _PERCENT,
    ("panel", "pull"): _among(("up", "down", "none"), '"up", "down" or "none"'),
    ("panel", "pressed"): _LEVEL,
    ("panel", "lit"): _LEVEL,
    ("tap", "*"): _ACTION,
    ("double_tap", "*"): _LATER,
    ("long_press", "*"): _LATER,
    # BCM numbers of the 40-pin header of every Raspberry Pi since the B+.
    ("buttons", "*"): _among(range(28), "a BCM number, 1 to 27, or 0 for not wired"),
    ("lights", "*"): _among(range(28), "a BCM number, 1 to 27, or 0 for not wired"),
    # A week is the longest: what nobody looks at for longer is not looked after.
    ("self_test", "every_h"): _among(range(169), "0 to 168 hours"),
    ("hub", "listen"): address.read_listen,
    ("hub", "apps_file"): check_apps,
    ("hub", "tls_cert"): check_file,
    ("hub", "tls_key"): check_hubs_file,
    ("hub", "api_listen"): address.read_listen,
    ("hub", "api_secret_file"): check_secret,
    ("hub", "webhook_url"): check_webhook,
    ("hub", "webhook_secret_file"): check_secret,
}


# Keys that name files; what is in the first of them is secret.
SECRETS = (
    ("channel", "token_file"), ("hub", "apps_file"), ("hub", "tls_key"), ("hub", "api_secret_file"),
    ("hub", "webhook_secret_file"),
)  # fmt: skip
# Those of them that only the hub has to be able to read.
HUBS_FILES = tuple(key for section, key in SECRETS if section == "hub")
FILES = (*SECRETS, ("channel", "ca_file"), ("hub", "tls_cert"))


def find_conflicts(values: Mapping[str, Mapping[str, Any]], mistakes: dict[str, str]) -> None:
    """Add the mistakes that only two keys together make."""
    users: dict[int, str] = {}
    for section in ("buttons", "lights"):
        for key, pin in values[section].items():
            user = f"[{section}] {key}"
            if pin and user not in mistakes and users.setdefault(pin, user) != user:
                mistakes[user] = f"pin {pin} is taken by {users[pin]}; 0 means not wired"
    for button, action in values["tap"].items():
        if action in AT_THE_EDGE and values["double_tap"][button]:
            mistakes.setdefault(f"[double_tap] {button}", f'must be "": a tap there means {action}, and never waits')
    audio = values["audio"]
    if audio["sidetone"] and (audio["echo"] != "off" or values["gate"]["half_duplex"]):
        mistakes.setdefault(
            "[audio] sidetone",
            "must be 0 where echo is taken out or half_duplex is true: it is for headsets, which need neither",
        )
    _find_conflicts_of_hub(values["hub"], mistakes)


# Of [hub]: what the one is of no use without.
_NEEDS = (("tls_cert", "tls_key"), ("tls_key", "tls_cert"), ("api_secret_file", "api_listen"),
          ("webhook_secret_file", "webhook_url"))  # fmt: skip


def _find_conflicts_of_hub(hub: Mapping[str, Any], mistakes: dict[str, str]) -> None:
    for key, other in _NEEDS:
        if hub[key] and not hub[other]:
            mistakes.setdefault(f"[hub] {other}", f"is missing; {key} needs it")
    if hub["tls_cert"] and hub["tls_key"]:
        try:
            check_pair(hub["tls_cert"], hub["tls_key"])
        except (OSError, ValueError) as error:
            mistakes["[hub] tls_key"] = str(error)
    reachable = not hub["open"] and not address.is_loopback(address.read_listen(hub["listen"])[0])
    if reachable and "[hub] apps_file" not in mistakes and not asks_for_tokens(hub["apps_file"]):
        mistakes.setdefault(
            "[hub] listen",
            f"lets anybody on the network join at {hub['listen']}; open = true allows that, an apps_file with a "
            'certificate for each App asks for tokens, "127.0.0.1:8800" keeps it to this machine',
        )
    api = hub["api_listen"]
    if api and api == hub["listen"] and not api.endswith(":0"):
        mistakes.setdefault("[hub] api_listen", "must be another port than that of listen")
    if api and not hub["tls_cert"] and not address.is_loopback(address.read_listen(api)[0]):
        mistakes.setdefault(
            "[hub] api_listen", 'needs tls_cert and tls_key beyond this machine; "127.0.0.1:8801" keeps it to this one'
        )
