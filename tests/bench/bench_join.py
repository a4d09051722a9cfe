"""Join: from the call to the seat, over loopback, with a 007 token that the hub verifies. Hub in a process of its own.

A thousand joins one after the other, each over a connection of its own and with a token of its own; making the token
does not count. Limit: the 99th percentile within 50 ms.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator

from device.channel.client import Client
from tests.box import folder
from tests.daemon import HubDaemon
from tests.hub.house import APP
from tests.hub.passes import CERTIFICATE, token

JOINS, WARM_UP = 1_000, 20
LIMIT_MS = 50.0


def cases() -> Iterator[dict[str, object]]:
    """With and without a token."""
    with folder() as place:
        apps = place / "apps.toml"
        apps.write_text(f'[[app]]\napp_id = "{APP}"\ncertificate = "{CERTIFICATE}"\n')
        config = place / "hub.toml"
        config.write_text(f'[hub]\napps_file = "{apps}"\n')
        with HubDaemon(0, "--config", str(config)) as hub:
            yield _case("join with a 007 token", asyncio.run(_joins_ms(hub.url, tokens=True)))
    with HubDaemon() as hub:
        yield _case("join without a token", asyncio.run(_joins_ms(hub.url, tokens=False)))


def _case(name: str, took_ms: list[float]) -> dict[str, object]:
    p99_ms = statistics.quantiles(took_ms, n=100)[98]
    return {
        "case": name,
        "joins": len(took_ms),
        "median_ms": round(statistics.median(took_ms), 2),
        "p99_ms": round(p99_ms, 2),
        "worst_ms": round(max(took_ms), 2),
        "limit": f"p99_ms <= {LIMIT_MS:g}",
        "ok": p99_ms <= LIMIT_MS,
    }


async def _joins_ms(url: str, tokens: bool) -> list[float]:
    took_ms = []
    for uid in range(1, JOINS + WARM_UP + 1):
        client, key = Client([url], insecure=True), token(uid, made_s=time.time()) if tokens else None
        client.init(APP)
        began_s = time.perf_counter()
        await client.join(key, "lobby", uid)
        took_ms.append((time.perf_counter() - began_s) * 1e3)
        await client.leave()
        await asyncio.sleep(0.02)  # within the pace that one address may connect at
    return took_ms[WARM_UP:]
