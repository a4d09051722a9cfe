"""What a seat belongs to: these hubs, this channel, and this start of the machine.

Not the next one: where a memory card was copied, two intercoms would sit in one seat.
"""

import hashlib
from pathlib import Path

from device.config import Channel

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def of(channel: Channel) -> str:
    """Another text is another place, or another time; "" where nobody knows."""
    try:
        boot = BOOT_ID.read_text()
    except OSError:
        return ""
    place = repr((boot, channel.hub, channel.app_id, channel.name, channel.uid, channel.role))
    return hashlib.sha256(place.encode()).hexdigest()
