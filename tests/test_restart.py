"""A planned restart with real processes: SIGHUP, and people go on talking. The two ends of it are in
tests/hub/test_succession.py."""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

from device.channel import rtp
from device.channel.news import State
from tests.channel.test_client_with_hub import Person
from tests.daemon import Daemon, HubDaemon, free_port
from tests.timing import seconds, until

PACKET_S = 0.02
# What the issue allows; what is seen here is one packet more than usual, at most.
LONGEST_GAP_S = 0.5


@asynccontextmanager
async def talking(url: str) -> AsyncIterator[list[Person]]:
    """Two who both talk all the time; in the end neither has heard a gap, or seen anything."""
    people = [Person(url), Person(url)]
    arrivals: list[list[float]] = [[], []]
    for uid, (person, times) in enumerate(zip(people, arrivals, strict=True), 1):
        await person.client.join(None, "lobby", uid, auto_subscribe=True)
        await person.client.publish()

        def heard(packet: rtp.Packet, arrived_ns: int, person: Person = person, times: list[float] = times) -> None:
            times.append(arrived_ns / 1e9)
            person._heard(packet, arrived_ns)

        person.client.on("media", heard)

    async def talk() -> None:
        while True:
            for person in people:
                person.say()
            await asyncio.sleep(PACKET_S)

    task = asyncio.get_running_loop().create_task(talk())
    try:
        for person in people:
            await person.until(lambda person=person: len(person.packets) >= 10)  # type: ignore[misc]
            person.events.clear()
        yield people
        for person in people:
            before = len(person.packets)
            await person.until(lambda person=person, before=before: len(person.packets) > before + 10)  # type: ignore[misc]
        for uid, (person, times) in enumerate(zip(people, arrivals, strict=True), 1):
            seen = [event for event in person.events if event[0] != "network-quality"]
            assert seen == [], "nobody has left, joined, or been away"
            assert (person.client.status.uid, person.client.status.state) == (uid, State.IN_CALL)
            assert max(later - earlier for earlier, later in pairwise(times)) < seconds(LONGEST_GAP_S)
            numbers = [(packet.sequence - person.packets[0].sequence) % 2**16 for packet in person.packets]
            assert len(set(numbers)) == len(numbers) >= max(numbers) - 1, "at most one packet at each change"
    finally:
        task.cancel()
        for person in people:
            await person.client.leave()


async def restarted(hub: HubDaemon, people: list[Person]) -> None:
    """A planned restart, until everybody has a connection to the new process and the old one has ended."""
    old, before = hub.pid, [person.client.status.reconnects for person in people]
    await asyncio.to_thread(hub.reload)
    for person, reconnects in zip(people, before, strict=True):
        await person.until(lambda person=person, n=reconnects: person.client.status.reconnects == n + 1)  # type: ignore[misc]
    await asyncio.to_thread(until, lambda: ended(old))


def ended(pid: int) -> bool:
    """Gone, or a zombie that nobody has asked about yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_people_talk_across_two_planned_restarts() -> None:
    with HubDaemon() as hub:
        first = hub.pid
        async with talking(hub.url) as people:
            await restarted(hub, people)
            await restarted(hub, people)
        assert hub.pid != first
        code, took_s = hub.end()
        assert (code, took_s < seconds(5)) == (0, True)
        assert not [line for line in hub.log if "WARNING" in line or "ERROR" in line]
        assert sum("the hub listens at" in line for line in hub.log) == 3


async def test_a_wrong_configuration_leaves_the_old_process_serving_and_one_line_says_so() -> None:
    port = free_port()
    with Daemon("hub", config=f'[hub]\nlisten = "127.0.0.1:{port}"\n') as hub:
        hub.wait_for("the hub listens at")
        async with talking(f"ws://127.0.0.1:{port}") as people:
            good = hub.config.read_text()
            hub.config.write_text(good + "open = 7\n")
            hub.send_signal(signal.SIGHUP)
            line = await asyncio.to_thread(hub.wait_for, "this hub goes on")
            assert line.endswith("ERROR the successor ended (exit code 2): this hub goes on")
            assert any("[hub] open: " in line for line in hub.log), "the successor says what is wrong"
            assert [person.client.status.reconnects for person in people] == [0, 0]


async def test_a_hub_told_to_end_while_its_successor_starts_leaves_nobody_behind() -> None:
    with HubDaemon() as hub:
        hub.send_signal(signal.SIGHUP)
        started = time.monotonic()
        children = Path(f"/proc/{hub.pid}/task/{hub.pid}/children")
        await asyncio.to_thread(until, lambda: bool(children.read_text()))
        successor = int(children.read_text().split()[0])
        code, _ = hub.end(signal.SIGTERM)
        assert code == 0 and time.monotonic() - started < seconds(5)
        await asyncio.to_thread(until, lambda: ended(successor))


def test_a_hub_in_a_terminal_restarts_as_planned_and_ends_with_its_terminal() -> None:
    terminal, stdin = os.openpty()
    with HubDaemon(stdin=stdin) as hub:
        os.close(stdin)
        first, second = hub.pid, hub.reload()
        until(lambda: ended(first))
        os.close(terminal)
        hub.send_signal(signal.SIGHUP)
        until(lambda: ended(second))
        assert sum("is the hub from now on" in line for line in hub.log) == 1


async def test_after_a_crash_everybody_has_their_seat_again_and_nobody_has_left_or_joined() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        state = {"STATE_DIRECTORY": folder}
        with HubDaemon(env=state) as hub:
            people = [Person(hub.url), Person(hub.url)]
            for uid, person in enumerate(people, 1):
                await person.client.join(None, "lobby", uid, auto_subscribe=True)
                await person.client.publish()
            await people[0].hears(people[1])
            for person in people:
                person.events.clear()
            hub.kill()
            for person in people:
                await person.until(lambda person=person: person.client.status.state is State.OFFLINE)  # type: ignore[misc]
            with HubDaemon(hub.port, env=state):
                for person in people:
                    await person.until(lambda person=person: person.client.status.state is State.IN_CALL)  # type: ignore[misc]
                await people[0].hears(people[1])
                await people[1].hears(people[0])
                assert [person.client.status.uid for person in people] == [1, 2]
                told = {event for person in people for event, _ in person.events}
                assert not {event for event in told if event.startswith(("stream-", "user-", "update-"))}
                for person in people:
                    await person.client.leave()
