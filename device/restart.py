"""A planned restart of a hub: its successor is started, gets everything, and nobody in a call hears of it.

The successor is the same command once more: a new program, configuration or certificate is in force with it. It has the
listening socket from the start, and everything else when it could serve (hub/bridge.py). One that does not come so far
is no harm: the old hub goes on.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping

from device.hub.exchange import Exchange
from device.hub.server import Server
from device.hub.succession import BridgeError, Successor
from device.service import systemd

logger = logging.getLogger(__name__)

Start = Callable[[Mapping[str, socket.socket]], int]

# Names of the sockets that a successor is started with: the one that its hub listens on, of our own making or given to
# us by whoever started us, and the bridge.
LISTENER, GIVEN, PREDECESSOR = "hub", "given", "predecessor"
# A start takes 0.3 s, and some seconds on the smallest machine while that is busy.
COME_UP_S = 30.0
# Then it has loaded all that it needs, and nobody is heard before it serves: after 4 s clients say that they are
# offline (OFFLINE_S in channel/link.py).
SERVE_S = 3.0
# When a successor listens at another port, which it alone knows: those before it and from now on.
MOVED = (
    "nobody finds this hub at port %d any more: write %d into [channel] hub of every client; until then each of them "
    "is out of the call"
)
# A process that has given up ends by itself.
END_S = 1.0
# Clients move within a second. Who has not by then, being cut off or of another make, is told to dial again.
DRAIN_S = 10.0


class RestartError(Exception):
    """There is no successor, and everything is as before. One line."""


async def hand_over(
    server: Server,
    exchange: Exchange,
    listener: Mapping[str, socket.socket],
    key: bytes,
    events: Callable[[], bytes],
    start: Start,
) -> Successor:
    """Start a successor and leave everything to it: server and exchange only carry what its old connections bring.

    listener: by its name. key: signs the sessions. events: that no webhook has got yet. start: starts it with these
    sockets, and returns its process id. Raises RestartError: then they serve as before.
    """
    successor = Successor()
    try:
        pid, ours = _start(start, listener)
    except OSError as error:
        raise RestartError(f"cannot start a successor ({error.strerror}): this hub goes on") from error
    await successor.open(ours)
    try:
        why = "the successor does not start"
        async with asyncio.timeout(COME_UP_S):
            await successor.ready()
        why = "the successor does not serve"
        server.turn_to(successor)
        successor.tell_all(exchange, key, events())
        async with asyncio.timeout(SERVE_S):
            await successor.serving()
    except TimeoutError:
        pass  # `why` says what took too long
    except BridgeError:
        why = "the successor ended"
    else:
        server.stop_listening()
        systemd.main_process(pid)
        successor.all_yours()
        logger.info("process %d is the hub from now on", pid)
        return successor
    finally:
        if not successor.takes_over:
            server.turn_to(exchange)
            successor.give_back(exchange, time.monotonic())
    raise RestartError(f"{why} (exit code {await _exit_code(pid)}): this hub goes on")


def _start(start: Start, listener: Mapping[str, socket.socket]) -> tuple[int, socket.socket]:
    """The process id of a successor, and our end of the bridge to it. Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            return start({**listener, PREDECESSOR: theirs}), ours
        except OSError:
            ours.close()
            raise


async def _exit_code(pid: int) -> int:
    """Wait for the end of a process, and bring it about if that takes long."""
    loop, ended, process = asyncio.get_running_loop(), asyncio.Event(), os.pidfd_open(pid)
    loop.add_reader(process, ended.set)
    try:
        async with asyncio.timeout(END_S):
            await ended.wait()
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        await ended.wait()
    finally:
        loop.remove_reader(process)
        os.close(process)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
