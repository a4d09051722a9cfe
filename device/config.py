"""intercom.toml read into frozen dataclasses.

The shipped intercom.toml beside this file is documentation, defaults and schema in one: a key that is not in it is
refused, and a value has the type of its default. What else a value must be is in checks.py; a default needs
none. `load` collects every mistake before it raises, one line each; `as_toml` writes what a configuration comes to.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from device import checks, tomltext
from device.channel import address
from device.tomltext import did_you_mean, one_line

DEFAULTS = Path(__file__).with_name("intercom.toml")
Values = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Channel:
    """[channel]: whom to talk to, and as whom."""

    hub: tuple[str, ...]
    ca_file: str
    insecure: bool
    app_id: str
    name: str
    label: str
    uid: int
    token_file: str
    role: str
    start: str
    start_muted: bool


@dataclass(frozen=True, slots=True)
class Audio:
    """[audio]: the sound card, what is made of its sound, and the codec. bitrate in bit/s; volume and sidetone in
    percent."""

    capture: str
    playback: str
    frame_ms: int
    bitrate: int
    complexity: int
    volume: int
    echo: str
    noise: bool
    gain: bool
    priority: int
    equal: bool
    sidetone: int


@dataclass(frozen=True, slots=True)
class Gate:
    """[gate]: what of the sound is sent."""

    mode: str
    half_duplex: bool


@dataclass(frozen=True, slots=True)
class Ring:
    """[ring]: whom a call by button is for, 0 for everybody, and what becomes of one that comes."""

    uid: int
    auto_answer: bool
    do_not_disturb: bool


@dataclass(frozen=True, slots=True)
class Tones:
    """[tones]: volume in percent."""

    on: bool
    volume: int


@dataclass(frozen=True, slots=True)
class Panel:
    """[panel]: how buttons and lights are wired."""

    pull: str
    pressed: str
    lit: str


@dataclass(frozen=True, slots=True)
class Buttons:
    """[buttons]: BCM numbers of the pins, 0 where nothing is wired."""

    mute: int
    leave: int
    rejoin: int
    talk: int
    call: int
    volume_up: int
    volume_down: int


@dataclass(frozen=True, slots=True)
class Gestures:
    """[tap], [double_tap], [long_press]: what each button does then, "" for nothing."""

    mute: str
    leave: str
    rejoin: str
    talk: str
    call: str
    volume_up: str
    volume_down: str


@dataclass(frozen=True, slots=True)
class Lights:
    """[lights]: BCM numbers of the pins, 0 where nothing is wired."""

    link: int
    talk: int
    mute: int


@dataclass(frozen=True, slots=True)
class SelfTest:
    """[self_test]: how often the box listens to itself, hours; 0 for never."""

    every_h: int


@dataclass(frozen=True, slots=True)
class Hub:
    """[hub]: the hub that this program serves itself."""

    listen: str
    apps_file: str
    open: bool
    tls_cert: str
    tls_key: str
    api_listen: str
    api_secret_file: str
    webhook_url: str
    webhook_secret_file: str


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration without a mistake."""

    channel: Channel
    audio: Audio
    gate: Gate
    ring: Ring
    tones: Tones
    panel: Panel
    buttons: Buttons
    tap: Gestures
    double_tap: Gestures
    long_press: Gestures
    lights: Lights
    self_test: SelfTest
    hub: Hub


class ConfigError(ValueError):
    """Everything that is wrong with a configuration, one line each."""


def search() -> list[Path]:
    """Where a configuration is looked for when none is named, in this order."""
    own = os.environ.get("XDG_CONFIG_HOME") or f"{os.environ.get('HOME', '')}/.config"
    return [Path("/etc/intercomd/intercom.toml"), Path(own, "intercomd", "intercom.toml")]


def find() -> Path | None:
    """The first file of `search` that can be seen."""
    return next((found for found in search() if os.access(found, os.F_OK)), None)


def load(
    path: Path | None = None,
    *,
    needs_app_id: bool = True,
    hub: Mapping[str, Any] | None = None,
    beside: Path | None = None,
) -> Config:
    """The configuration of `path`, or else of what `find` finds, or the defaults alone.

    needs_app_id: whether an empty [channel] app_id is a mistake, as it is for a device. hub: what counts instead of
    what the file says in [hub]. beside: the folder of files that are named without one, if not that of the
    configuration. Raises ConfigError.
    """
    path = path or find()
    if path is None and needs_app_id:
        places = " nor ".join(map(str, search()))
        raise ConfigError(f"there is no configuration, neither {places}; sudo scripts/install in a checkout makes one")
    values, mistakes = _merge(_read(DEFAULTS), _placed(_read(path), beside or path.parent) if path else {})
    values["hub"] |= hub or {}
    checks.find_conflicts(values, mistakes)
    for key in hub or {}:  # the file is not to blame, and the hub looks at it itself
        mistakes.pop(f"[hub] {key}", None)
    if needs_app_id and not values["channel"]["app_id"]:
        mistakes.setdefault("[channel] app_id", "is missing; take the hub's, or make one: openssl rand -hex 16")
    if mistakes:
        file = path or search()[-1]
        lines = (f"{where}: {line}" for where, what in mistakes.items() for line in what.split("\n"))
        raise ConfigError("\n".join(one_line(f"{file}: {line}") for line in lines))
    own = values["hub"]
    hubs = values["channel"]["hub"] or [address.of_own_hub(own["listen"], bool(own["tls_cert"]))]
    return Config(
        channel=Channel(**values["channel"] | {"hub": tuple(hubs)}),
        audio=Audio(**values["audio"]),
        gate=Gate(**values["gate"]),
        ring=Ring(**values["ring"]),
        tones=Tones(**values["tones"]),
        panel=Panel(**values["panel"]),
        buttons=Buttons(**values["buttons"]),
        tap=Gestures(**values["tap"]),
        double_tap=Gestures(**values["double_tap"]),
        long_press=Gestures(**values["long_press"]),
        lights=Lights(**values["lights"]),
        self_test=SelfTest(**values["self_test"]),
        hub=Hub(**values["hub"]),
    )


def as_toml(config: Config) -> str:
    """The whole configuration as a file that `load` reads again; what may be a secret in a URL is masked."""
    sections: Values = asdict(config)
    sections["channel"]["hub"] = [tomltext.masked(url) for url in config.channel.hub]
    sections["hub"]["webhook_url"] = checks.masked_webhook(config.hub.webhook_url)
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {tomltext.toml(value)}\n" for key, value in keys.items())
        for section, keys in sections.items()
    )


def _read(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises ConfigError for one that cannot be read, or is no TOML."""
    try:
        return tomltext.parse(path.read_text("utf-8-sig"))
    except OSError as error:
        sudo = "; use sudo" * isinstance(error, PermissionError)
        raise ConfigError(f"{path}: cannot be read: {error.strerror}{sudo}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _placed(given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The same, with a file that is named without its folder looked for in this one."""
    for section, key in checks.FILES:
        keys = given.get(section)
        if isinstance(keys, dict) and isinstance(name := keys.get(key), str) and name:
            keys[key] = str(folder.absolute() / name)
    return given


def _merge(values: Values, given: Mapping[str, Any]) -> tuple[Values, dict[str, str]]:
    """The defaults `values` with what was given over them, and what is wrong with it: where -> what."""
    mistakes = {}
    for section, keys in given.items():
        if section not in values and not isinstance(keys, dict):
            mistakes[section] = f"stands before the first section{_home(section, values)}"
        elif section not in values:
            mistakes[f"[{section}]"] = f"no such section{did_you_mean(section, values, '[{}]')}"
        elif not isinstance(keys, dict):
            mistakes[section] = f"is a section of its own, [{section}]"
        else:
            for key, value in keys.items():
                if mistake := _mistake(section, key, value, values):
                    mistakes[f"[{section}] {key}"] = mistake
                else:
                    values[section][key] = value
    return values, mistakes


def _mistake(section: str, key: str, value: object, values: Values) -> str:
    """What is wrong with one key; "" where nothing is."""
    if key not in values[section]:
        return f"no such key{did_you_mean(key, values[section]) or _home(key, values)}"
    default = values[section][key]
    try:
        check = checks.CHECKS.get((section, key)) or checks.CHECKS.get((section, "*")) or str
        tomltext.check_type(default, value, check, address.meant)  # a list is one of hubs
        if value != default:
            check(value)
    except ValueError as error:
        return str(error)
    return ""


def _home(key: str, values: Values) -> str:
    homes = [f"[{section}]" for section, keys in values.items() if key in keys]
    return f"; it belongs into {' or '.join(homes)}" if homes else ""
