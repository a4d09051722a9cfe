"""Whoever attacks a hub, for a second: a call beside it loses not one packet, and the hub does not grow.

scripts/bench hostile goes on for longer, and measures delays.
"""

import asyncio

import pytest

from tests.daemon import HubDaemon
from tests.hostile import siege
from tests.hostile.attacks import ATTACKS

LASTS_S = 1.0
# The worst of each kind: what fills memory, what costs time, what takes places, what comes again and again.
ONES = (
    "packets", "crowd that talks", "crowd that comes and goes", "crowd that is told much", "stolen uid",
    "tiny fragments", "long headers", "huge bodies", "slow loris", "connects",
)  # fmt: skip
MOST_MB = 50
# A machine that stood still for a moment has cost the call a packet once; a hub that does not share fairly always does.
TRIES = 3


@pytest.mark.alone
@pytest.mark.unmeasured
@pytest.mark.parametrize("name", ONES)
def test_an_honest_call_loses_nothing_and_the_hub_does_not_grow(name: str) -> None:
    for _ in range(TRIES):
        with HubDaemon(prefix=siege.FOR_THE_HUB) as hub, siege.undisturbed():
            figures = asyncio.run(siege.besiege(name, hub, hub.url, None, LASTS_S))
        if figures["lost"] == 0:
            break
    assert figures["attackers"] > 20, figures
    assert figures["lost"] == 0 and figures["packets"] > 30, figures
    assert figures["redials"] == 0, figures
    assert figures["memory_growth_mb"] < MOST_MB, figures
    assert not [line for line in hub.log if "ERROR" in line or "Traceback" in line]


def test_every_attack_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert set(ONES) < set(ATTACKS) and all(attack.__doc__ for attack in ATTACKS.values())
