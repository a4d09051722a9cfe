"""Real intercomd processes for tests, benches and the demo: started, asked, and ended by their own process id.

They never run as root.
"""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests import unprivileged
from tests.timing import seconds, until

ROOT = Path(__file__).parent.parent
APP_ID = "0123456789abcdef0123456789abcdef"


class Daemon:
    """One `intercomd` process. Its log is collected line by line; leaving the `with` ends it.

    config: the text of its configuration file. env: what to add to the environment. prefix: a command to start it with.
    """

    def __init__(
        self,
        *arguments: str,
        config: str | None = None,
        env: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="intercomd-test-"))
        self.folder.chmod(0o777)
        self.config = self.folder / "intercom.toml"
        if config is not None:
            self.config.write_text(config)
            arguments += ("--config", str(self.config))
        self.log: list[str] = []
        self._process = subprocess.Popen(
            [*prefix, *unprivileged.drop(), sys.executable, "-m", "device", *arguments],
            cwd=ROOT, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "RUNTIME_DIRECTORY": str(self.folder), "PYTHONDONTWRITEBYTECODE": "", **(env or {})},
        )  # fmt: skip
        self.started = time.monotonic()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self.log.append(line.rstrip("\n"))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_for(self, text: str, within_s: float = 10.0) -> str:
        """The first line of the log with `text` in it. AssertionError when the process ends or time runs out."""
        found: list[str] = []

        def there() -> bool:
            found.extend(line for line in self.log if text in line)
            assert found or self._process.poll() is None, "it ended:\n" + "\n".join(self.log)
            return bool(found)

        until(there, within_s)
        return found[0]

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One request to the control socket, its result. Raises AssertionError on an error."""
        answer = self._ask(method, params)
        assert "result" in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def refusal(self, method: str, **params: Any) -> str:
        """Why it refuses this request; "" where it does not."""
        answer = self._ask(method, params)
        return str(answer["error"]["message"]) if "error" in answer else ""

    @contextmanager
    def asking(self, method: str, **params: Any) -> Iterator[socket.socket]:
        """A request whose answer has not been waited for."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(seconds(5))
            control.connect(str(self.folder / "control.sock"))
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            control.sendall(json.dumps(request).encode() + b"\n")
            yield control

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        with self.asking(method, **params) as control:
            answer: dict[str, Any] = json.loads(control.makefile().readline())
            return answer

    def until_state(self, state: str, within_s: float = 10.0) -> None:
        """Wait until `status` says so; the control socket may still be missing at first."""

        def there() -> bool:
            assert self._process.poll() is None, "it ended:\n" + "\n".join(self.log)
            try:
                return bool(self.ask("status")["state"] == state)
            except (FileNotFoundError, ConnectionRefusedError):
                return False

        until(there, within_s)

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM, within_s: float = 5.0) -> tuple[int, float]:
        """Signal it and wait. Returns (exit code, seconds until the process was gone)."""
        began = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            code = self._process.wait(seconds(within_s))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        took_s = time.monotonic() - began
        self._reader.join(seconds(5))
        return code, took_s

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        self._process.kill()
        self._process.wait()

    def cpu_s(self) -> float:
        """CPU time of the process so far: user and system, all threads, seconds."""
        fields = Path(f"/proc/{self.pid}/schedstat").read_text().split()
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9 if fields else 0.0

    def wakes(self) -> int:
        """How often one of its threads has gone to sleep and woken up again."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(
            int((thread / "status").read_text().split("\nvoluntary_ctxt_switches:")[1].split()[0]) for thread in threads
        )

    def rss_mb(self) -> float:
        """Resident memory, MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1_024 / 1e6

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder)


class HubDaemon(Daemon):
    """A hub on a port of its own. To know its sessions after a crash it needs a STATE_DIRECTORY in env.

    host: its address; one that is not loopback is open to whoever reaches it.
    """

    def __init__(
        self,
        port: int = 0,
        *arguments: str,
        host: str = "127.0.0.1",
        env: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> None:
        self.port, self._host = port or free_port(), host
        self._successors: list[int] = []
        if host != "127.0.0.1":
            arguments += ("--open",)
        listen = ("--listen", f"{host}:{self.port}")
        super().__init__("hub", "--config", os.devnull, *listen, *arguments, env=env, prefix=prefix, stdin=stdin)
        until(self._listens)

    @property
    def url(self) -> str:
        return f"ws://{self._host}:{self.port}"

    @property
    def pid(self) -> int:
        """The process that is the hub now: that of the last `reload`."""
        return self._successors[-1] if self._successors else super().pid

    def reload(self) -> int:
        """A planned restart; returns the process id of the successor, once that serves and has everything."""
        told = len(self.log)
        os.kill(self.pid, signal.SIGHUP)
        until(lambda: any(_SUCCEEDED.search(line) for line in self.log[told:]))
        found = next(found for line in self.log[told:] if (found := _SUCCEEDED.search(line)))
        self._successors.append(int(found[1]))
        return self.pid

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, as a crash; what a reload has left behind goes, too."""
        self._end_successors(signal.SIGKILL)
        super().kill()

    def end(self, number: int = signal.SIGTERM, within_s: float = 5.0) -> tuple[int, float]:
        """As of any daemon; the exit code is that of the process that was started first."""
        began = time.monotonic()
        self._end_successors(number, within_s)
        code, _ = super().end(number, within_s)
        return code, time.monotonic() - began

    def __exit__(self, *_: object) -> None:
        self._end_successors(signal.SIGKILL)
        super().__exit__()

    def _end_successors(self, number: int, within_s: float = 5.0) -> None:
        """They are no children of ours."""
        while self._successors:
            with contextlib.suppress(ProcessLookupError):
                process = os.pidfd_open(self._successors[-1])
                try:
                    os.kill(self._successors[-1], number)
                    assert select.select([process], [], [], seconds(within_s))[0], "it does not end"
                finally:
                    os.close(process)
            self._successors.pop()

    def _listens(self) -> bool:
        """Its word for it: where it may be, its port cannot be tried from here."""
        assert self._process.poll() is None, "it ended:\n" + "\n".join(self.log)
        return any("the hub listens" in line for line in self.log)


class DeviceDaemon(Daemon):
    """An intercom on a virtual card. sections: its configuration, over the shipped defaults without tones, buttons and
    lights; with AS_SHIPPED they are there, too, and want pins (tests/pins)."""

    def __init__(
        self,
        hub_url: str,
        *arguments: str,
        env: Mapping[str, str],
        prefix: tuple[str, ...] = (),
        **sections: dict[str, Any],
    ) -> None:
        channel = {"hub": [hub_url], "app_id": APP_ID, **sections.pop("channel", {})}
        # Speakers are listened to by tests: no tones; and no warning that this machine has no pins.
        sections = {"tones": {"on": False}, "buttons": _NOT_WIRED, "lights": _NO_LIGHTS, **sections}
        self._sections = {"channel": channel, **sections}
        super().__init__("run", *arguments, config=_toml(self._sections), env=env, prefix=prefix)

    def reload(
        self, said: str = "the configuration is read again", *, rewrite: bool = True, **sections: dict[str, Any]
    ) -> None:
        """Change these keys of its configuration, send SIGHUP, and wait until it has said so. rewrite: whether it is
        this class that writes the file."""
        for name, keys in sections.items():
            self._sections[name] = {**self._sections.get(name, {}), **keys}
        if rewrite:
            self.config.write_text(_toml(self._sections))
        before = sum(said in line for line in self.log)
        self.send_signal(signal.SIGHUP)
        until(lambda: sum(said in line for line in self.log) > before)


_SUCCEEDED = re.compile(r"process (\d+) is the hub from now on")
AS_SHIPPED: dict[str, Any] = {"tones": {}, "buttons": {}, "lights": {}}
_NOT_WIRED = {"mute": 0, "leave": 0, "rejoin": 0}
_NO_LIGHTS = {"link": 0, "talk": 0, "mute": 0}


def free_port() -> int:
    """A TCP port of loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name, keys in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"
