"""A real systemd as process 1, in a container that is a copy of this machine and vanishes afterwards.

Its root is the root of this machine below an overlay: nothing is downloaded, it boots in half a second, and what is
changed in it changes nothing here. Of the machine's services it has only what every Debian has. /tmp, /run and /dev are
its own. Memory, CPU and device limits of units may do nothing in it; everything else of systemd works.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.timing import seconds

# Mounts live in a namespace of the container's processes: they are gone when these are, however this process ends.
_BOOT = """
set -eu
folder=$1; shift
while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift
mount -t tmpfs -o mode=755 tmpfs "$folder"
cd "$folder"
mkdir changes work root
mount -t overlay -o lowerdir=/,upperdir=changes,workdir=work overlay root
rm -rf root/etc/systemd/system root/etc/rc?.d root/etc/fstab root/etc/crypttab root/etc/machine-id
rm -rf root/opt/intercomd root/etc/intercomd root/var/lib/intercomd root/var/log/journal
mkdir root/etc/systemd/system
touch root/etc/fstab
: >root/etc/machine-id
echo box >root/etc/hostname
exec systemd-nspawn --directory=root "$@"
"""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Container:
    """A machine of its own; entering the `with` boots it, leaving it pulls the plug. Needs root.

    binds: folders and files of this machine, by path, and where the container sees them. What it changes there changes
    here. The checkout may already be there, as part of the copied root, or not, where it is a mount or below /tmp:
    bind it. own_network: it has a loopback and no other network; else it shares this machine's. network_of: it has the
    network of that container, which runs already.
    """

    def __init__(
        self, binds: Mapping[str, str] = {}, *, own_network: bool = True, network_of: "Container | None" = None
    ) -> None:
        self._leader = 0
        self._options = [f"--bind={here}:{there}" for here, there in binds.items()]
        if network_of:
            self._options += [f"--network-namespace-path=/proc/{network_of._leader}/ns/net"]
        elif own_network:
            self._options += ["--private-network"]
        self._folder = Path(tempfile.mkdtemp(prefix="intercomd-container-"))
        self.name = self._folder.name
        self._cgroups = [hierarchy / self.name for hierarchy in _hierarchies()]
        self._nspawn: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        """Its root folder, as it is seen from here, with all that is mounted in it; while it runs."""
        return Path(f"/proc/{self._leader}/root")

    def run(
        self, *command: str, check: bool = True, timeout_s: float = 30.0, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it as root. AssertionError, with what it said, when it fails and `check` is set."""
        enter = ("nsenter", f"--target={self._leader}", "--all", "--root", "--wd", "env", "-i", f"PATH={_PATH}")
        done = subprocess.run(
            [*enter, "LANG=C.UTF-8", *command],
            input=stdin, capture_output=True, text=True, timeout=seconds(timeout_s), check=False,
        )  # fmt: skip
        assert not check or not done.returncode, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def __enter__(self) -> Self:
        for cgroup in self._cgroups:
            cgroup.mkdir()
        try:
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._nspawn is not None:
            # Without its process 1 the container is gone, and systemd-nspawn ends; the other way round it lives on.
            if self._leader and self._nspawn.poll() is None:
                os.kill(self._leader, signal.SIGKILL)
            else:
                self._nspawn.terminate()
            self._nspawn.wait(seconds(30))
            self._nspawn = None
        for cgroup in self._cgroups:
            _remove(cgroup)
        shutil.rmtree(self._folder)

    def _boot(self) -> None:
        """Start it and wait for its systemd to say that everything is up."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as news, tempfile.TemporaryFile() as console:
            address = f"\0{self.name}"
            news.bind(address)
            self._nspawn = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", "unshare", "--mount", "sh", "-c", _BOOT, "boot", self._folder,
                 *self._cgroups, "--", "--boot", "--register=no", "--keep-unit", "--notify-ready=yes", "--quiet",
                 "--machine=box", "--console=pipe", "--link-journal=no", *self._options,
                 "systemd.unit=multi-user.target"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env={"PATH": _PATH, "NOTIFY_SOCKET": f"@{address[1:]}"},
            )  # fmt: skip
            if not self._told(news, self._nspawn):
                console.seek(0)
                raise AssertionError("the container did not boot:\n" + console.read().decode(errors="replace"))

    def _told(self, news: socket.socket, nspawn: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + seconds(60)
        news.settimeout(0.2)
        ready = False
        while not (ready and self._leader) and time.monotonic() < deadline and nspawn.poll() is None:
            try:
                lines = news.recv(4_096).decode().splitlines()
            except TimeoutError:
                continue
            ready = ready or "READY=1" in lines
            for line in lines:
                if line.startswith("X_NSPAWN_LEADER_PID="):
                    self._leader = int(line.partition("=")[2])
        return ready and self._leader > 0


def _hierarchies() -> Sequence[Path]:
    """Where systemd keeps its groups: one folder, or two where this machine mixes the old and the new ones."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        return [top]
    return [top / name for name in ("systemd", "unified") if (top / name).is_dir()]


def _remove(cgroup: Path) -> None:
    if cgroup.exists():
        for folder, _, _ in os.walk(cgroup, topdown=False):
            Path(folder).rmdir()
