"""The test's side of a bad network: its hosts, and what happens to them."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

from tests.netem import Weather

from .forwarder import DEVICE, DOWN, UP, enter

ROOT = Path(__file__).parent.parent.parent
_FORWARDER = "import sys; from tests.badnet import forwarder; forwarder.main(*map(int, sys.argv[1:]))"
# What a Raspberry Pi has; the machine of the tests may have anything, and a namespace may not choose for itself.
_CONGESTION_CONTROL = "cubic"


class Host:
    """One machine of the network. `prefix` starts a command inside; `address` is the one it has now."""

    def __init__(self, network: "BadNetwork", number: int, namespace: Path) -> None:
        self._network, self._number, self._namespace = network, number, namespace
        self._weather = {UP: Weather(), DOWN: Weather()}
        self._addresses = 0
        self.prefix: tuple[str, ...] = ("nsenter", f"--net={namespace}", "--")
        self._up = True
        self._ip("link set lo up", f"link set {DEVICE} mtu 1500 txqueuelen 1000 addrgenmode none up")
        self.readdress()

    @property
    def address(self) -> str:
        return f"10.66.{self._number}.{self._addresses}"

    def set(self, way: str = "both", **weather: Any) -> None:
        """Change this of its link: fields of `tests.netem.Weather`, for what goes "up", comes "down", or both."""
        for each in (UP, DOWN) if way == "both" else (way,):
            self._weather[each] = replace(self._weather[each], **weather)
            self._network.ask(host=self._number, way=each, weather=asdict(self._weather[each]))

    def hole(self, on: bool = True, way: str = "both") -> None:
        """Whether its link swallows everything, without a word to anybody."""
        self.set(way, hole=on)

    def link(self, up: bool) -> None:
        """Its network interface is up, or down, which its processes are told (ENETUNREACH)."""
        self._up = up
        self._ip(f"link set {DEVICE} {'up' if up else 'down'}", *self._route())

    def readdress(self) -> str:
        """It gets another address, as from another network, and loses the one it has. Returns the new one."""
        removal = [f"address del {self.address}/16 dev {DEVICE}"] if self._addresses else []
        self._addresses += 1
        self._ip(*removal, f"address add {self.address}/16 dev {DEVICE} noprefixroute", *self._route())
        return self.address

    @contextmanager
    def inside(self) -> Iterator[None]:
        """The calling thread is in this host's network meanwhile, and what sockets it makes stay there."""
        with ExitStack() as stack:
            for path in (Path("/proc/thread-self/ns/net"), self._namespace):
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                stack.callback(os.close, file)
                if path is not self._namespace:
                    stack.callback(enter, file)
            enter(file)
            yield

    def _route(self) -> list[str]:
        route = f"route replace 10.66.0.0/16 dev {DEVICE} src {self.address} congctl {_CONGESTION_CONTROL}"
        return [route] if self._up else []

    def _ip(self, *commands: str) -> None:
        subprocess.run([*self.prefix, "ip", "-batch", "-"], input="\n".join(commands), text=True, check=True)


class BadNetwork:
    """Hosts on one network, each behind a link of its own. Use as `with BadNetwork("hub", "kitchen") as net`.

    All that is random comes from `seed`. Raises RuntimeError where this user or machine cannot have one.
    """

    def __init__(self, *names: str, seed: int = 1) -> None:
        self._names, self._seed = names or ("a", "b"), seed
        self.hosts: dict[str, Host] = {}

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
            raise RuntimeError("a bad network needs root and /dev/net/tun")
        with ExitStack() as stack:
            self._control, theirs = socket.socketpair()
            stack.enter_context(self._control)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", _FORWARDER, *map(str, self._arguments(theirs))],
                    cwd=ROOT, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
                    env={**os.environ, "COVERAGE_PROCESS_CONFIG": ""},
                )  # fmt: skip
            stack.callback(self._process.wait)
            stack.callback(self._control.shutdown, socket.SHUT_RDWR)  # which ends it
            self._answers = stack.enter_context(self._control.makefile())
            namespaces = self._answer()["namespaces"]
            for number, (name, file) in enumerate(zip(self._names, namespaces, strict=True)):
                self.hosts[name] = Host(self, number, Path(f"/proc/{self._process.pid}/fd/{file}"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def counts(self) -> dict[str, dict[str, dict[str, int]]]:
        """Packets by host, way ("up", "down") and fate: sent, lost, doubled."""
        return dict(zip(self._names, self.ask(counts=True)["counts"], strict=True))

    def late_ms(self) -> float:
        """How much too late the forwarder has delivered a packet, at worst: whether the machine keeps up."""
        late_ms: float = self.ask(counts=True)["late_ms"]
        return late_ms

    @property
    def forwarder_pid(self) -> int:
        return self._process.pid

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request to the forwarder, which has done it when this returns."""
        with contextlib.suppress(BrokenPipeError):  # the answer says it
            self._control.sendall(json.dumps(request).encode() + b"\n")
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = ""
        with contextlib.suppress(ConnectionResetError):
            line = self._answers.readline()
        if not line:
            raise RuntimeError(f"the bad network has ended with {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _arguments(self, control: socket.socket) -> tuple[int, int, int]:
        return control.fileno(), len(self._names), self._seed
