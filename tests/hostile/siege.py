"""A hub, an honest call, somebody who attacks the hub: what the call loses, and what it costs.

The hub has one core, the call and the attack share another, each before the next: in reality they are three machines.
"""

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from device.channel import rtp
from device.channel.client import Client
from tests.daemon import APP_ID, ROOT, HubDaemon
from tests.timing import seconds

CHANNEL = "honest"
TALKER, LISTENER = 1, 2
PACKET_S = 0.02
SAMPLES = 960
PAYLOAD = bytes(60)
LOOK_EVERY_S = 0.05
# What an attack may leave behind is still to be seen then.
AFTER_S = 0.5

CORES = sorted(os.sched_getaffinity(0))


_FIRST = ("nice", "-n", "-10") if os.geteuid() == 0 else ()
FOR_THE_HUB = (*_FIRST, "taskset", "--cpu-list", str(CORES[0]))
_FOR_THE_ATTACK = ("chrt", "--other", "0", "nice", "-n", "19", "taskset", "--cpu-list", str(CORES[-1]))


@contextmanager
def undisturbed() -> Iterator[None]:
    """This process is as if it had a machine of its own; as far as it may, which root may."""
    with ExitStack() as stack:
        os.sched_setaffinity(0, {CORES[-1]})
        stack.callback(os.sched_setaffinity, 0, set(CORES))
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            stack.callback(os.sched_setscheduler, 0, os.SCHED_OTHER, os.sched_param(0))
        yield


@dataclass
class Call:
    """Somebody talks to somebody: when each packet was spoken, and when it was heard. first: the number of the first"""

    talker: Client
    listener: Client
    spoken_s: list[float] = field(default_factory=list)
    heard_s: dict[int, float] = field(default_factory=dict)
    late_s: list[float] = field(default_factory=list)

    async def talk(self) -> None:
        """Until it is cancelled."""
        first, began_s = random.getrandbits(32), time.monotonic()
        while True:
            number = len(self.spoken_s)
            await asyncio.sleep(began_s + number * PACKET_S - time.monotonic())
            self.spoken_s.append(time.monotonic())
            self.late_s.append(self.spoken_s[-1] - began_s - number * PACKET_S)
            # The payload says which one it is: a sequence number is the client's own affair.
            payload = number.to_bytes(4, "big") + PAYLOAD
            self.talker.send(payload, (first + number * SAMPLES) & 0xFFFFFFFF, -20, number == 0)

    def heard(self, packet: rtp.Packet, arrived_ns: int) -> None:
        """The listener got one."""
        if packet.ssrc == TALKER:
            self.heard_s.setdefault(int.from_bytes(packet.payload[:4], "big"), arrived_ns / 1e9)

    def lost(self) -> int:
        """Spoken and not heard."""
        return len(self.spoken_s) - len(self.heard_s)

    def figures(self, from_s: float) -> dict[str, float]:
        """Of what was spoken from this moment on."""
        numbers = [number for number, at in enumerate(self.spoken_s) if at >= from_s]
        times = sorted(self.heard_s[number] for number in numbers if number in self.heard_s)
        delays = [self.heard_s[number] - self.spoken_s[number] for number in numbers if number in self.heard_s]
        delays.sort()
        return {
            "packets": len(numbers),
            "lost": len(numbers) - len(times),
            "longest_gap_ms": round(1e3 * max((b - a for a, b in pairwise(times)), default=float("inf")), 1),
            "p99_delay_ms": round(1e3 * delays[int(len(delays) * 0.99)], 1) if delays else float("inf"),
            "worst_delay_ms": round(1e3 * delays[-1], 1) if delays else float("inf"),
            "own_lag_ms": round(1e3 * max(self.late_s[number] for number in numbers), 1),
        }


@asynccontextmanager
async def honest_call(url: str, ca_file: str | None) -> AsyncIterator[Call]:
    """A call, with 20 packets of it heard, and the last one that was spoken heard or lost when it ends."""
    call = Call(Client([url], ca_file=ca_file), Client([url], ca_file=ca_file))
    people = (call.talker, TALKER), (call.listener, LISTENER)
    for client, uid in people:
        client.init(APP_ID)
        await client.join(None, CHANNEL, uid, auto_subscribe=True)
    call.listener.on("media", call.heard)
    await call.talker.publish()
    talking = asyncio.get_running_loop().create_task(call.talk())
    try:
        async with asyncio.timeout(seconds(10)):
            while len(call.heard_s) < 20:
                await asyncio.sleep(PACKET_S)
        yield call
    finally:
        talking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await talking
        await asyncio.sleep(AFTER_S)
        for client, _ in people:
            await client.leave()


async def newcomers(url: str, ca_file: str | None, took_s: list[float]) -> None:
    """Until it is cancelled, somebody honest joins another channel again and again: how long each took."""
    while True:
        client, began_s = Client([url], ca_file=ca_file), time.monotonic()
        client.init(APP_ID)
        try:
            await client.join(None, "next door")
        finally:  # also of one that is still waiting
            took_s.append(time.monotonic() - began_s)
            await client.leave()
        await asyncio.sleep(0.2)


async def attack(name: str, hub: HubDaemon, secure: bool, seconds: float) -> dict[str, Any]:
    """Be attacked for so long; what the attack has to say."""
    arguments = (name, str(seconds), str(hub.port), str(secure), CHANNEL, str(TALKER))
    process = await asyncio.create_subprocess_exec(
        *_FOR_THE_ATTACK, sys.executable, "-m", "tests.hostile.attacks", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, f"the attack itself has failed: {process.returncode}"
    told: dict[str, Any] = json.loads(said)
    return told


async def besiege(name: str, hub: HubDaemon, url: str, ca_file: str | None, lasts_s: float) -> dict[str, Any]:
    """One attack on this hub: the figures of the call beside it, and what it costs the hub."""
    quiet_mb, most_mb = hub.rss_mb(), [0.0]

    async def look() -> None:
        while True:
            most_mb[0] = max(most_mb[0], hub.rss_mb())
            await asyncio.sleep(LOOK_EVERY_S)

    joins_s: list[float] = []
    loop = asyncio.get_running_loop()
    async with honest_call(url, ca_file) as call:
        tasks = [loop.create_task(look()), loop.create_task(newcomers(url, ca_file, joins_s))]
        began_s, cpu_s = time.monotonic(), hub.cpu_s()
        told = await attack(name, hub, ca_file is not None, lasts_s)
        took_s, cpu_s = time.monotonic() - began_s, hub.cpu_s() - cpu_s
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        redials = call.talker.status.reconnects + call.listener.status.reconnects
    return {
        **call.figures(began_s),
        "redials": redials,
        "worst_join_ms": round(1e3 * max(joins_s), 1),
        "memory_growth_mb": round(max(most_mb[0], hub.rss_mb()) - quiet_mb, 1),
        "hub_cpu_percent": round(100 * cpu_s / took_s),
        "attackers": told["made"],
        "turned_away": told["refused"],
    }
