"""Where a hub is: ws://host:port or wss://host:port, as people write it and as a connection needs it. PURE."""

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from device.channel import rules

SCHEMES = {"ws": 80, "wss": 443}
# Where a hub listens that nobody has told otherwise.
HUB_PORT = 8800

# What people write who leave something out: a host with a dot, a port or brackets. Any other word may be a secret.
_BARE = re.compile(r"(?:(http)(s)?://)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d+)?/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """One hub. `url` is what is dialled and may hold a secret in its query, `str(address)` is what people may see."""

    url: str = field(repr=False)
    secure: bool
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'wss' if self.secure else 'ws'}://{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there cannot leave this machine."""
        return is_loopback(self.host)


def read(url: str) -> Address:
    """The hub that a URL names; no path means the protocol's own. Raises ValueError with one sentence."""
    sentence = "a hub has an address such as ws://192.168.1.10:8800 or wss://hub.example.org"
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:  # its text may quote the URL, and with it a secret
        raise ValueError(sentence) from None
    if parts.scheme not in SCHEMES or not parts.hostname or not url.isascii():
        raise ValueError(sentence)
    if parts.username is not None or parts.fragment:
        raise ValueError("the address of a hub has neither user name nor fragment; a token goes into the token file")
    path = rules.PATH if parts.path in ("", "/") else parts.path
    dialled = parts._replace(path=path).geturl()
    return Address(dialled, parts.scheme == "wss", parts.hostname, SCHEMES[parts.scheme] if port is None else port)


def meant(text: str) -> str:
    """The address that somebody probably meant, which `read` takes; "" where nobody can tell, or it may be a secret."""
    text = text.strip()
    bare = _BARE.fullmatch(f"[{text}]" if re.fullmatch(r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*", text) else text)
    if bare and (bare[4] or bare[3].lower() == "localhost" or re.search(r"[.:]", bare[3])):
        text = f"{'wss' if bare[2] else 'ws'}://{bare[3]}{bare[4] or f':{HUB_PORT}'}"
    try:
        read(text)
    except ValueError:
        return ""
    return text


def stream_url(hub: str, channel: str, uid: int) -> str:
    """What a stream is called: ws://hub:8800/v1/lobby/7, the protocol's path, channel (percent-encoded) and uid.

    A name for people and programs, unique within an App. It is played by joining that channel at that hub; nothing
    answers at the path itself, and nothing secret is in it.
    """
    return f"{hub}{rules.PATH}/{quote(channel, safe='')}/{uid}"


def read_listen(listen: str) -> tuple[str, int]:
    """Where a hub listens: HOST:PORT, or [HOST]:PORT for IPv6; host without its brackets, port 0 for any free one.

    Raises ValueError with one sentence.
    """
    host, _, port = listen.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not host or not port.isdecimal() or int(port) > 65_535 or (":" in host and not bracketed):
        raise ValueError(f'must be HOST:PORT, such as "127.0.0.1:8800" or "[::1]:8800", not {listen!r}')
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches that host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def of_own_hub(listen: str, secure: bool) -> str:
    """How the machine that listens there reaches itself. Raises ValueError, as `read_listen`."""
    host, port = read_listen(listen)
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    if everywhere:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"{'wss' if secure else 'ws'}://{f'[{host}]' if ':' in host else host}:{port}"
