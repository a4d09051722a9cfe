"""What systemd hears of running processes: readiness, a line, food for its watchdog, and silence where one hangs."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from device import pulse
from tests import pins
from tests.box import LINK_LIGHT, WIRED, connected, folder
from tests.daemon import DeviceDaemon, HubDaemon, free_port
from tests.soundcard import Bench
from tests.timing import seconds, until

WATCHDOG = {"WATCHDOG_USEC": "2000000"}


class Manager:
    """Stands where systemd stands, at an abstract address that everybody may write to."""

    def __init__(self, name: str) -> None:
        self.address = f"@intercomd-test-{name}-{time.monotonic_ns()}"
        self.lines: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address.replace("@", "\0"))
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RD)
        self._socket.close()

    def _read(self) -> None:
        while message := self._socket.recv(4_096):
            self.lines += message.decode().splitlines()

    def until(self, line: str) -> None:
        """Wait for a line that begins so, beside those that came before this."""
        seen = len(self.lines)
        until(lambda: any(one.startswith(line) for one in self.lines[seen:]))

    def fed(self) -> int:
        return self.lines.count("WATCHDOG=1")


@contextmanager
def managed(name: str) -> Iterator[Manager]:
    manager = Manager(name)
    try:
        yield manager
    finally:
        manager.close()


async def test_it_is_ready_once_says_what_changes_and_feeds_while_everything_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulse, "HANG_S", 0.3)
    beats, line = {"capture": 0, "playback": 0}, "joining"

    def moving() -> dict[str, int]:
        beats["playback"] += 1
        return beats

    with managed("unit") as manager:
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        beating = asyncio.create_task(pulse.pulse(lambda: line, moving))
        await _until(lambda: manager.fed() > 0)
        line = "in-call"
        await _until(lambda: "STATUS=in-call" in manager.lines)
        assert manager.lines.count("READY=1") == 1 and "STATUS=joining" in manager.lines
        await asyncio.sleep(0.5)
        fed = manager.fed()
        await asyncio.sleep(0.3)
        assert manager.fed() == fed, "capture stands still"
        beats["capture"] += 1
        await _until(lambda: manager.fed() > fed)
        beating.cancel()


async def test_without_systemd_it_has_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    await asyncio.wait_for(pulse.pulse(str, dict), seconds(5))


def test_a_hang_of_capture_playback_or_loop_is_not_fed_and_a_missing_card_or_hub_is() -> None:
    with ExitStack() as stack:
        bench, hub = stack.enter_context(Bench()), stack.enter_context(HubDaemon())
        managers: dict[str, Manager] = {}

        def start(name: str, url: str, env: Mapping[str, str] = {}, cards: bool = True, **more: Any) -> DeviceDaemon:
            manager = managers[name] = stack.enter_context(managed(name))
            mic, spk = f"mic-{name}", f"spk-{name}"
            if cards:
                bench.device(mic)
                bench.device(spk)
            env = {**env, **(bench.env(mic, spk) if cards else {}), "NOTIFY_SOCKET": manager.address, **WATCHDOG}
            return stack.enter_context(DeviceDaemon(url, env=env, **more))

        capture, playback = start("capture", hub.url), start("playback", hub.url)
        socket_path = stack.enter_context(folder()) / "pins.sock"
        loop = start("loop", hub.url, pins.env(socket_path), True, **WIRED)
        start("alone", f"ws://127.0.0.1:{free_port()}", cards=False)
        for name in managers:
            until(lambda name=name: managers[name].fed() > 0)  # type: ignore[misc]
            assert "READY=1" in managers[name].lines
        until(lambda: any("in-call" in line for line in managers["loop"].lines))
        bench.devices["mic-capture"].hang()
        bench.devices["spk-playback"].hang()
        with connected(socket_path, loop) as fingers:
            fingers.hang(LINK_LIGHT)
            hub.end()  # the light has something to say
            capture.wait_for("hangs: capture", 20)
            playback.wait_for("hangs: playback", 20)
            fed = {name: manager.fed() for name, manager in managers.items()}
            managers["alone"].until("WATCHDOG=1")
            managers["alone"].until("WATCHDOG=1")
            for name in ("capture", "playback", "loop"):
                assert managers[name].fed() == fed[name], name
            bench.devices["mic-capture"].hang(False)
            managers["capture"].until("WATCHDOG=1")
            assert "STOPPING=1" not in managers["capture"].lines
            assert capture.end()[0] == 0
            until(lambda: "STOPPING=1" in managers["capture"].lines)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(seconds(10)):
        while not condition():
            await asyncio.sleep(0.01)
