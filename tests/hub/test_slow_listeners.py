"""A listener who does not read costs the others nothing, and old speech is not kept for him."""

import asyncio
import ssl
from typing import Any

import pytest

from device.channel import rules
from device.hub import connection, limits
from device.hubapp import Hub
from tests.hub.deaf import deaf, drain
from tests.hub.guest import guest
from tests.timing import seconds


async def test_a_listener_who_does_not_read_gets_only_what_is_fresh_when_he_reads_again() -> None:
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as talker, guest(hub.url) as other:
        await talker.join(1)
        await talker.ask("publish")
        await other.join(2, autoSubscribe=True)
        sleeper = await deaf(hub, 3)
        sequence = 0
        async with asyncio.timeout(seconds(60)):
            while not hub.snapshot()["packets_late"]:
                await talker.speak(sequence, b"p" * 1_200)
                sequence += 1
                await asyncio.sleep(1 / rules.MAX_PACKETS_PER_S)
        for _ in range(300):
            await talker.speak(sequence, b"p" * 1_200)
            sequence += 1
            await asyncio.sleep(1 / rules.MAX_PACKETS_PER_S)
        await other.until(lambda: len(other.packets) == sequence)
        late = hub.snapshot()["packets_late"]
        assert late >= 200, "more than the backlog keeps has been dropped, and the other one lost nothing"
        got = await drain(sleeper)
        assert sequence - 1 in got and sequence - 150 not in got
        assert got == sorted(got) and len(got) <= sequence - late
        sleeper.close()


async def test_tls_keeps_no_more_for_a_listener_who_does_not_read(certificate: tuple[str, str]) -> None:
    async def taken(**options: Any) -> int:
        """How many packets of 1.2 kB are on their way to him before the first is dropped."""
        trust = {"ssl": ssl.create_default_context(cafile=certificate[0])} if options else {}
        async with Hub("127.0.0.1:0", **options) as hub, guest(hub.url, **trust) as talker:
            await talker.join(1)
            await talker.ask("publish")
            sleeper = await deaf(hub, 2, **trust)
            sequence = 0
            while not hub.snapshot()["packets_late"]:
                await talker.speak(sequence, b"p" * 1_200)
                sequence += 1
                await asyncio.sleep(1 / rules.MAX_PACKETS_PER_S)
            sleeper.close()
            return sequence

    async with asyncio.timeout(seconds(60)):
        tls = await taken(tls_cert=certificate[0], tls_key=certificate[1])
        assert tls <= await taken() + 16


async def test_who_leaves_his_texts_unread_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUEST_BURST", 1_000_000)
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as other:
        await other.join(2)
        sleeper = await deaf(hub, 3)
        async with asyncio.timeout(seconds(60)):
            while hub.snapshot()["connections"] == 2:
                await other.ask("publish")
                await other.ask("unpublish")
        sleeper.close()


async def test_who_leaves_much_unread_is_cut_off_sooner_where_others_of_his_address_do_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "REQUEST_BURST", 1_000_000)
    monkeypatch.setattr(connection, "MUCH_UNREAD_BYTES", 2_000)
    monkeypatch.setattr(connection, "MAX_UNREAD_OF_ADDRESS_BYTES", 20_000)
    async with Hub("127.0.0.1:0") as hub, guest(hub.url) as other:
        await other.join(2)
        sleepers = [await deaf(hub, uid) for uid in (3, 4, 5, 6)]
        told = 0
        async with asyncio.timeout(seconds(60)):
            while hub.snapshot()["connections"] == 5:
                await other.ask("publish")
                await other.ask("unpublish")
                told += 2
        ended = hub.snapshot()["connections"]
        assert ended in (2, 3, 4), "not all of them: what the first had is not counted any more"
        for sleeper in sleepers:
            sleeper.close()
        async with asyncio.timeout(seconds(10)):
            while hub.snapshot()["connections"] > 1:
                await asyncio.sleep(0.01)
        alone = await deaf(hub, 7)
        for _ in range(told // 2):  # four of them have brought it to the limit with that; one alone does not
            await other.ask("publish")
            await other.ask("unpublish")
        assert hub.snapshot()["connections"] == 2
        alone.close()
