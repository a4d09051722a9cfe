"""What a session decides is done, what happens is told, and nothing is left over."""

import asyncio
import gc
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device import jsonrpc
from device.channel import address, errors
from device.channel.driver import Driver
from device.channel.errors import ChannelError
from device.channel.handlers import Handlers
from device.channel.liveness import DOUBT_S
from device.channel.messages import Join
from device.channel.news import State
from device.channel.rtp import Packet
from device.channel.session import Session
from device.channel.wire import Wire
from tests.channel.fakehub import FakeHub, Visit, silent_server
from tests.timing import seconds

JOIN = Join("0" * 32, "lobby", uid=7)


class Rig:
    """A session and its driver."""

    def __init__(self, url: str) -> None:
        self.handlers = Handlers()
        self.session = Session([address.read(url)], random.Random(1))
        self.driver = Driver(self.session, self.handlers, None)
        self.now = asyncio.get_running_loop().time

    async def join(self) -> None:
        async with asyncio.timeout(seconds(10)):
            await self.driver.answer(self.session.join(JOIN, self.now()))

    async def leave(self) -> None:
        self.session.leave(self.now())
        self.driver.carry_out()
        await self.driver.settled(seconds(5))


@asynccontextmanager
async def seated() -> AsyncIterator[tuple[Rig, FakeHub]]:
    async with FakeHub() as hub:
        rig = Rig(hub.url)
        await rig.join()
        yield rig, hub
        await rig.leave()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_nothing_is_left_over_of_a_call() -> None:
    async with FakeHub() as hub:
        gc.collect()
        tasks, files = asyncio.all_tasks(), descriptors()
        for _ in range(3):
            rig = Rig(hub.url)
            await rig.join()
            await rig.leave()
        await hub.until(lambda: all(visit.ended.is_set() for visit in hub.visits))
        async with asyncio.timeout(seconds(10)):
            while asyncio.all_tasks() != tasks or descriptors() != files:
                await asyncio.sleep(0.001)


async def test_nothing_is_left_over_of_attempts_that_were_given_up() -> None:
    async with silent_server() as url:
        tasks, files = asyncio.all_tasks(), descriptors()
        rig = Rig(url)
        joining = asyncio.ensure_future(rig.join())
        await asyncio.sleep(seconds(0.4))
        assert len(asyncio.all_tasks()) > len(tasks) + 1
        await rig.leave()
        with pytest.raises(ChannelError, match="left"):
            await joining
        async with asyncio.timeout(seconds(10)):
            while asyncio.all_tasks() != tasks or descriptors() != files:
                await asyncio.sleep(0.001)


async def test_answers_go_to_who_asked_and_to_nobody_who_stopped_waiting() -> None:
    async with seated() as (rig, hub):
        may_answer = asyncio.Event()

        async def later(visit: Visit, request: jsonrpc.Request) -> str | None:
            if request.method not in ("subscribe", "publish"):
                return await hub.obeys(visit, request)
            await may_answer.wait()
            if request.method == "publish":
                return jsonrpc.failure(request.id, errors.AUDIENCE_CANNOT_PUBLISH, "")
            return jsonrpc.reply(request.id, {"n": request.params["uid"]})

        hub.answer = later
        calls = [
            asyncio.ensure_future(rig.driver.answer(rig.session.call("subscribe", {"uid": uid}, rig.now())))
            for uid in (3, 4)
        ]
        refused = asyncio.ensure_future(rig.driver.answer(rig.session.call("publish", {}, rig.now())))
        await hub.until(lambda: len(hub.visits[0].texts) > 1)
        calls[0].cancel()
        may_answer.set()
        assert await calls[1] == {"n": 4}
        with pytest.raises(ChannelError, match="audience"):
            await refused


async def test_what_the_hub_sends_reaches_the_handlers() -> None:
    async with seated() as (rig, hub):
        heard: list[Any] = []
        changed = asyncio.Event()

        def added(params: Any) -> None:
            heard.append(params)
            changed.set()

        rig.handlers.on("stream-added", added)
        await hub.say(Packet(3, 1, 2, b"nobody listens").pack())
        await hub.notify("stream-added", uid=3, label="hall")
        async with asyncio.timeout(seconds(10)):
            await changed.wait()
        changed.clear()

        def media(packet: Packet, arrived_ns: int) -> None:
            heard.append((packet, abs(arrived_ns / 1e9 - rig.now()) < seconds(5)))
            changed.set()
            raise RuntimeError("a handler of ours")

        rig.driver.on_media = media
        await hub.say(b"no packet")
        await hub.say(Packet(3, 2, 962, b"opus", level_dbov=-20).pack())
        async with asyncio.timeout(seconds(10)):
            await changed.wait()
        assert heard == [{"uid": 3, "label": "hall"}, (Packet(3, 2, 962, b"opus", level_dbov=-20), True)]
        assert rig.session.state is State.IN_CALL


async def test_frames_go_out_at_once_or_not_at_all() -> None:
    async with seated() as (rig, hub):
        assert not rig.driver.send(b"opus", 0, None, True)
        await rig.driver.answer(rig.session.call("publish", {}, rig.now()))
        assert rig.driver.send(b"opus", 0, -20, True)
        await hub.until(lambda: len(hub.visits[0].media) == 1)
        await rig.leave()
        assert not rig.driver.send(b"opus", 960, -20, False)


async def test_frames_are_skipped_while_the_hub_reads_nothing() -> None:
    async with seated() as (rig, hub):
        await rig.driver.answer(rig.session.call("publish", {}, rig.now()))
        hub.visits[0].ws.transport.pause_reading()
        while rig.driver.send(bytes(1_000), 0, None, False):
            for _ in range(500):
                rig.driver.send(bytes(1_000), 0, None, False)
            await asyncio.sleep(0.01)
        assert rig.session.status.skipped > 0


async def test_a_frame_that_does_not_arrive_is_noticed_without_waiting_for_the_next_ping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeHub() as hub:
        hub.ping_ms = 60_000
        rig = Rig(hub.url)
        await rig.join()
        await rig.driver.answer(rig.session.call("publish", {}, rig.now()))
        await asyncio.sleep(seconds(2 * DOUBT_S))  # the timer for the request has run out
        monkeypatch.setattr(Wire, "unacknowledged_bytes", lambda wire: 10**6)
        assert rig.driver.send(b"opus", 0, -20, True)
        await hub.until(lambda: len(hub.visits) == 2)
        await rig.leave()


async def test_a_lost_connection_is_replaced_and_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "device.channel")
    async with seated() as (rig, hub):
        states: list[str] = []
        rig.handlers.on("connection-state", lambda params: states.append(params["state"]))
        hub.visits[0].ws.transport.abort()
        await hub.until(lambda: len(hub.visits) == 2 and hub.visits[1].methods() == ["rejoin"])
        async with asyncio.timeout(seconds(10)):
            while states != ["offline", "in-call"]:
                await asyncio.sleep(0.001)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in lines] == ["INFO", "WARNING", "INFO"]
    assert lines[2][1].startswith("back in lobby at ws://127.0.0.1:")


async def test_a_hub_that_is_not_there_yet_is_found_when_it_is() -> None:
    async with FakeHub() as hub:
        url = hub.url
        await hub.stop()
        rig = Rig(url)
        joining = asyncio.ensure_future(rig.join())
        await asyncio.sleep(seconds(0.3))
        assert not joining.done()
        async with hub:
            await joining
            await rig.leave()


async def test_the_timer_runs_by_itself_while_nothing_else_happens() -> None:
    async with FakeHub() as hub:
        hub.ping_ms = 100
        rig = Rig(hub.url)
        await rig.join()
        await hub.until(lambda: hub.visits[0].methods().count("ping") >= 3)
        assert rig.session.status.rtt_ms is not None
        await rig.leave()
