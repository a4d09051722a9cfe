"""Assembles a device: builds the pieces from Config, connects them, and translates between the rooms.

    capture thread:   card -> gate -> opus  --call_soon_threadsafe-->  loop: gate again -> client
    playback thread:  card <- talkers  <--bounded drop-oldest queue--  loop: client

Nothing is decided here about sound, channel or hub: each piece decides for itself, this file introduces them.
"""

import asyncio
import contextlib
import gc
import logging
import os
import random
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device.audio import pcm
from device.audio.card import RATE_HZ, Block, Capture, Playback
from device.audio.gate import Gate
from device.audio.opus import Decoder, Encoder
from device.audio.talkers import Talkers, TalkerStatus
from device.channel.client import Client
from device.channel.errors import ChannelError
from device.channel.rtp import Packet
from device.channel.rules import Role
from device.config import Config
from device.service.control import Control, Handlers

if TYPE_CHECKING:
    from device.hubapp import Hub

logger = logging.getLogger(__name__)

Status = dict[str, Any]

# By frame length: how much sound playback asks for at a time, and how much the card still holds then. Both are latency;
# a smaller tick wakes the thread more often, a smaller reserve leaves it less time to be late (scripts/bench).
_TICK_MS = {10: 5, 20: 20}
_RESERVE_MS = {10: 9, 20: 12}
# Packets between loop and playback: 32 talkers for 320 ms. More arrive only while the playback thread stands still, and
# then the oldest are the ones that would be too old to play.
_ARRIVALS = 1_024
# A thread that wants the GIL gets it after 1 ms, not 5: a quarter of the playback thread's slack, not all of it.
_GIL_SWITCH_S = 0.001
_THREAD_END_S = 0.3


class Microphone:
    """The capture thread's way: a block of the card becomes a packet on the loop, unless the gate holds it back."""

    def __init__(self, config: Config, gate: Gate, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        audio = config.audio
        self._gate, self._client, self._loop = gate, client, loop
        self._encoder = Encoder(audio.frame_ms, audio.bitrate, audio.complexity)
        self._first_timestamp = random.getrandbits(32)  # RFC 3550 section 5.1: starts anywhere
        self.card = Capture(audio.capture, RATE_HZ * audio.frame_ms // 1_000, self._captured)

    def _captured(self, block: Block) -> None:
        """In the capture thread."""
        passed, first_of_spurt = self._gate.admit()
        if not passed:
            return
        payload, level_dbov = self._encoder.encode(block.pcm), pcm.level_dbov(block.pcm)
        timestamp = (self._first_timestamp + block.frame) & 0xFFFFFFFF
        with contextlib.suppress(RuntimeError):  # the loop has just closed: this process is ending
            self._loop.call_soon_threadsafe(self._send, payload, timestamp, level_dbov, first_of_spurt)

    def _send(self, payload: bytes, timestamp: int, level_dbov: int, first_of_spurt: bool) -> None:
        """On the loop: what was on its way when the button was pressed stops here."""
        if not self._gate.muted:
            self._client.send(payload, timestamp, level_dbov, first_of_spurt)


class Speaker:
    """The playback thread's way: packets of the loop become the mix that the card asks for."""

    def __init__(self, config: Config) -> None:
        audio = config.audio
        tick_frames, reserve_frames = (ms[audio.frame_ms] * RATE_HZ // 1_000 for ms in (_TICK_MS, _RESERVE_MS))
        self._talkers = Talkers(Decoder, tick_frames)
        self._arrivals: deque[tuple[int, int, int, bytes, int] | int] = deque(
            maxlen=_ARRIVALS
        )  # an int: forget this uid
        self.card = Playback(audio.playback, tick_frames, reserve_frames, self._pull)

    def received(self, packet: Packet, arrived_ns: int) -> None:
        """On the loop: one packet of one talker."""
        self._arrivals.append((packet.ssrc, packet.sequence, packet.timestamp, packet.payload, arrived_ns))

    def forget(self, uid: int) -> None:
        """On the loop: this uid's stream ended, or is another one from now on."""
        self._arrivals.append(uid)

    def talkers(self) -> tuple[TalkerStatus, ...]:
        """What playback last published about each talker."""
        return self._talkers.snapshot()

    def _pull(self, now_ns: int) -> bytes:
        """In the playback thread: one tick of sound."""
        while self._arrivals:
            arrival = self._arrivals.popleft()
            if isinstance(arrival, int):
                self._talkers.forget(arrival)
            else:
                self._talkers.push(*arrival)
        return self._talkers.pull(now_ns)


class Device:
    """The appliance: one seat in one channel, a microphone, a speaker, and what a person may ask of it."""

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop) -> None:
        channel = config.channel
        self._config = config
        self._gate = Gate(muted=channel.start_muted)
        self._client = Client(channel.hub, ca_file=channel.ca_file or None, insecure=channel.insecure)
        self._client.init(channel.app_id)
        self._microphone = Microphone(config, self._gate, self._client, loop)
        self._speaker = Speaker(config)
        self._labels: dict[int, str] = {}
        self._joining: asyncio.Task[None] | None = None
        self._client.on("media", self._speaker.received)
        self._client.on("stream-added", self._stream_added)
        self._client.on("stream-removed", self._stream_removed)

    def start(self) -> None:
        """Open the cards, and join if the configuration says so."""
        self._microphone.card.start()
        self._speaker.card.start()
        if self._config.channel.start == "joined":
            self.rejoin()

    async def stop(self) -> None:
        """Leave the channel and let the threads end; at most 0.3 s on the loop."""
        self._microphone.card.stop()
        self._speaker.card.stop()
        await self.leave()

    def join_threads(self) -> None:
        """After the loop has ended: wait for both threads, and name the one that does not end."""
        for thread in (self._microphone.card, self._speaker.card):
            thread.join(_THREAD_END_S)
            if thread.is_alive():
                logger.warning("the %s thread does not end; leaving it behind", thread.name)

    def mute(self) -> None:
        """From the next frame on nothing of the microphone is sent."""
        self._gate.muted = True

    def unmute(self) -> None:
        """The microphone is sent again."""
        self._gate.muted = False

    def rejoin(self) -> None:
        """Take a seat, or dial at once if one is being looked for."""
        if self._joining is None or self._joining.done():
            self._joining = asyncio.get_running_loop().create_task(self._join())

    async def leave(self) -> None:
        """Give the seat up; at most 0.3 s, whatever the link does."""
        if self._joining is not None:
            self._joining.cancel()
        await self._client.leave()

    async def _join(self) -> None:
        channel = self._config.channel
        try:
            token = Path(channel.token_file).read_text().strip() if channel.token_file else None
            await self._client.join(
                token, channel.name, channel.uid, label=channel.label, role=Role(channel.role), auto_subscribe=True
            )
        except (ChannelError, OSError) as error:
            logger.error("cannot join %s: %s", channel.name, error)
        if channel.role == Role.BROADCASTER:
            with contextlib.suppress(ChannelError):  # said already; what is refused now is asked for at the next seat
                await self._client.publish()

    def _stream_added(self, params: dict[str, Any]) -> None:
        self._labels[params["uid"]] = params["label"]
        self._speaker.forget(params["uid"])  # the same uid may be another process now, with another clock

    def _stream_removed(self, params: dict[str, Any]) -> None:
        self._labels.pop(params["uid"], None)
        self._speaker.forget(params["uid"])

    def handlers(self) -> Handlers:
        """What the control socket offers: each answers with what became of it."""

        async def leave(params: Status) -> Status:
            await self.leave()
            return self.status()

        def does(action: Callable[[], None]) -> Callable[[Status], Status]:
            def handle(params: Status) -> Status:
                action()
                return self.status()

            return handle

        actions = {"status": lambda: None, "mute": self.mute, "unmute": self.unmute, "rejoin": self.rejoin}
        return {"leave": leave, **{name: does(action) for name, action in actions.items()}}

    def status(self) -> Status:
        """Everything that `intercomd status --json` prints."""
        client, speaker = self._client.status, self._speaker.card
        capture, playback = self._microphone.card.status, speaker.status
        before_buffer_ms = self._config.audio.frame_ms + (client.rtt_ms or 0.0) / 2
        talkers = [
            {
                **asdict(talker),
                "label": self._labels.get(talker.uid, ""),
                "latency_ms": round(before_buffer_ms + talker.buffer_ms + speaker.queue_ms, 1),
            }
            for talker in self._speaker.talkers()
        ]
        return {
            "state": client.state,
            "channel": self._config.channel.name,
            "uid": client.uid,
            "muted": self._gate.muted,
            "hub": client.hub,
            "talkers": talkers,
            "capture": asdict(capture),
            "playback": asdict(playback),
            "link": {"rtt_ms": client.rtt_ms, "reconnects": client.reconnects, "skipped": client.skipped},
        }


async def run(config: Config, *, with_hub: bool = False, control_dir: Path | None = None) -> int:
    """Be an intercom until SIGTERM or SIGINT: 0, or 1 where a thread of ours failed.

    Everything outside may be missing. Ends within 1 s, whatever the network, the hub or the cards do.
    """
    loop = asyncio.get_running_loop()
    sys.setswitchinterval(_GIL_SWITCH_S)
    ending: asyncio.Future[int] = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, ending, 0)
    threading.excepthook = partial(_thread_failed, loop, ending)
    async with contextlib.AsyncExitStack() as stack:
        if with_hub:
            await stack.enter_async_context(_hub(config))
        device = Device(config, loop)
        await stack.enter_async_context(Control(control_dir, device.handlers()))
        stack.callback(device.join_threads)
        stack.push_async_callback(device.stop)
        device.start()
        gc.freeze()  # what exists now stays: no collection has to look at it again
        code = await ending
        logger.info("leaving %s", config.channel.name)
    return code


def _hub(config: Config) -> "Hub":
    from device.hubapp import Hub  # only a device that carries the hub pays for it

    hub, state_dir = config.hub, os.environ.get("STATE_DIRECTORY")
    app_ids = [config.channel.app_id]
    return Hub(
        hub.listen, app_ids=app_ids, open=hub.open, tls_cert=hub.tls_cert, tls_key=hub.tls_key, state_dir=state_dir
    )


def _end(ending: "asyncio.Future[int]", code: int) -> None:
    if not ending.done():
        ending.set_result(code)


def _thread_failed(
    loop: asyncio.AbstractEventLoop, ending: "asyncio.Future[int]", failure: threading.ExceptHookArgs
) -> None:
    """A defect of ours in a thread: an intercom without its microphone or speaker is none. systemd starts a new one."""
    name = failure.thread.name if failure.thread else "a"
    logger.critical("the %s thread failed: %s", name, failure.exc_value, exc_info=failure.exc_value)
    loop.call_soon_threadsafe(_end, ending, 1)
