"""The process of a device, from its start to its end: hub, appliance, control socket, signals."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from device import commands
from device.appliance import Device
from device.channel import address
from device.channel.errors import ChannelError
from device.config import Config, ConfigError
from device.failure import end_on_failure
from device.pulse import pulse
from device.service import status, systemd
from device.service.control import Control, ControlError, ControlTaken

logger = logging.getLogger(__name__)

# A thread that wants the GIL gets it after 1 ms, not 5: a quarter of the playback thread's slack, not all of it.
_GIL_SWITCH_S = 0.001


def run(load: Callable[[], Config], *, with_hub: bool = False, control_dir: Path | None = None) -> int:
    """Be an intercom until SIGTERM or SIGINT: 0, or 1 where a thread of ours failed.

    load: reads the configuration, now and again on SIGHUP. Everything outside may be missing. Ends within 1 s, whatever
    the network, the hub or the cards do. Raises ConfigError for a wrong configuration, at the start alone.
    """
    with contextlib.ExitStack() as after_the_loop:
        return asyncio.run(_serve(load, with_hub, control_dir, after_the_loop))


async def _serve(
    load: Callable[[], Config], with_hub: bool, control_dir: Path | None, after_the_loop: contextlib.ExitStack
) -> int:
    config, loop = load(), asyncio.get_running_loop()
    sys.setswitchinterval(_GIL_SWITCH_S)
    ending: asyncio.Future[int] = loop.create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _end, ending, 0)
    changed = asyncio.Event()
    if sys.stdin.isatty():  # then SIGHUP says that the terminal is gone
        loop.add_signal_handler(signal.SIGHUP, _end, ending, 0)
    else:
        loop.add_signal_handler(signal.SIGHUP, changed.set)
    end_on_failure(loop, partial(_end, ending, 1))
    async with contextlib.AsyncExitStack() as stack:
        if with_hub:
            stack.push_async_callback(_end_task, _start_hub(config, ending))
        state_dir = os.environ.get("STATE_DIRECTORY")
        device = Device(config, loop, Path(state_dir) if state_dir else None)
        try:
            await stack.enter_async_context(Control(control_dir, commands.handlers(device)))
        except ControlTaken:
            raise
        except ControlError as error:
            logger.warning("%s; no command reaches this intercom", error)
        after_the_loop.callback(device.join_threads)
        stack.push_async_callback(device.stop)
        device.start()
        for work in (
            _reload_when(changed, device, lambda: _with_the_hub_of(config, load()) if with_hub else load()),
            pulse(lambda: status.summary(device.status()), device.beats),
        ):
            stack.push_async_callback(_end_task, _begin(work, ending))
        gc.freeze()  # what exists now stays: no collection has to look at it again
        code = await ending
        systemd.stopping()
        logger.info("leaving %s", config.channel.name)
    return code


async def _reload_when(changed: asyncio.Event, device: Device, load: Callable[[], Config]) -> None:
    """Whenever this is set go on by what the configuration says then; a wrong one changes nothing."""
    while True:
        await changed.wait()
        changed.clear()
        systemd.reloading()
        try:
            await device.reload(load())
        except (ConfigError, ChannelError) as error:
            logger.error("the configuration stays as it was: %s", error)
        else:
            logger.info("the configuration is read again")
        systemd.ready(status.summary(device.status()))


def _with_the_hub_of(old: Config, new: Config) -> Config:
    """The hub that this process carries is as it was at the start, and where it was."""
    if new.hub == old.hub:
        return new
    logger.warning("[hub] has changed, which waits for the next start: the hub goes on as it was")
    was, would_be = (address.of_own_hub(each.hub.listen, bool(each.hub.tls_cert)) for each in (old, new))
    channel = replace(new.channel, hub=(was,)) if new.channel.hub == (would_be,) else new.channel
    return replace(new, hub=old.hub, channel=channel)


def _begin(work: Coroutine[Any, Any, None], ending: "asyncio.Future[int]") -> "asyncio.Task[None]":
    """Do this beside everything else; should it fail, which is a defect of ours, all of it ends. systemd starts a new
    one."""

    def ended(task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (defect := task.exception()) is not None:
            logger.critical("this should not have happened: %s", defect, exc_info=defect)
            _end(ending, 1)

    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(ended)
    return task


def _start_hub(config: Config, ending: "asyncio.Future[int]") -> "asyncio.Task[None]":
    """Begin to serve; a hub that cannot be what its configuration says ends everything."""
    from device import hubapp  # only a device that carries the hub pays for it

    hub, state_dir = config.hub, os.environ.get("STATE_DIRECTORY")
    make = partial(
        hubapp.Hub, hub.listen, app_ids=[config.channel.app_id], apps_file=hub.apps_file, open=hub.open,
        tls_cert=hub.tls_cert, tls_key=hub.tls_key, state_dir=state_dir,
        api_listen=hub.api_listen, api_secret_file=hub.api_secret_file,
        webhook_url=hub.webhook_url, webhook_secret_file=hub.webhook_secret_file,
    )  # fmt: skip

    def ended(serving: "asyncio.Task[None]") -> None:
        if not serving.cancelled() and not ending.done():
            ending.set_exception(serving.exception() or RuntimeError("the hub ended by itself"))

    serving = asyncio.get_running_loop().create_task(hubapp.keep_serving(make))
    serving.add_done_callback(ended)
    return serving


async def _end_task(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])


def _end(ending: "asyncio.Future[int]", code: int) -> None:
    if not ending.done():
        ending.set_result(code)
