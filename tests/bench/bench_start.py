"""How soon it talks: from the start of the process to its first packet at the hub.

A real device process with the shipped defaults, tones, buttons and lights as well, on the virtual card, a real hub, and
a listener that is in the channel already; it is on loopback, so that the first packet is there as soon as the hub has
forwarded it. Limit: 0.8 s,
as the median of the starts. Beside it how long Python alone takes to start and to import what the device imports.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

from device.channel.client import Client
from tests import pins
from tests.box import folder
from tests.daemon import APP_ID, AS_SHIPPED, ROOT, DeviceDaemon, HubDaemon
from tests.soundcard import Bench

STARTS = 9
LIMIT_S = 0.8


def cases() -> Iterator[dict[str, object]]:
    """One case."""
    with HubDaemon() as hub, Bench() as bench, folder() as place:
        bench.device("mic")
        bench.device("spk")
        env = {**bench.env("mic", "spk"), **pins.env(place / "pins.sock")}
        starts = [asyncio.run(_start(hub, env)) for _ in range(STARTS)]
    imports = [_import() for _ in range(STARTS)]
    median_s = statistics.median(starts)
    yield {
        "case": "process start to first packet",
        "median_s": round(median_s, 3),
        "worst_s": round(max(starts), 3),
        "python_and_imports_s": round(statistics.median(imports), 3),
        "limit": f"{LIMIT_S} s",
        "ok": median_s <= LIMIT_S,
    }


async def _start(hub: HubDaemon, env: Mapping[str, str]) -> float:
    first: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def heard(packet: object, arrived_ns: int) -> None:
        if not first.done():
            first.set_result(arrived_ns / 1e9)

    listener = Client([hub.url])
    listener.init(APP_ID)
    listener.on("media", heard)
    await listener.join(None, "lobby", auto_subscribe=True)
    began = time.monotonic()
    with DeviceDaemon(hub.url, env=env, **AS_SHIPPED):
        heard_at = await asyncio.wait_for(first, 30)
    await listener.leave()
    return heard_at - began


def _import() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import device.app, device.config"], cwd=ROOT, check=True)
    return time.monotonic() - began
