"""The apps file: which Apps a hub serves, and what it asks of whom. PURE.

    [[app]]
    app_id = "970CA35de60c44645bbae8a215061b33"
    certificate_file = "/etc/intercomd/main.cert"     # or certificate = "32 hexadecimal characters"
    certificate_secondary_file = ""                   # or certificate_secondary = ""
    profile = "live"
    co_host = false
    max_seats = 500
    max_publishers = 500

certificate: without one the App ID lets in; with one it takes a token that was made with it. The secondary one counts
as much, so that one of the two can be exchanged while tokens of the other are about. A certificate is a secret, and may
stand in a file of its own; the name of one that does not begin with / counts from the folder of the apps file.

profile: "live": an audience only hears, and is announced to nobody. "communication": everybody may publish, whatever
role he asks for, and is announced. Of an App that no file names nothing is known; it is live, as it was before there
were such files: where nobody asks to be an audience the two are the same.

co_host: publishing takes a token with the privilege to publish, beside the role. Without it any token will do.
max_seats, max_publishers: of one channel. Those who are above a limit that has become less stay.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from device import tomltext
from device.channel import rules
from device.channel.rules import Profile
from device.hub import limits
from device.tomltext import did_you_mean, one_line, toml

_MOST = limits.MAX_SEATS_PER_CHANNEL

TOO_OPEN = (
    "the hub would let anybody on the network join at {}: set open = true in [hub] or --open to allow it, an apps_file "
    'with a certificate for each App, or listen = "127.0.0.1:8800"'
)


@dataclass(frozen=True, slots=True)
class App:
    """One of them. app_id: as its owner writes it. certificates: primary and secondary, none where it has none.

    listed: whether a file says so. Of an App that is served without that, nobody has said what a token must be, and
    none is looked at.
    """

    app_id: str
    certificates: tuple[str, ...] = field(default=(), repr=False)
    profile: Profile = Profile.LIVE
    co_host: bool = False
    max_seats: int = _MOST
    max_publishers: int = _MOST
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Apps:
    """Those that a hub serves. known: by App ID in lower case, as its case does not count. others: serve any other App
    ID, too, since Apps never hear each other."""

    known: Mapping[str, App] = field(default_factory=dict)
    others: bool = False

    @classmethod
    def of_ids(cls, app_ids: Iterable[str]) -> "Apps":
        """These, of which nothing more is known; none means every one. Raises ValueError for what is no App ID."""
        known = {app_id.lower(): App(rules.check_app_id(app_id)) for app_id in app_ids}
        return cls(known, others=not known)

    def find(self, app_id: str) -> App | None:
        """The App with this ID, None where it is not served."""
        app = self.known.get(app_id.lower())
        return App(app_id) if app is None and self.others else app

    @property
    def ask_for_tokens(self) -> bool:
        """Whether nobody comes in with an App ID alone."""
        return not self.others and all(app.certificates for app in self.known.values())


EVERY = Apps(others=True)


class AppsError(ValueError):
    """Everything that is wrong with an apps file, one line each: which key of which App, what, and what was meant."""


def read(text: str, read_file: Callable[[str], str]) -> Apps:
    """An apps file. read_file: what stands in the file of this name; raises ValueError with why nobody can know.

    Raises AppsError.
    """
    try:
        content = tomltext.parse(text)
    except ValueError as error:
        raise AppsError(str(error)) from error
    mistakes = [f"{name}: {_not_an_app(name, value)}" for name, value in content.items() if not _is_apps(name, value)]
    tables = content["app"] if _is_apps("app", content.get("app")) else []
    if not tables and not mistakes:
        mistakes.append("[[app]]: is missing: a hub serves the Apps that are named here")
    readings = [_Reading(table, read_file) for table in tables]
    counts = Counter(reading.app_id.lower() for reading in readings)
    for number, reading in enumerate(readings, 1):
        if reading.app_id and counts[reading.app_id.lower()] > 1:
            reading.mistakes.setdefault("app_id", "stands twice in this file")
        mistakes += [f"[[app]] {number} {key}: {what}" for key, what in reading.mistakes.items()]
    if mistakes:
        raise AppsError("\n".join(one_line(mistake) for mistake in mistakes))
    return Apps({reading.app_id.lower(): reading.app() for reading in readings})


def _is_apps(name: str, value: object) -> bool:
    return name == "app" and isinstance(value, list) and all(isinstance(table, dict) for table in value)


def _not_an_app(name: str, value: object) -> str:
    if name == "app":
        return "must be [[app]], in two pairs of brackets, for each App"
    if name in _DEFAULTS:
        return "stands before the first [[app]]"
    what = "section" if isinstance(value, dict | list) else "key"
    return f"no such {what}{did_you_mean(name, ['app'], '[[{}]]')}"


_DEFAULTS: dict[str, Any] = {
    "app_id": "", "certificate": "", "certificate_file": "", "certificate_secondary": "",
    "certificate_secondary_file": "", "profile": Profile.LIVE.value, "co_host": False,
    "max_seats": _MOST, "max_publishers": _MOST,
}  # fmt: skip


def _check_value(key: str, value: object) -> None:
    """Of its right type. Raises ValueError."""
    if key == "app_id":
        rules.check_app_id(str(value))
    elif key == "profile" and value not in list(Profile):
        raise ValueError(f'must be "communication" or "live", not {toml(value)}')
    elif key.startswith("max_") and value not in range(1, _MOST + 1):
        raise ValueError(f"must be 1 to {_MOST}, not {toml(value)}")


class _Reading:
    """One [[app]]. values: those of its keys, with a default for each that is missing or wrong. mistakes: by key."""

    def __init__(self, table: Mapping[str, object], read_file: Callable[[str], str]) -> None:
        self.values = dict(_DEFAULTS)
        self.mistakes: dict[str, str] = {}
        self._read_file = read_file
        for key, value in table.items():
            try:
                self._check(key, value)
                self.values[key] = value
            except ValueError as error:
                self.mistakes[key] = str(error)
        if "app_id" not in table:
            self.mistakes["app_id"] = "is missing; make one: openssl rand -hex 16"
        primary, secondary = self._certificate("certificate"), self._certificate("certificate_secondary")
        self._certificates = tuple(one for one in (primary, secondary) if one)
        self._find_conflicts(primary, secondary)

    @property
    def app_id(self) -> str:
        """As it is written; empty where it is missing or wrong."""
        app_id: str = self.values["app_id"]
        return app_id

    def app(self) -> App:
        """What it comes to, where there is no mistake."""
        values = self.values
        return App(
            self.app_id, self._certificates, Profile(values["profile"]), values["co_host"],
            values["max_seats"], values["max_publishers"], listed=True,
        )  # fmt: skip

    def _check(self, key: str, value: object) -> None:
        if key not in _DEFAULTS:
            raise ValueError(f"no such key{did_you_mean(key, _DEFAULTS)}")
        if key in ("certificate", "certificate_secondary"):  # a secret: nobody is asked whether that is what he meant
            if not isinstance(value, str):
                raise ValueError("must be text in quotes")
            return
        tomltext.check_type(_DEFAULTS[key], value, lambda meant: _check_value(key, meant))
        _check_value(key, value)

    def _certificate(self, key: str) -> str:
        """What this key and that of its file come to, "" for none."""
        certificate, file = self.values[key], self.values[f"{key}_file"]
        if certificate and file:
            self.mistakes[f"{key}_file"] = f"must be empty: there is {key}, too"
            return ""
        if file:
            key = f"{key}_file"
        try:
            certificate = self._read_file(file).strip() if file else certificate
            return rules.check_certificate(certificate) if certificate or file else ""
        except ValueError as error:
            self.mistakes[key] = str(error)
            return ""

    def _find_conflicts(self, primary: str, secondary: str) -> None:
        """Add the mistakes that only two keys together make."""
        if any(key.startswith("certificate") for key in self.mistakes):
            return
        if secondary and not primary:
            self.mistakes["certificate"] = "is missing; certificate_secondary stands beside one"
        elif secondary and secondary == primary:
            self.mistakes["certificate_secondary"] = "is the same as certificate"
        elif self.values["co_host"] and not primary:
            self.mistakes["co_host"] = "needs a certificate: the right to publish is in a token"
