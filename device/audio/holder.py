"""Which program holds a sound card, as the kernel tells below /proc/asound, to whoever may see that program."""

import re
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
# hw:CARD=Device,DEV=1  plughw:1,0  sysdefault:Device
_CARD = re.compile(r"\w+:(?:CARD=)?(?P<card>\w+)(?:,(?:DEV=)?(?P<device>\d+))?")


def find(device: str, capture: bool) -> str:
    """Its name and process, as "arecord (1234)"; "" where that cannot be known, as of `default`, or of another user."""
    named = _CARD.fullmatch(device)
    if named is None:
        return ""
    card = f"card{named['card']}" if named["card"].isdecimal() else named["card"]
    stream = PROC / "asound" / card / f"pcm{named['device'] or 0}{'c' if capture else 'p'}"
    for status in sorted(stream.glob("sub*/status")):
        with suppress(OSError):  # it ends just now, or is hidden from us
            owner = re.search(r"^owner_pid\s*: (\d+)$", status.read_text(), re.MULTILINE)
            if owner is not None:
                return f"{_name(owner[1])} ({owner[1]})"
    return ""


def _name(pid: str) -> str:
    """Raises OSError. It is cut after 15 bytes, perhaps within a character, and a program may call itself anything."""
    name = (PROC / pid / "comm").read_text("utf-8", errors="replace").strip()
    return "".join(one if one.isprintable() else "?" for one in name)
