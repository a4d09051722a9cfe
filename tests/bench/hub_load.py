"""The load of the hub bench: many WebSocket listeners and one talker on raw sockets, in a process of their own.

    hub_load.py URL HUB_PID --listeners 200 --seconds 10

The talker sends 50 packets a second; each carries the time it was sent, and every listener reads that on arrival. All
of them send `ping` every 5 s, as devices do that hear something. Raw sockets and one epoll, because a client library
would spend more on a packet than the hub does and its queue would be measured instead. Prints one JSON line when it
ends.
"""

import argparse
import base64
import json
import os
import select
import socket
import statistics
import struct
import time
from pathlib import Path
from urllib.parse import urlsplit

APP_ID = "0123456789abcdef0123456789abcdef"
PACKET_MS = 20
PAYLOAD_BYTES = 60  # one packet of 20 ms at 24 kbit/s
PING_EVERY_S = 5.0  # of a device that hears others (channel/liveness.py)
QUIET_S = 0.5  # nothing more can be on its way

_RTP = struct.Struct("!BBHII")
_SENT_NS = struct.Struct("!Q")
PACKET_BYTES = _RTP.size + PAYLOAD_BYTES
FRAME_BYTES = 2 + PACKET_BYTES
_PING = b'{"jsonrpc":"2.0","id":9,"method":"ping"}'


def masked(first: int, payload: bytes) -> bytes:
    """A client's frame of up to 65,535 bytes; a mask of zeros is a mask."""
    size = len(payload)
    head = struct.pack("!BB", first, 0x80 | size) if size < 126 else struct.pack("!BBH", first, 0x80 | 126, size)
    return head + b"\0\0\0\0" + payload


class Client:
    """One connection that has joined. `uid` as given."""

    def __init__(self, url: str, uid: int, **more: object) -> None:
        place = urlsplit(url)
        assert place.hostname and place.port
        self.uid = uid
        self._rest = b""
        self.sock = socket.create_connection((place.hostname, place.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET /v1 HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: intercom.v1\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.sock.recv(1)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self.request("join", appId=APP_ID, channel="bench", uid=uid, **more)

    def request(self, method: str, **params: object) -> None:
        """Send a request and wait for its answer; what comes before that is thrown away."""
        text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        self.sock.sendall(masked(0x81, text))
        seen = b""
        while b'"id":1,"result"' not in seen:
            seen += self.sock.recv(65_536)

    def read(self, latencies_ns: list[int]) -> None:
        """Take what has arrived: media, and the answers to `ping`."""
        data, now_ns = self._rest + self.sock.recv(65_536), time.monotonic_ns()
        at = 0
        while len(data) - at >= 2 and len(data) - at >= 2 + data[at + 1]:
            if data[at] == 0x82:
                latencies_ns.append(now_ns - _SENT_NS.unpack_from(data, at + 2 + _RTP.size)[0])
            at += 2 + data[at + 1]
        self._rest = data[at:]


def cpu_ns(pid: int) -> int:
    """User and system time of all threads of a process, to the nanosecond (proc(5): schedstat)."""
    return sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def kernel_share(pid: int) -> float:
    """How much of a process's CPU time so far was the kernel's (proc(5): utime and stime of stat, sampled)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return system / (user + system)


def rss_mb(pid: int) -> float:
    """Resident memory of a process, MB."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) * 1_024 / 1e6


class Load:
    """All clients of one run, and how long each packet took to each of them."""

    def __init__(self, url: str, listeners: int) -> None:
        self.talker = Client(url, 1)
        self.talker.request("publish")
        self.listeners = [Client(url, 2 + n, autoSubscribe=True) for n in range(listeners)]
        self.everybody = [*self.listeners, self.talker]
        self.latencies_ns: list[int] = []
        self._poll, self._by_fd = select.epoll(), dict[int, Client]()
        for client in self.everybody:
            client.sock.setblocking(False)
            self._poll.register(client.sock, select.EPOLLIN)
            self._by_fd[client.sock.fileno()] = client
        self.read_until(time.monotonic() + QUIET_S)

    def read_until(self, deadline: float) -> None:
        """Take whatever comes until then."""
        while (left := deadline - time.monotonic()) > 0:
            for fd, _ in self._poll.poll(left):
                self._by_fd[fd].read(self.latencies_ns)

    def run(self, packets: int) -> None:
        """Talk, and ping in turns, half a packet later."""
        started, ping = time.monotonic(), masked(0x81, _PING)
        each_time = -(-len(self.everybody) * PACKET_MS // round(PING_EVERY_S * 1000))
        for n in range(packets):
            head = _RTP.pack(0x80, 111, n & 0xFFFF, n * 960, self.talker.uid)
            payload = _SENT_NS.pack(time.monotonic_ns()) + bytes(PAYLOAD_BYTES - _SENT_NS.size)
            self.talker.sock.send(masked(0x82, head + payload))
            self.read_until(started + (n + 0.5) * PACKET_MS / 1000)
            for client in self.everybody[n * each_time % len(self.everybody) :][:each_time]:
                client.sock.send(ping)
            self.read_until(started + (n + 1) * PACKET_MS / 1000)


def main() -> None:
    """Run the load once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("hub_pid", type=int)
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    load = Load(options.url, options.listeners)
    packets, began_cpu_ns = round(options.seconds * 1000 / PACKET_MS), cpu_ns(options.hub_pid)
    load.run(packets)
    hub_cpu_ns, hub_rss_mb = cpu_ns(options.hub_pid) - began_cpu_ns, rss_mb(options.hub_pid)
    load.read_until(time.monotonic() + QUIET_S)
    expected, parts = packets * options.listeners, statistics.quantiles(load.latencies_ns, n=100)
    print(json.dumps({
        "cpu_us_per_packet": hub_cpu_ns / expected / 1000,
        "kernel_share": kernel_share(options.hub_pid),
        "p50_ms": parts[49] / 1e6, "p99_ms": parts[98] / 1e6, "worst_ms": max(load.latencies_ns) / 1e6,
        "lost": expected - len(load.latencies_ns), "rss_mb": hub_rss_mb,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
