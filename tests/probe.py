"""Runs inside the sandbox of a unit (tests/test_install.py): tries what an intercom needs, and what it must not reach.

    probe.py ATTEMPT...

Prints one JSON object: for each attempt what came of it, or the name of the error.
"""

import ctypes
import errno
import json
import mmap
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER = 0x10000000


def _revision() -> str:
    """As gpiozero reads it, to know the pins of this Raspberry Pi."""
    from gpiozero.pins.local import LocalPiFactory

    return hex(LocalPiFactory._get_revision(None))


def _encode() -> bool:
    from device.audio.opus import Encoder

    return len(Encoder(20, 28_000, 5).encode(bytes(1_920))) > 0


def _open_card() -> str:
    import alsaaudio

    for way in (alsaaudio.PCM_CAPTURE, alsaaudio.PCM_PLAYBACK):
        alsaaudio.PCM(way, device="plughw:CARD=USB").close()
    return "opened"


def _keep() -> str:
    path = Path(os.environ["STATE_DIRECTORY"], "probe")
    path.write_text("kept")
    said = path.read_text()
    path.unlink()
    return said


def _unshare() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")


ATTEMPTS: dict[str, Callable[[], object]] = {
    "revision": _revision,
    "opus": _encode,
    "card": _open_card,
    "pipe": lambda: os.mkfifo("lgd-nfy0"),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0)),
    "name": lambda: socket.getaddrinfo("localhost", 8800)[0][4][1],
    "real-time": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10)),
    "etc": lambda: "read-only" if os.statvfs("/etc").f_flag & os.ST_RDONLY else "writable",
    "home": lambda: len(list(Path("/home").iterdir())),
    "hub-key": lambda: Path("/etc/intercomd/tls/hub.key").read_text().splitlines()[0],
    "own-state": _keep,
    "hub-state": lambda: len(list(Path("/var/lib/intercomd-hub").iterdir())),
    "intercom-state": lambda: len(list(Path("/var/lib/intercomd").iterdir())),
    "process-1": lambda: Path("/proc/1/comm").read_text(),
    "raw-packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close(),
    "made-code": lambda: mmap.mmap(-1, 4_096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    "namespace": _unshare,
}

if __name__ == "__main__":
    found: dict[str, object] = {}
    for name in sys.argv[1:]:
        try:
            found[name] = ATTEMPTS[name]()
        except OSError as error:
            found[name] = errno.errorcode[error.errno or 0]
    print(json.dumps(found))
