"""The bad network does to real packets what it was asked to do, and nothing else."""

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.badnet import BadNetwork
from tests.daemon import ROOT
from tests.timing import seconds, until

pytestmark = pytest.mark.root

PORT = 7_000
# struct tcp_info of <linux/tcp.h>: tcpi_rtt is the 16th number of 32 bits after 8 bytes, tcpi_total_retrans the 24th.
RTT_US, RETRANSMITTED = 15, 23


@pytest.fixture
def net() -> Iterator[BadNetwork]:
    with BadNetwork("a", "b") as network:
        yield network


class Datagrams:
    """UDP from one host to another, each with the moment at which it was sent."""

    def __init__(self, net: BadNetwork, stack: ExitStack, source: str = "a", target: str = "b") -> None:
        with net[source].inside():
            self._out = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        with net[target].inside():
            self._into = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        self._into.bind((net[target].address, PORT))
        self._into.setblocking(False)
        self._to = (net[target].address, PORT)

    def send(self, count: int, every_s: float, size: int = 100) -> list[tuple[int, float]]:
        """(number, delay in ms) of those that arrive while they are sent and up to 0.2 s after the last."""
        came, began = [], time.monotonic()
        due = [began + number * every_s for number in range(count)]
        sent = 0
        while time.monotonic() < due[-1] + 0.2:
            while sent < count and due[sent] <= time.monotonic():
                stamp = struct.pack("dI", time.monotonic(), sent)
                self._out.sendto(stamp.ljust(size, b"\0"), self._to)
                sent += 1
            next_at = due[sent] if sent < count else due[-1] + 0.2
            if select.select([self._into], [], [], max(0.0, next_at - time.monotonic()))[0]:
                at = time.monotonic()
                stamped, number = struct.unpack_from("dI", self._into.recv(2_000))
                came.append((number, (at - stamped) * 1e3))
        return came


class Stream:
    """A TCP connection from host a to host b."""

    def __init__(self, net: BadNetwork, stack: ExitStack) -> None:
        with net["b"].inside():
            listening = stack.enter_context(socket.create_server((net["b"].address, PORT)))
        with net["a"].inside():
            self.near = stack.enter_context(socket.create_connection((net["b"].address, PORT), seconds(5)))
        self.far = stack.enter_context(listening.accept()[0])
        self.near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.far.settimeout(seconds(5))

    def info(self, which: int) -> int:
        raw = self.near.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return int(struct.unpack("24I", raw[8:104])[which])

    def carry(self, messages: int, every_s: float) -> None:
        """Send them, and wait until all of them are there."""
        for _ in range(messages):
            self.near.sendall(bytes(100))
            time.sleep(every_s)
        missing = messages * 100
        while missing:
            missing -= len(self.far.recv(missing))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_twenty_milliseconds_are_twenty_milliseconds(net: BadNetwork, stack: ExitStack) -> None:
    net["a"].set("up", delay_ms=20)
    delays = [delay for _, delay in Datagrams(net, stack).send(200, 0.002)]
    assert len(delays) == 200
    assert min(delays) >= 19.9
    assert np.percentile(delays, 50) <= 20 + seconds(0.5)
    back = [delay for _, delay in Datagrams(net, stack, "b", "a").send(50, 0.002)]
    assert np.percentile(back, 50) <= seconds(1.0)


def test_tcp_sees_the_round_trip_and_real_losses_under_cubic(net: BadNetwork, stack: ExitStack) -> None:
    net["a"].set(delay_ms=10)
    stream = Stream(net, stack)
    for end in (stream.near, stream.far):
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0") == b"cubic"
    assert 20_000 <= stream.info(RTT_US) <= 20_000 + seconds(3_000)
    stream.carry(20, 0.002)
    assert stream.info(RETRANSMITTED) == 0
    net["a"].set("up", loss=0.3)
    stream.carry(40, 0.005)
    assert stream.info(RETRANSMITTED) > 0


def test_the_same_seed_loses_the_same_packets(stack: ExitStack) -> None:
    def those_that_come(seed: int) -> list[int]:
        with BadNetwork(seed=seed) as net, ExitStack() as stack:
            net["b"].set("down", loss=0.2, burst=3)
            return [number for number, _ in Datagrams(net, stack).send(100, 0.001)]

    came = those_that_come(7)
    assert 40 < len(came) < 100
    assert those_that_come(7) == came
    assert those_that_come(8) != came


def test_packets_overtake_each_other_and_come_twice(net: BadNetwork, stack: ExitStack) -> None:
    net["a"].set("up", delay_ms=10, jitter_ms=5, reorder=0.5, duplicate=0.5)
    numbers = [number for number, _ in Datagrams(net, stack).send(100, 0.001)]
    assert set(numbers) == set(range(100))
    assert 120 < len(numbers) < 180
    assert numbers != sorted(numbers)
    assert net.counts()["a"]["up"]["doubled"] == len(numbers) - 100


def test_a_rate_with_a_bounded_queue(net: BadNetwork, stack: ExitStack) -> None:
    """1,000 bytes of UDP are 1,028 of IP, 8.2 ms at 1 Mbit/s: of 100 at once, what fits into 200 ms comes."""
    net["a"].set("up", rate_kbit=1_000, queue_ms=200)
    delays = [delay for _, delay in Datagrams(net, stack).send(100, 0.0001, size=1_000)]
    assert 24 <= len(delays) <= 28
    assert np.percentile(np.diff(delays), 50) == pytest.approx(8.2 - 0.1, abs=seconds(0.5))
    assert max(delays) < 200 + 8.3 + seconds(10)


def test_a_black_hole_swallows_without_a_word_and_gives_back(net: BadNetwork, stack: ExitStack) -> None:
    stream = Stream(net, stack)
    net["a"].hole()
    stream.near.sendall(b"into the hole")  # no error
    stream.far.settimeout(0.3)
    with pytest.raises(TimeoutError):
        stream.far.recv(100)
    net["a"].hole(False)
    stream.far.settimeout(seconds(5))
    assert stream.far.recv(100) == b"into the hole"
    assert stream.info(RETRANSMITTED) > 0


def test_a_link_that_is_down_is_an_error_at_once_and_comes_back(net: BadNetwork, stack: ExitStack) -> None:
    stream = Stream(net, stack)
    net["a"].link(False)
    with net["a"].inside(), pytest.raises(OSError, match="Network is unreachable"):
        socket.create_connection((net["b"].address, PORT), 1)
    net["a"].link(True)
    stream.carry(1, 0)


def test_with_a_new_address_old_connections_are_dead_and_new_ones_live(net: BadNetwork, stack: ExitStack) -> None:
    old, stream = net["a"].address, Stream(net, stack)
    new = net["a"].readdress()
    assert new != old
    assert stream.near.getsockname()[0] == old
    stream.far.settimeout(0.3)
    stream.near.sendall(b"from the old address")
    with pytest.raises(TimeoutError):
        stream.far.recv(100)
    with net["b"].inside():
        stack.enter_context(socket.create_server((net["b"].address, PORT + 1)))
    with net["a"].inside():
        fresh = stack.enter_context(socket.create_connection((net["b"].address, PORT + 1), seconds(5)))
    assert fresh.getsockname()[0] == new


def test_three_hosts_each_with_its_own_weather() -> None:
    with BadNetwork("hub", "kitchen", "hall") as net, ExitStack() as stack:
        net["kitchen"].set(delay_ms=5)
        net["hall"].hole()
        assert min(delay for _, delay in Datagrams(net, stack, "kitchen", "hub").send(10, 0.002)) >= 5
        stack.pop_all().close()
        assert Datagrams(net, stack, "hub", "hall").send(10, 0.002) == []
        counts = net.counts()
        assert (counts["hall"]["down"]["lost"], counts["kitchen"]["up"]["lost"]) == (10, 0)


def test_a_process_inside_is_in_that_network_alone(net: BadNetwork) -> None:
    def addresses(prefix: tuple[str, ...]) -> str:
        return subprocess.run([*prefix, "hostname", "-I"], capture_output=True, text=True, check=True).stdout.strip()

    assert [addresses(net[name].prefix) for name in "ab"] == [net["a"].address, net["b"].address]
    here = Path("/proc/thread-self/ns/net").readlink()
    with net["a"].inside():
        assert Path("/proc/thread-self/ns/net").readlink() != here
        others: list[Path] = []
        thread = threading.Thread(target=lambda: others.append(Path(f"/proc/{os.getpid()}/ns/net").readlink()))
        thread.start()
        thread.join()
    assert Path("/proc/thread-self/ns/net").readlink() == here


def test_nothing_is_left_over_when_the_test_is_killed() -> None:
    """Neither the forwarder nor, with it, its namespaces: they have no names."""
    program = (
        "import time; from tests.badnet import BadNetwork\n"
        "with BadNetwork() as net: print(net.forwarder_pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as test:
        assert test.stdout
        pid = int(test.stdout.readline())
        assert namespaces_of(pid)
        test.send_signal(signal.SIGKILL)
    until(lambda: not namespaces_of(pid))


def namespaces_of(pid: int) -> list[Path]:
    """Those that this process keeps open; none where it has ended, whether or not anybody has noticed."""
    try:
        files = [file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:
        return []
    return [file for file in files if str(file).startswith("net:")]


def test_a_forwarder_that_dies_is_said_in_one_line(net: BadNetwork) -> None:
    os.kill(net.forwarder_pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="the bad network has ended"):
        net["a"].set(delay_ms=1)
