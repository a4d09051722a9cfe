"""From a thread to the loop: everything, in order, and nothing once it is stopped."""

import asyncio
import gc
import threading
from pathlib import Path

from device.handover import Handover
from tests.timing import seconds


async def test_what_a_thread_puts_is_received_on_the_loop_in_order() -> None:
    received: list[tuple[int, str]] = []
    all_there, threads = asyncio.Event(), set[int]()

    def receive(number: int, word: str) -> None:
        threads.add(threading.get_ident())
        received.append((number, word))
        if len(received) == 1_000:
            all_there.set()

    handover = Handover(asyncio.get_running_loop(), receive)

    def talk() -> None:
        for number in range(1_000):
            handover.put(number, "packet")

    thread = threading.Thread(target=talk)
    thread.start()
    await asyncio.wait_for(all_there.wait(), seconds(5))
    thread.join()
    handover.stop()
    assert received == [(number, "packet") for number in range(1_000)]
    assert threads == {threading.get_ident()}


async def test_stopped_it_receives_nothing_and_a_thread_left_behind_does_no_harm() -> None:
    received: list[int] = []
    handover = Handover(asyncio.get_running_loop(), received.append)
    handover.put(1)
    handover.stop()
    handover.put(2)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert received == []


async def test_its_descriptor_is_closed_with_the_last_reference_and_no_earlier() -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    gc.collect()
    before = open_files()
    handover = Handover(asyncio.get_running_loop(), print)
    put = handover.put
    handover.stop()
    del handover
    gc.collect()
    assert open_files() == before + 1, "who still puts something would write to somebody else's descriptor"
    del put
    gc.collect()
    assert open_files() == before


async def test_one_that_raises_keeps_nothing_from_the_next() -> None:
    received: list[int] = []

    def receive(number: int) -> None:
        if number == 1:
            raise ValueError("not this one")
        received.append(number)

    loop = asyncio.get_running_loop()
    said: list[str] = []
    loop.set_exception_handler(lambda loop, context: said.append(str(context["exception"])))
    handover = Handover(loop, receive)
    handover.put(1)
    handover.put(2)
    while not received:
        await asyncio.wait_for(asyncio.sleep(0), seconds(5))
    handover.stop()
    assert received == [2] and said == ["not this one"]
