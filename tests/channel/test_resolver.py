"""Names are looked up without anybody waiting for a thread."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from device.channel import resolver as resolving
from device.channel.dialling import PACE_S, VARY
from device.channel.resolver import AGAIN_S, MAX_THREADS, Resolver
from tests.timing import seconds, until

REAL = socket.getaddrinfo


class Dns:
    """Answers names when it is allowed to; numbers at once, as the real one."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.answers.set()
        self.hanging: list[threading.Event] = []
        self.asked: list[str] = []
        self.address = "127.0.0.9"
        self.error: Exception | None = None

    def __call__(self, host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if options.get("flags"):
            return REAL(host, port, *arguments, **options)
        self.asked.append(host)
        self.hanging.append(answers := self.answers)
        assert answers.wait(seconds(20))
        if self.error is not None:
            raise self.error
        return REAL(self.address, port, *arguments, **options)


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dns]:
    fake = Dns()
    monkeypatch.setattr(socket, "getaddrinfo", fake)
    yield fake
    for answers in fake.hanging:
        answers.set()
    until(lambda: not threads())


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "resolver"]


async def test_an_address_is_no_name(dns: Dns) -> None:
    resolver = Resolver()
    assert await resolver.look_up("127.0.0.1", 8800) == ((socket.AF_INET, ("127.0.0.1", 8800)),)
    assert await resolver.look_up("::1", 8800) == ((socket.AF_INET6, ("::1", 8800, 0, 0)),)
    assert dns.asked == []


async def test_one_thread_asks_for_everybody_and_whoever_gives_up_harms_nobody(dns: Dns) -> None:
    dns.answers.clear()
    resolver = Resolver()
    tasks = [asyncio.ensure_future(resolver.look_up("hub.local", 8800)) for _ in range(5)]
    await asyncio.sleep(0)
    assert len(threads()) == 1
    tasks[0].cancel()
    dns.answers.set()
    rest = await asyncio.gather(*tasks[1:])
    assert rest == [((socket.AF_INET, ("127.0.0.9", 8800)),)] * 4
    assert dns.asked == ["hub.local"]


async def test_the_last_good_answer_serves_while_dns_hangs_and_the_newest_as_soon_as_it_comes(dns: Dns) -> None:
    resolver = Resolver()
    await resolver.look_up("hub.local", 8800)
    until(lambda: not threads())
    dns.answers.clear()
    dns.address = "127.0.0.10"
    for _ in range(3):
        assert await resolver.look_up("hub.local", 8800) == ((socket.AF_INET, ("127.0.0.9", 8800)),)
    assert len(threads()) == 1
    dns.answers.set()
    async with asyncio.timeout(seconds(10)):
        while (await resolver.look_up("hub.local", 8800))[0][1][0] != "127.0.0.10":
            await asyncio.sleep(0.001)


async def test_another_thread_asks_beside_one_that_hangs_and_its_answer_is_for_all(dns: Dns) -> None:
    dns.answers.clear()
    resolver = Resolver()
    first = asyncio.ensure_future(resolver.look_up("hub.local", 8800))
    await asyncio.sleep(AGAIN_S * 1.1)
    dns.answers = threading.Event()
    dns.answers.set()
    assert await resolver.look_up("hub.local", 8800) == await first == ((socket.AF_INET, ("127.0.0.9", 8800)),)
    assert dns.asked == ["hub.local"] * 2
    until(lambda: len(threads()) == 1)  # the one that hangs
    assert await resolver.look_up("hub.local", 8800)


def test_every_attempt_asks_anew_until_the_first_does_so_by_itself() -> None:
    asks_again_s = 5.0
    assert AGAIN_S < PACE_S * (1 - VARY)
    assert asks_again_s <= MAX_THREADS * PACE_S


async def test_there_are_only_so_many_threads_and_more_again_when_they_have_given_up(
    dns: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "AGAIN_S", 0.0)
    dns.answers.clear()
    resolver = Resolver()
    tasks = []
    for _ in range(MAX_THREADS + 5):
        tasks.append(asyncio.ensure_future(resolver.look_up("hub.local", 8800)))
        await asyncio.sleep(0)
    assert len(threads()) == len(dns.asked) == MAX_THREADS
    dns.error = socket.gaierror(socket.EAI_AGAIN, "try again")
    dns.answers.set()
    assert all(isinstance(failure, socket.gaierror) for failure in await asyncio.gather(*tasks, return_exceptions=True))
    dns.error = None
    assert await resolver.look_up("hub.local", 8800)


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_AGAIN, "try again"), UnicodeError("label too long")])
async def test_a_name_that_nobody_knows_is_asked_for_again_each_time(dns: Dns, error: Exception) -> None:
    resolver = Resolver()
    dns.error = error
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            await resolver.look_up("hub.local", 8800)
    dns.error = None
    assert await resolver.look_up("hub.local", 8800)
    assert dns.asked == ["hub.local"] * 3


def test_a_thread_that_hangs_holds_up_nobody_s_end(dns: Dns) -> None:
    dns.answers.clear()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await Resolver().look_up("hub.local", 8800)

    asyncio.run(give_up())
    (thread,) = threads()
    assert thread.daemon


async def test_without_memory_for_a_thread_it_fails_and_the_next_one_is_asked_again(
    dns: Dns, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver()

    def fails(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as no_memory:
        no_memory.setattr(threading.Thread, "start", fails)
        with pytest.raises(socket.gaierror, match="can't start new thread"):
            await resolver.look_up("hub.test", 8_800)
    await asyncio.sleep(0)
    assert await resolver.look_up("hub.test", 8_800)
