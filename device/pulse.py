"""What systemd hears of a device or a hub that runs: that it is ready, what it does, and that it is alive.

The watchdog is fed from the loop, so a loop that hangs is noticed by the missing food; the audio threads are looked at.
Without systemd nothing runs here.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping

from device.service import systemd
from device.service.watchdog import Watchdog

logger = logging.getLogger(__name__)

# How long an audio thread may stay where it is. It comes round every 0.1 s, and every 2 s where its card is missing; a
# driver may take a while to open one.
HANG_S = 5.0
_LOOK_S = 1.0
# systemd advises half of what it waits for (sd_watchdog_enabled(3)); some more, as the loop may be late.
_TIMES_A_WAIT = 4


async def pulse(line: Callable[[], str], beats: Callable[[], Mapping[str, int]]) -> None:
    """Tell systemd that it is ready, and go on telling it until this is cancelled.

    line: what it does now, for people, as short as a line. beats: counters by name, each of which stands still only
    where something hangs.
    """
    if not systemd.listens():
        return
    said = line()
    systemd.ready(said)
    wait_s = min(_LOOK_S, (systemd.watchdog_s() or _LOOK_S * _TIMES_A_WAIT) / _TIMES_A_WAIT)
    watchdog, stuck = Watchdog(dict.fromkeys(beats(), HANG_S)), False
    while True:
        if watchdog.feed(time.monotonic(), beats()):
            systemd.feed_watchdog()
            stuck = False
        elif not stuck:
            logger.critical("hangs: %s; the watchdog will start it anew", " and ".join(watchdog.stuck))
            stuck = True
        await asyncio.sleep(wait_s)
        if (now := line()) != said:
            said = now
            systemd.status(said)
