"""Beside the CPU bench: the simplest intercom with a WebSocket and a device's libraries. No floor: a device does less.

    python -m tests.bench.websocket_floor MIC SPK --frame-ms 20 --opus voip --seconds 10

The three threads of loop_floor.py, and each packet goes as a message through the websockets library as its manual has
it: one task sends, one receives. A process beside it, which is not counted, sends everything back half a frame later.
There is no RTP, no jitter buffer, no mix, no level, no status. A device reads and writes its media frames itself
(device/channel/wire.py), which takes less. Prints one JSON line when it ends, as floor.py does.
"""

import asyncio
import os
from argparse import Namespace
from collections import deque

from websockets.asyncio.client import connect

from tests.bench.loop_floor import beside, talk

ECHO = """
import asyncio
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

async def main():
    over = asyncio.get_running_loop().create_future()

    async def echo(peer):
        try:
            async for packet in peer:
                await asyncio.sleep(0.01)
                await peer.send(packet)
        except ConnectionClosed:
            pass
        over.set_result(None)

    async with serve(echo, "127.0.0.1", 0, compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await over

asyncio.run(main())
"""


async def call(options: Namespace, port: int) -> None:
    spoken: deque[bytes] = deque()
    heard: deque[bytes] = deque(maxlen=options.periods)
    wake = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK)
    waiting: asyncio.Queue[bytes] = asyncio.Queue()

    def hand_over() -> None:
        os.eventfd_read(wake)
        waiting.put_nowait(spoken.popleft())

    asyncio.get_running_loop().add_reader(wake, hand_over)
    async with connect(f"ws://127.0.0.1:{port}", compression=None) as hub:

        async def send() -> None:
            while True:
                await hub.send(await waiting.get())

        async def receive() -> None:
            async for packet in hub:
                assert isinstance(packet, bytes)
                heard.append(packet)

        tasks = [asyncio.create_task(send()), asyncio.create_task(receive())]
        await talk("floor with a WebSocket", options, spoken, heard, wake)
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    beside(ECHO, call)
