"""The floor of the CPU bench with an event loop: network_floor.py's work by the three threads of a device.

    python -m tests.bench.loop_floor MIC SPK --frame-ms 20 --opus voip --seconds 10

One thread reads and encodes, one decodes and plays by the card's clock, and between them and the network there is
asyncio: so each packet wakes four sleepers, and none of them does what can be left out. There is no WebSocket, no RTP,
no jitter buffer, no mix, no level, no status, and a period that is not there in time is replaced by the one before.
Prints one JSON line when it ends, as floor.py does.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from argparse import Namespace
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import alsaaudio
import opuslib

from tests.bench.floor import APPLICATIONS, RATE, WARM_UP_S, arguments, open_card
from tests.bench.network_floor import ECHO


class Mouth(threading.Thread):
    """Reads, encodes, and tells the loop by a descriptor."""

    def __init__(self, mic: alsaaudio.PCM, options: Namespace, spoken: deque[bytes], wake: int) -> None:
        super().__init__(daemon=True)
        self._mic, self._spoken, self._wake = mic, spoken, wake
        self._frame = RATE * options.frame_ms // 1_000
        self._encoder = opuslib.Encoder(RATE, 1, APPLICATIONS[options.opus])
        self._encoder.bitrate, self._encoder.complexity = options.bitrate, options.complexity

    def run(self) -> None:
        while True:
            count, pcm = self._mic.read()
            if count == self._frame:
                self._spoken.append(self._encoder.encode(pcm, self._frame))
                os.eventfd_write(self._wake, 1)


class Ear(threading.Thread):
    """Decodes and plays a period whenever the card has room for one."""

    def __init__(self, spk: alsaaudio.PCM, options: Namespace, heard: deque[bytes]) -> None:
        super().__init__(daemon=True)
        self._spk, self._heard = spk, heard
        self._frame = RATE * options.frame_ms // 1_000
        self._decoder = opuslib.Decoder(RATE, 1)
        self.xruns = 0

    def run(self) -> None:
        pcm = bytes(2 * self._frame)
        while True:
            if self._heard:
                pcm = self._decoder.decode(self._heard.popleft(), self._frame)
            self.xruns += self._spk.write(pcm) < 0


class Ends(asyncio.Protocol):
    """What comes is appended to `heard`."""

    def __init__(self, heard: deque[bytes]) -> None:
        self._heard = heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.max_size = 16_384  # type: ignore[attr-defined]  # as of a device: asyncio allocates it each time

    def data_received(self, data: bytes) -> None:
        self._heard.append(data)


async def call(options: Namespace, port: int) -> None:
    spoken: deque[bytes] = deque()
    heard: deque[bytes] = deque(maxlen=options.periods)
    loop, wake = asyncio.get_running_loop(), os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK)
    transport, _ = await loop.create_connection(lambda: Ends(heard), "127.0.0.1", port)

    def send() -> None:
        os.eventfd_read(wake)
        transport.write(spoken.popleft())

    loop.add_reader(wake, send)
    await talk("floor with an event loop", options, spoken, heard, wake)
    transport.close()


async def talk(name: str, options: Namespace, spoken: deque[bytes], heard: deque[bytes], wake: int) -> None:
    """Start both audio threads, and print what the process used while they ran.

    spoken: what is to be sent, one packet each time that `wake` can be read. heard: what is to be played.
    """
    frame = RATE * options.frame_ms // 1_000
    ear = Ear(open_card(alsaaudio.PCM_PLAYBACK, options.spk, frame, options.periods), options, heard)
    ear.start()
    Mouth(open_card(alsaaudio.PCM_CAPTURE, options.mic, frame, options.periods), options, spoken, wake).start()
    await asyncio.sleep(WARM_UP_S)
    began_s, began_cpu_s, ear.xruns = time.monotonic(), time.process_time(), 0
    await asyncio.sleep(options.seconds)
    counted_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    print(json.dumps({
        "case": f"{name}, {options.frame_ms} ms", "cpu_ms_per_s": round(cpu_s / counted_s * 1_000, 2),
        "xruns": ear.xruns, "seconds": round(counted_s, 2),
    }), flush=True)  # fmt: skip


def beside(echo: str, call: Callable[[Namespace, int], Coroutine[Any, Any, None]]) -> None:
    """Call, with this program in a process beside it, which prints its port and is not counted."""
    with subprocess.Popen([sys.executable, "-c", echo], stdout=subprocess.PIPE) as process:
        assert process.stdout
        asyncio.run(call(arguments(), int(process.stdout.readline())))


if __name__ == "__main__":
    beside(ECHO, call)
