"""A container that is a machine with a sound card and a checkout, for scripts/install."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.container import Container
from tests.daemon import ROOT
from tests.soundcard import Bench
from tests.timing import until

WHEELS = Path(sys.prefix) / "wheels"
SHIPPED = ("scripts", "device", "systemd", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
# Where units may write although all else is read-only, as a real card's device files are.
CARD = "/dev/shm/card"
ALSA = """
pcm_type.soundcard {{ lib "{card}/{plugin}" }}
pcm.microphone {{ type soundcard file "{card}/{microphone}" }}
pcm.speaker {{ type soundcard file "{card}/{speaker}" }}
pcm.!plughw {{
    @args [ CARD ]
    @args.CARD {{ type string }}
    type asym
    capture.pcm "microphone"
    playback.pcm "speaker"
}}
"""


class Box(Container):
    """A machine with a sound card, a checkout in /root/intercomd, and Python packages for pip instead of a network."""

    def __init__(self, bench: Bench, room: str, beside: Container | None = None) -> None:
        assert WHEELS.is_dir(), "scripts/prepare test makes wheels for this test in its virtual environment"
        super().__init__({str(bench.folder): CARD, str(WHEELS): "/srv/wheels"}, network_of=beside)
        self.microphone, self.speaker = bench.device(f"mic-{room}"), bench.device(f"spk-{room}")
        plugin = next(bench.folder.glob("*.so")).name
        names = {"microphone": self.microphone.path.name, "speaker": self.speaker.path.name}
        self._alsa = ALSA.format(card=CARD, plugin=plugin, **names)

    def __enter__(self) -> "Box":
        super().__enter__()
        (self.root / "etc/asound.conf").write_text(self._alsa)
        checkout = self.root / "root/intercomd"
        checkout.mkdir()
        for name in SHIPPED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, checkout / name)
        return self

    def install(self, *flags: str, answers: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        """Run scripts/install; answers: on a terminal, with these lines typed. What it said there is in stdout."""
        command = ["/root/intercomd/scripts/install", *flags]
        if answers is not None:
            command = ["script", "--quiet", "--return", "--command", shlex.join(command), "/dev/null"]
        env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/srv/wheels"} | env
        values = [f"{name}={value}" for name, value in env.items()]
        return self.run("env", *values, *command, check=False, timeout_s=120, stdin=answers or "")

    def shell(self, script: str) -> str:
        """What a line of shell prints; it must not fail."""
        return self.run("sh", "-ec", script).stdout

    def status(self) -> dict[str, object]:
        """What the installed intercom says of itself; nothing while it is away."""
        said = self.run("intercomd", "status", "--json", check=False).stdout
        answer: dict[str, object] = json.loads(said) if said else {}
        return answer

    def until_in_call(self) -> None:
        until(lambda: self.status().get("state") == "in-call", within_s=20)

    def traces(self) -> set[str]:
        """All that an installation could leave behind: files with type, mode, owner and target; users; groups."""
        files = r"find /etc /opt /usr/local /var /home /root/intercomd -xdev -printf '%p %y %m %u %g %l\n'"
        lines = set(self.shell(f"{files}; getent passwd; getent group").splitlines())
        # What everything that makes a user rewrites; what services have while they run.
        passing = re.compile(r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)- |/var/tmp/systemd-private-")
        return {line for line in lines if not passing.match(line)}

    def probe(self, unit: str, attempts: Iterable[str], *properties: str) -> dict[str, object]:
        """What comes of these attempts (tests/probe.py) in the sandbox of a unit, as shipped but for `properties`."""
        shutil.copy(ROOT / "tests" / "probe.py", self.root / "srv")
        drop_in = self.root / f"run/systemd/system/{unit}.service.d/probe.conf"
        drop_in.parent.mkdir(parents=True)
        command = f"ExecStartPre=/opt/intercomd/venv/bin/python /srv/probe.py {' '.join(attempts)}"
        drop_in.write_text("\n".join(("[Service]", command, *properties)))
        try:
            self.shell(f"systemctl daemon-reload; systemctl restart {unit}")
            said = self.shell(f"journalctl --unit {unit} --output cat --grep hub-key --lines 1")
        finally:
            drop_in.unlink()
            self.shell(f"systemctl daemon-reload; systemctl restart {unit}")
        found: dict[str, object] = json.loads(said)
        return found
