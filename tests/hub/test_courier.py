"""The webhook of a real hub: what happens is told, signed; a receiver that is dead costs nobody anything."""

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from device.channel import resolver
from device.hub import courier, limits, webhooks
from device.hubapp import Hub
from tests.hub.guest import guest, honest_call
from tests.hub.house import APP
from tests.hub.office import BAN, HOOK_SECRET, RULES, SECRET, clerk, secret_file
from tests.hub.receiver import PATH, Receiver
from tests.timing import seconds


def telling(folder: Path, url: str, **more: Any) -> Hub:
    """A hub with a webhook."""
    return Hub("127.0.0.1:0", webhook_url=url, webhook_secret_file=secret_file(folder, HOOK_SECRET), **more)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures are tried again at once."""
    monkeypatch.setattr(webhooks, "FIRST_RETRY_S", 0.01)


async def test_H13_who_comes_and_goes_is_told_signed(tmp_path: Path) -> None:
    """The receiver looks at both signatures."""
    async with Receiver() as receiver, telling(tmp_path, receiver.url) as hub, guest(hub.url) as someone:
        await someone.join(7, label="kitchen")
        await someone.ask("leave")
        created, joined, left, destroyed = await receiver.until(101, 103, 104, 102)
    assert (created["channelName"], joined["uid"], joined["label"], joined["appId"]) == ("lobby", 7, "kitchen", APP)
    assert (left["reason"], left["duration"], destroyed["lastUid"]) == (1, 0, 7)
    assert len({event["noticeId"] for event in receiver.events}) == 4


async def test_H7_H13_reasons_of_a_leave(tmp_path: Path) -> None:
    more = {"api_listen": "127.0.0.1:0", "api_secret_file": secret_file(tmp_path, SECRET)}
    async with (
        Receiver() as receiver, telling(tmp_path, receiver.url, **more) as hub, clerk(hub) as boss,
        guest(hub.url) as first, guest(hub.url) as second,
    ):  # fmt: skip
        await first.join(7)
        await second.join(7)
        await boss.json("POST", RULES, json=BAN)
        payloads = await receiver.until(101, 103, 104, 103, 104, 102)
    assert [payload["reason"] for payload in payloads if "reason" in payload] == [5, 3]


@pytest.mark.usefixtures("quick")
async def test_H13_what_is_not_taken_is_sent_again_with_the_same_id(tmp_path: Path) -> None:
    async with Receiver(500, 503, 302) as receiver, telling(tmp_path, receiver.url) as hub, guest(hub.url) as someone:
        await someone.join(7)
        await receiver.until(101, 103)
        assert receiver.asked == 5, "a redirection is not followed"


@pytest.mark.usefixtures("quick")
async def test_H13_a_receiver_that_was_dead_gets_everything_in_order_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    receiver = Receiver()
    async with receiver:
        url = receiver.url
    async with telling(tmp_path, url) as hub, guest(hub.url) as someone:
        await someone.join(7)
        async with asyncio.timeout(seconds(10)):
            while caplog.text.count("does not take events") < 3:
                await asyncio.sleep(0.01)
        receiver = Receiver()
        receiver._port = int(url.split(":")[2].partition("/")[0])
        async with receiver:
            await receiver.until(101, 103)
            async with asyncio.timeout(seconds(10)):
                while "takes events after" not in caplog.text:
                    await asyncio.sleep(0.01)
    said = [record for record in caplog.records if record.name == courier.__name__]
    assert [record.levelno for record in said if record.levelno > logging.DEBUG] == [logging.WARNING, logging.INFO]
    assert "the webhook at 127.0.0.1 " in said[0].getMessage()
    assert not [
        record for record in caplog.records if PATH in record.getMessage() or HOOK_SECRET in record.getMessage()
    ]


async def test_H13_a_receiver_that_never_answers_does_not_cost_a_call_a_packet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_WAITING", 5)
    async with Receiver() as receiver:
        receiver.silent = True
        async with telling(tmp_path, receiver.url) as hub, honest_call(hub.url), guest(hub.url) as someone:
            for _ in range(10):
                await someone.join(9)
                await someone.ask("leave")
            await receiver.until_asked(1)
            async with asyncio.timeout(seconds(10)):
                while not hub.snapshot()["webhooks_lost"]:
                    await asyncio.sleep(0.01)
            counts = hub.snapshot()
            assert counts["webhooks_waiting"] <= 5 and counts["webhooks_lost"] >= 10


async def test_H13_an_answer_is_waited_for_no_longer_than_the_documented_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert courier.ANSWER_WITHIN_S == 10.0
    monkeypatch.setattr(courier, "ANSWER_WITHIN_S", 0.05)
    monkeypatch.setattr(webhooks, "FIRST_RETRY_S", 0.01)
    async with Receiver() as receiver:
        receiver.silent = True
        async with telling(tmp_path, receiver.url) as hub, guest(hub.url) as someone:
            await someone.join(7)
            await receiver.until_asked(2)


async def test_H13_what_has_just_happened_is_told_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TICK_S", 60.0)
    async with Receiver() as receiver, telling(tmp_path, receiver.url) as hub:
        async with guest(hub.url) as someone:
            await someone.join(7)
            await hub.stop()
        await receiver.until(101, 103)


async def test_H13_the_end_waits_for_nobody_who_does_not_answer_and_says_what_was_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Receiver() as receiver:
        receiver.silent = True
        async with telling(tmp_path, receiver.url) as hub, guest(hub.url) as someone:
            await someone.join(7)
            await receiver.until_asked(1)
            loop = asyncio.get_running_loop()
            began = loop.time()
            await hub.stop()
            assert loop.time() - began < seconds(1)
    assert "2 events were not delivered to the webhook at 127.0.0.1" in caplog.text


async def test_H13_dns_that_hangs_does_not_hold_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lookup waits at a socket until the test is over."""
    here, there = socket.socketpair()
    asked = []

    def hang(host: str, port: int, flags: int = 0) -> resolver.Targets:
        if flags:
            raise socket.gaierror
        asked.append(host)
        here.recv(1)
        raise socket.gaierror

    monkeypatch.setattr(resolver, "_ask", hang)
    with here, there:
        async with telling(tmp_path, "https://receiver.example/x") as hub, guest(hub.url) as someone:
            await someone.join(7)
            async with asyncio.timeout(seconds(10)):
                while not asked:
                    await asyncio.sleep(0.01)
            loop = asyncio.get_running_loop()
            began = loop.time()
            await hub.stop()
            assert loop.time() - began < seconds(1)
        there.send(b"!")


async def test_H13_a_name_is_looked_up_as_a_client_does(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        async with telling(tmp_path, url) as hub, guest(hub.url) as someone:
            await someone.join(7)
            await receiver.until(101, 103)
