"""Assembles a device: builds the pieces from Config, connects them, and translates between the rooms.

Nothing is decided here about sound, channel or hub: each piece decides for itself, this file introduces them.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from device.audio.gate import Gate
from device.channel import errors
from device.channel.client import Client
from device.channel.errors import ChannelError
from device.channel.news import State
from device.channel.rules import Role
from device.config import Config
from device.service.control import Control, ControlError, ControlTaken, Handler, Handlers
from device.sound import Microphone, Speaker

logger = logging.getLogger(__name__)

Status = dict[str, Any]

# A thread that wants the GIL gets it after 1 ms, not 5: a quarter of the playback thread's slack, not all of it.
_GIL_SWITCH_S = 0.001
_THREAD_END_S = 0.3


class Device:
    """The appliance: one seat in one channel, a microphone, a speaker, and what a person may ask of it."""

    def __init__(self, config: Config, loop: asyncio.AbstractEventLoop) -> None:
        channel = config.channel
        self._config = config
        self._gate = Gate(muted=channel.start_muted)
        self._client = Client(channel.hub, ca_file=channel.ca_file or None, insecure=channel.insecure)
        self._client.init(channel.app_id)
        self._microphone = Microphone(config.audio, self._gate, self._client, loop)
        self._speaker = Speaker(config.audio)
        self._labels: dict[int, str] = {}
        self._joining: set[asyncio.Task[None]] = set()
        self._client.on("media", self._speaker.received)
        self._client.on("stream-added", self._stream_added)
        self._client.on("stream-removed", self._stream_removed)
        self._client.on("connection-state", self._state_changed)

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
        self._gate.mute()

    def unmute(self) -> None:
        """The microphone is sent again."""
        self._gate.unmute(time.monotonic_ns())

    def rejoin(self) -> None:
        """Take a seat; where one is looked for already, dial at once, and wait out no refusal."""
        joining = asyncio.get_running_loop().create_task(self._join())
        self._joining.add(joining)
        joining.add_done_callback(self._joining.discard)

    async def leave(self) -> None:
        """Give the seat up; at most 0.3 s, whatever the link does."""
        for joining in self._joining:
            joining.cancel()
        await self._client.leave()

    async def _join(self) -> None:
        channel = self._config.channel
        try:
            await self._client.join(
                _token(channel.token_file), channel.name, channel.uid,
                label=channel.label, role=Role(channel.role), auto_subscribe=True,
            )  # fmt: skip
        except ChannelError as error:
            logger.error("cannot join %s: %s", channel.name, error)
        if channel.role == Role.BROADCASTER:
            with contextlib.suppress(ChannelError):  # said already; what is refused now is asked for at the next seat
                await self._client.publish()

    def _stream_added(self, params: dict[str, Any]) -> None:
        self._labels[params["uid"]] = params["label"]
        self._speaker.added(params["uid"])

    def _stream_removed(self, params: dict[str, Any]) -> None:
        self._labels.pop(params["uid"], None)
        self._speaker.removed(params["uid"])

    def _state_changed(self, params: dict[str, Any]) -> None:
        if params["state"] == State.LEFT:
            for uid in self._labels:
                self._speaker.removed(uid)
            self._labels.clear()

    def handlers(self) -> Handlers:
        """What the control socket offers: each answers with what became of it."""

        async def rejoin() -> None:
            self.rejoin()
            await asyncio.sleep(0)  # the task has begun: the state is not "left" any more

        def handler(action: Callable[[], Awaitable[None] | None]) -> Handler:
            async def handle(params: Status) -> Status:
                done = action()
                if done is not None:
                    await done
                return self.status()

            return handle

        actions: dict[str, Callable[[], Awaitable[None] | None]] = {
            "status": lambda: None, "mute": self.mute, "unmute": self.unmute, "leave": self.leave, "rejoin": rejoin,
        }  # fmt: skip
        return {name: handler(action) for name, action in actions.items()}

    def status(self) -> Status:
        """Everything that `intercomd status --json` prints."""
        client, speaker = self._client.status, self._speaker.card
        capture, playback = self._microphone.card.status, speaker.status
        before_buffer_ms = self._config.audio.frame_ms + (client.rtt_ms or 0.0) / 2
        talkers = [
            {
                **asdict(talker),
                "label": self._labels[talker.uid],
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
            "problem": client.problem and {"code": client.problem.code, "reason": client.problem.reason},
            "talkers": talkers,
            "capture": asdict(capture),
            "playback": asdict(playback),
            "link": {"rtt_ms": client.rtt_ms, "reconnects": client.reconnects, "skipped": client.skipped},
        }


def run(config: Config, *, with_hub: bool = False, control_dir: Path | None = None) -> int:
    """Be an intercom until SIGTERM or SIGINT: 0, or 1 where a thread of ours failed.

    Everything outside may be missing. Ends within 1 s, whatever the network, the hub or the cards do.
    """
    with contextlib.ExitStack() as after_the_loop:
        return asyncio.run(_serve(config, with_hub, control_dir, after_the_loop))


async def _serve(config: Config, with_hub: bool, control_dir: Path | None, after_the_loop: contextlib.ExitStack) -> int:
    loop = asyncio.get_running_loop()
    sys.setswitchinterval(_GIL_SWITCH_S)
    ending: asyncio.Future[int] = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, ending, 0)
    threading.excepthook = partial(_thread_failed, loop, ending)
    async with contextlib.AsyncExitStack() as stack:
        if with_hub:
            stack.push_async_callback(_end_hub, _start_hub(config, ending))
        device = Device(config, loop)
        try:
            await stack.enter_async_context(Control(control_dir, device.handlers()))
        except ControlTaken:
            raise
        except ControlError as error:
            logger.warning("%s; no command reaches this intercom", error)
        after_the_loop.callback(device.join_threads)
        stack.push_async_callback(device.stop)
        device.start()
        gc.freeze()  # what exists now stays: no collection has to look at it again
        code = await ending
        logger.info("leaving %s", config.channel.name)
    return code


def _token(token_file: str) -> str | None:
    """The token of this file, None without one. Raises ChannelError."""
    try:
        return Path(token_file).read_text("utf-8").strip() if token_file else None
    except (OSError, ValueError):  # not the cause's text: it would quote what it could not decode
        raise ChannelError(errors.LOGIN_FAILED, f"the token in {token_file} cannot be read") from None


def _start_hub(config: Config, ending: "asyncio.Future[int]") -> "asyncio.Task[None]":
    """Begin to serve; a hub that cannot be what its configuration says ends everything."""
    from device import hubapp  # only a device that carries the hub pays for it

    hub, state_dir = config.hub, os.environ.get("STATE_DIRECTORY")
    make = partial(
        hubapp.Hub, hub.listen, app_ids=[config.channel.app_id], open=hub.open,
        tls_cert=hub.tls_cert, tls_key=hub.tls_key, state_dir=state_dir,
    )  # fmt: skip

    def ended(serving: "asyncio.Task[None]") -> None:
        if not serving.cancelled() and not ending.done():
            ending.set_exception(serving.exception() or RuntimeError("the hub ended by itself"))

    serving = asyncio.get_running_loop().create_task(hubapp.keep_serving(make))
    serving.add_done_callback(ended)
    return serving


async def _end_hub(serving: "asyncio.Task[None]") -> None:
    serving.cancel()
    await asyncio.wait([serving])


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
