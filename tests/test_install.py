"""scripts/install in containers without a network: from a fresh machine to sound between two rooms, and back."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.container import Container
from tests.daemon import APP_ID, ROOT
from tests.soundcard import Bench, chirps
from tests.timing import until

pytestmark = pytest.mark.root

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
UNITS = ("intercomd", "intercomd-hub")


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
        """Everything that an installation could leave behind: files with type, mode, owner and target; users; groups."""
        files = r"find /etc /opt /usr/local /var /home /root/intercomd -xdev -printf '%p %y %m %u %g %l\n'"
        lines = set(self.shell(f"{files}; getent passwd; getent group").splitlines())
        # What everything that makes a user rewrites; what services have while they run.
        passing = re.compile(r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)- |/var/tmp/systemd-private-")
        return {line for line in lines if not passing.match(line)}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as bench:
        yield bench


@pytest.fixture(scope="module")
def fresh(bench: Bench) -> Iterator[Box]:
    """A machine with an address, where nothing is installed."""
    with Box(bench, "hall") as box:
        box.shell(
            "ip link add eth0 type veth peer name cable; ip address add 192.168.1.10/24 dev eth0;"
            "ip link set lo up; ip link set eth0 up; ip link set cable up;"
            "groupadd --system gpio; mkdir --parents /etc/NetworkManager/conf.d"
        )
        yield box


@pytest.fixture(scope="module")
def before(fresh: Box) -> set[str]:
    return fresh.traces()


@pytest.fixture(scope="module")
def line(fresh: Box, before: set[str]) -> list[str]:
    """Install the first box. The line that it prints for the second, in words."""
    lost = fresh.install("--with-hub", PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_RETRIES="0")
    assert lost.returncode == 1
    assert lost.stderr.splitlines()[-1] == "Is this machine on the Internet? Once it is:    sudo scripts/install --with-hub"
    said = fresh.install("--with-hub", "--card", "USB")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.splitlines()[2].startswith("The intercom runs, and starts with this machine. It works when")
    (printed,) = [line for line in said.stdout.splitlines() if line.startswith("    sudo ")]
    return shlex.split(printed)


@pytest.fixture(scope="module")
def first(fresh: Box, line: list[str]) -> Box:
    fresh.until_in_call()
    return fresh


WRONG = [
    (["--with-hub", "--app-id", "12"], "[channel] app_id: an App ID has 32 hexadecimal characters"),
    (["--hub", "http://x", "--app-id", APP_ID], "[channel] hub: a hub has an address such as"),
    (["--hub", "ws://x", "--app-id", APP_ID, "--channel", "a/b"], "[channel] name: a channel name cannot contain '/'"),
    (["--hub", "wss://x", "--app-id", APP_ID, "--ca", "MII"], "--ca: is neither a certificate nor a file"),
    (["--hub", "wss://x", "--app-id", APP_ID, "--token-file", "x"], "--token-file: there is no such file"),
]


def test_a_wrong_flag_is_one_line_and_changes_nothing(fresh: Box, before: set[str]) -> None:
    for flags, mistake in WRONG:
        said = fresh.install(*flags)
        assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1), said
        assert f": {mistake}" in said.stderr
    assert fresh.traces() == before


BROKEN = [
    ("mv /usr/bin/apt-get /usr/bin/apt-got", "mv /usr/bin/apt-got /usr/bin/apt-get", "there is no apt-get here"),
    ("mv /run/systemd/system /run/systemd/x", "mv /run/systemd/x /run/systemd/system", "systemd does not run this machine"),
    (
        "printf '#!/bin/sh\necho Python 3.9.2; exit 1' >/tmp/python; chmod 755 /tmp/python;"
        "mount --bind /tmp/python /usr/bin/python3.11",
        "umount /usr/bin/python3.11",
        "The system's Python is too old: Python 3.9.2, and 3.11 is needed.",
    ),
    ("mount -t tmpfs -o size=50M none /opt", "umount /opt", "There are 50 MB free below /opt/intercomd, and 100 are needed"),
]


@pytest.mark.parametrize(("break_it", "mend_it", "remedy"), BROKEN)
def test_a_machine_that_cannot_carry_it_is_told_why(fresh: Box, break_it: str, mend_it: str, remedy: str) -> None:
    fresh.shell(break_it)
    try:
        said = fresh.install("--with-hub")
    finally:
        fresh.shell(mend_it)
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert remedy in said.stderr


def test_it_joins_its_own_hub_through_the_sound_card(first: Box) -> None:
    status = first.status()
    assert status["hub"] == "wss://127.0.0.1:8800"
    for way in ("capture", "playback"):
        card = status[way]
        assert isinstance(card, dict) and (card["state"], card["device"]) == ("running", "plughw:CARD=USB")
    assert first.shell("systemctl is-active intercomd intercomd-hub") == "active\nactive\n"
    assert first.shell("systemctl is-enabled intercomd intercomd-hub") == "enabled\nenabled\n"
    assert first.shell("id --groups --name intercom | tr ' ' '\n' | sort").split() == ["audio", "gpio", "intercom"]
    assert "wifi.powersave = 2" in first.shell("cat /etc/NetworkManager/conf.d/intercomd.conf")
    for unit, words in (("intercomd", "joined lobby"), ("intercomd-hub", "the hub listens at wss://0.0.0.0:8800")):
        assert words in first.shell(f"journalctl --unit {unit} --output cat")


def test_the_installed_units_are_as_closed_as_they_shall_be(first: Box) -> None:
    for unit, most in (("intercomd", 15), ("intercomd-hub", 12)):
        file = f"/etc/systemd/system/{unit}.service"
        verified = first.run("systemd-analyze", "verify", file)
        assert verified.stdout + verified.stderr == ""
        first.run("systemd-analyze", "security", "--offline=true", f"--threshold={most}", file)


def test_the_keys_of_the_hub_are_for_the_hub_alone(first: Box) -> None:
    modes = first.shell("cd /etc/intercomd; stat --format '%n %a %U:%G' intercom.toml tls/*")
    assert modes.splitlines() == [
        "intercom.toml 640 root:intercom",
        "tls/ca.crt 644 root:root",
        "tls/ca.key 400 root:root",
        "tls/hub.crt 644 root:root",
        "tls/hub.key 400 intercom:root",
        "tls/hub.names 644 root:root",
    ]
    for name in ("localhost", "box", "box.local"):
        first.run("openssl", "verify", "-x509_strict", "-CAfile", "/etc/intercomd/tls/ca.crt", "-verify_hostname", name,
                  "/etc/intercomd/tls/hub.crt")  # fmt: skip
    first.shell(
        "cd /etc/intercomd/tls; openssl x509 -in hub.crt -noout -checkend $((9 * 365 * 86400));"
        "openssl verify -CAfile ca.crt -verify_ip 192.168.1.10 hub.crt; openssl pkey -in hub.key -text | grep P-256"
    )


def probe(box: Box, unit: str, attempts: Iterable[str], *properties: str) -> dict[str, object]:
    """What comes of these attempts (tests/probe.py) in the sandbox of that unit: the shipped one, with `properties`."""
    shutil.copy(ROOT / "tests" / "probe.py", box.root / "srv")
    drop_in = box.root / f"run/systemd/system/{unit}.service.d/probe.conf"
    drop_in.parent.mkdir(parents=True)
    command = f"ExecStartPre=/opt/intercomd/venv/bin/python /srv/probe.py {' '.join(attempts)}"
    drop_in.write_text("\n".join(("[Service]", command, *properties)))
    try:
        box.shell(f"systemctl daemon-reload; systemctl restart {unit}")
        said = box.shell(f"journalctl --unit {unit} --output cat --grep hub-key --lines 1")
    finally:
        drop_in.unlink()
        box.shell(f"systemctl daemon-reload; systemctl restart {unit}")
    found: dict[str, object] = json.loads(said)
    return found


def test_an_intercom_reaches_what_it_needs_below_its_unit_and_nothing_else(first: Box) -> None:
    # A machine may let nobody have real time. Then a process without a sandbox is refused it, too, and it is not the
    # filter of system calls that refuses: that one answers with another error here.
    free = "systemd-run --quiet --wait --property User=intercom --property LimitRTPRIO=20 chrt --fifo 10 true"
    allowed = first.run(*free.split(), check=False).returncode == 0
    (first.root / "srv/cpuinfo").write_text("Hardware\t: BCM2835\nRevision\t: c03111\n")
    shall = {
        "revision": "0xc03111",
        "opus": True,
        "card": "opened",
        "pipe": None,
        "netlink": None,
        "name": 8800,
        "real-time": None if allowed else "EPERM",
        "own-state": "kept",
        "etc": "read-only",
        "home": "EACCES",
        "hub-key": "EACCES",
        "hub-state": "EACCES",
        "process-1": "ENOENT",
        "raw-packets": "EAFNOSUPPORT",
        "made-code": "EPERM",
        "namespace": "EPERM",
    }
    found = probe(
        first, "intercomd", shall, "BindReadOnlyPaths=/srv/cpuinfo:/proc/cpuinfo", "SystemCallErrorNumber=EXDEV"
    )
    assert found == shall
    first.until_in_call()


def test_a_hub_reaches_its_own_things_below_its_unit_and_nothing_else(first: Box) -> None:
    shall = {
        "hub-key": "-----BEGIN PRIVATE KEY-----",
        "own-state": "kept",
        "intercom-state": "EACCES",
        "etc": "read-only",
        "home": "EACCES",
        "netlink": "EAFNOSUPPORT",
        "real-time": "EPERM",
        "process-1": "ENOENT",
        "raw-packets": "EAFNOSUPPORT",
        "made-code": "EPERM",
        "namespace": "EPERM",
    }
    assert probe(first, "intercomd-hub", shall) == shall
    first.until_in_call()


def test_another_run_needs_no_network_and_changes_only_what_flags_name(first: Box) -> None:
    config = first.root / "etc/intercomd/intercom.toml"
    config.write_text(config.read_text() + "\n[tones]\n# not at night\non = false\n")
    mine, traces = config.read_text(), first.traces()
    process, trusted = first.shell("systemctl show --property MainPID intercomd; cat /etc/intercomd/tls/ca.crt").split("-", 1)
    first.shell("ip address add 192.168.2.20/24 dev eth0")
    again = first.install("--label", 'K\u00fcche "links"', PIP_FIND_LINKS="")
    assert (again.returncode, again.stderr) == (0, "")
    assert config.read_text() == mine.replace('label = "box"', 'label = "K\u00fcche \\"links\\""')
    assert first.traces() == traces
    assert "Installing" not in again.stdout
    assert first.shell("systemctl show --property MainPID intercomd") != process
    assert first.shell("cat /etc/intercomd/tls/ca.crt").split("-", 1)[1] == trusted
    first.shell("cd /etc/intercomd/tls; openssl verify -CAfile ca.crt -verify_ip 192.168.2.20 hub.crt")
    first.until_in_call()


def test_new_code_is_installed_without_a_network(first: Box) -> None:
    code = first.root / "root/intercomd/device/call.py"
    code.write_text(code.read_text() + "\nNEW = 1\n")
    said = first.install(PIP_FIND_LINKS="")
    assert (said.returncode, said.stderr, said.stdout.splitlines()[0]) == (
        0, "", "Installing the program into /opt/intercomd/venv")  # fmt: skip
    # The checkout may go.
    first.shell(
        "mv /root/intercomd /root/gone; /opt/intercomd/venv/bin/python -c 'from device.call import NEW';"
        "systemctl restart intercomd"
    )
    first.until_in_call()
    first.shell("mv /root/gone /root/intercomd")


@pytest.fixture(scope="module")
def second(bench: Bench, first: Box) -> Iterator[Box]:
    """A machine in the network of the first one, where nothing is installed yet."""
    with Box(bench, "attic", beside=first) as box:
        box.shell("install -m 755 /dev/null /usr/sbin/iw; mkdir -p /etc/udev/rules.d")
        # What takes longest, and is the same in every box.
        shutil.copytree(first.root / "opt/intercomd", box.root / "opt/intercomd", symlinks=True)
        yield box


def test_the_printed_line_makes_a_second_box_that_hears_the_first(
    first: Box, second: Box, line: list[str]
) -> None:
    assert line[:6] == ["sudo", "scripts/install", "--hub", "wss://192.168.1.10:8800", "--hub", "wss://box.local:8800"]
    said = second.install(*line[2:], "--card", "USB")
    assert (said.returncode, said.stderr) == (0, "")
    second.until_in_call()
    assert second.status()["hub"] == "wss://192.168.1.10:8800"
    assert 'RUN+="/usr/sbin/iw dev $name set power_save off"' in second.shell("cat /etc/udev/rules.d/70-intercomd.rules")
    sound, _ = chirps.stimulus(1)
    at = round(first.microphone.frame()) + 24_000
    first.microphone.put(sound, at)
    until(lambda: chirps.find(second.speaker.got(at, at + 96_000)) is not None)


def test_somebody_at_the_terminal_is_asked_until_the_answers_are_right(
    second: Box, line: list[str]
) -> None:
    config = second.root / "etc/intercomd/intercom.toml"
    config.unlink(missing_ok=True)
    given = dict(zip(line[2::2], line[3::2], strict=True))
    broken_off = second.install(answers="12\n")
    assert broken_off.returncode == 1
    assert "an App ID has 32 hexadecimal characters" in broken_off.stdout
    assert broken_off.stdout.splitlines()[-1] == "Nothing was changed."
    assert not config.exists()
    answers = [given["--app-id"], "no address", "wss://192.168.1.10:8800", "no certificate", given["--ca"], "attic", ""]
    said = second.install(answers="".join(f"{answer}\n" for answer in answers))
    assert said.returncode == 0, said.stdout
    second.until_in_call()
    assert config.read_text().splitlines()[2:] == [
        "[channel]",
        f'app_id = "{given["--app-id"]}"',
        'hub = ["wss://192.168.1.10:8800"]',
        'label = "attic"',
        'name = "lobby"',
        'ca_file = "/etc/intercomd/hub-ca.crt"',
    ]


def test_a_token_is_copied_for_systemd_alone(second: Box, line: list[str]) -> None:
    second.shell("echo secret >/root/token")
    said = second.install(*line[2:], "--token-file", "/root/token")
    assert said.returncode == 0
    assert second.shell("stat --format '%a %U' /etc/intercomd/token; cat /etc/intercomd/token") == "600 root\nsecret\n"
    assert "token" not in (second.root / "etc/intercomd/intercom.toml").read_text()
    second.until_in_call()


def test_a_box_becomes_a_hub_alone_and_then_only_its_configuration_is_left(
    first: Box, before: set[str], line: list[str]
) -> None:
    """The last one, as nothing is there any more afterwards."""
    said = first.install("--hub-only")
    assert (said.returncode, said.stderr) == (0, "")
    assert shlex.join(line) in said.stdout.replace("'", "")
    states = first.run("systemctl", "is-active", "intercomd-hub", "intercomd", check=False)
    assert states.stdout == "active\ninactive\n"

    config = (first.root / "etc/intercomd/intercom.toml").read_bytes()
    said = first.install("--uninstall")
    assert (said.returncode, said.stderr) == (0, "")
    after = first.traces()
    assert before - after == set()
    names = ["", "/intercom.toml", "/tls"] + [f"/tls/{name}" for name in ("ca.crt", "ca.key", "hub.crt", "hub.key", "hub.names")]
    assert {trace.split(" ")[0] for trace in after - before} == {f"/etc/intercomd{name}" for name in names}
    assert all(trace.split(" ")[3:5] == ["root", "root"] for trace in after - before)
    assert (first.root / "etc/intercomd/intercom.toml").read_bytes() == config
    assert "intercomd" not in first.run("systemctl", "list-units", "--all", "--plain").stdout
    again = first.install("--uninstall")
    assert (again.returncode, first.traces()) == (0, after)
