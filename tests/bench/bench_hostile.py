"""A hub under attack: what an honest call beside it loses, and what the attack costs the hub.

    scripts/bench hostile [--only ATTACK]... [--seconds N]

Each attack of tests/hostile/attacks.py, from one address, as fast as one process can, against a hub process on a core
of its own; meanwhile two clients from another address talk, 50 packets a second that are numbered, and somebody joins
another channel again and again. The call shares the other core with the attack and goes first there, so its figures
are the hub's doing and the kernel's. Rows with TLS are attacks on that.

    lost                packets that were spoken and not heard
    longest_gap_ms      between two that were heard; 20 is none
    worst_delay_ms      of one of them; p99_delay_ms likewise
    worst_join_ms       of those who came meanwhile
    memory_growth_mb    of the hub, at most
    hub_cpu_percent     of its core
    own_lag_ms          by how much the call itself was late; not the hub's doing
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.channel.fakehub import make_certificates
from tests.daemon import HubDaemon
from tests.hostile import siege
from tests.hostile.attacks import ATTACKS

SECONDS = 8.0
MOST_MB = 50.0
WITH_TLS = ("packets", "silence", "half open tls", "hellos at once", "handshakes", "connects")


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line takes."""
    parser.add_argument("--only", action="append", metavar="ATTACK", choices=list(ATTACKS), help="this one; repeatable")
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="N", help=f"of each; default {SECONDS:g}")


def cases(chosen: argparse.Namespace) -> Iterator[dict[str, object]]:
    """One case per attack, and for some another one with TLS."""
    for secure in (False, True):
        for name in WITH_TLS if secure else ATTACKS:
            if not chosen.only or name in chosen.only:
                with _hub(secure) as (hub, url, ca_file), siege.undisturbed():
                    figures = asyncio.run(siege.besiege(name, hub, url, ca_file, chosen.seconds))
                yield {
                    "case": f"{name}{', TLS' if secure else ''}",
                    **figures,
                    "limit": f"lost <= 0, redials <= 0, memory_growth_mb <= {MOST_MB:g}",
                    "ok": figures["lost"] == figures["redials"] == 0 and figures["memory_growth_mb"] <= MOST_MB,
                }


@contextmanager
def _hub(secure: bool) -> Iterator[tuple[HubDaemon, str, str | None]]:
    """A hub of its own for each, its URL, and the CA of its certificate."""
    if not secure:
        with HubDaemon(prefix=siege.FOR_THE_HUB) as hub:
            yield hub, hub.url, None
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ca_file = make_certificates(folder).ca_file
        folder.chmod(0o755)
        (folder / "hub.key").chmod(0o644)  # of a hub that is not root
        (folder / "hub.toml").write_text(f'[hub]\ntls_cert = "{folder}/hub.pem"\ntls_key = "{folder}/hub.key"\n')
        with HubDaemon(0, "--config", str(folder / "hub.toml"), prefix=siege.FOR_THE_HUB) as hub:
            yield hub, hub.url.replace("ws:", "wss:"), ca_file
