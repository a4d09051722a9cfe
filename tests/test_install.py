"""scripts/install in containers without a network: from a fresh machine to sound between two rooms, and back."""

import json
import shlex
import shutil
from collections.abc import Iterator

import pytest

from tests.daemon import APP_ID
from tests.installation import Box
from tests.soundcard import Bench, chirps
from tests.timing import until

# Its boxes have this machine's files below theirs, which others that run meanwhile may change.
pytestmark = [pytest.mark.root, pytest.mark.alone]

COMMAND = "sudo scripts/install"
CA = "/etc/intercomd/tls/ca.crt"


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
    assert (lost.returncode, "ERROR: No matching distribution found" in lost.stderr) == (1, True)
    assert lost.stderr.splitlines()[-1] == f"Is this machine on the Internet? Once it is:    {COMMAND} --with-hub"
    said = fresh.install("--with-hub", "--card", "USB")
    assert (said.returncode, said.stderr) == (0, "")
    told = [line for line in said.stdout.splitlines() if not line.startswith(("Installing", " "))]
    assert told[0] == "There is no sound card USB here now, and it is waited for; /proc/asound/cards has the names."
    assert told[1].startswith("The intercom runs, and starts with this machine. It works when")
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


def test_a_person_named_intercom_is_not_uninstalled(fresh: Box, before: set[str]) -> None:
    fresh.shell("useradd --create-home --shell /bin/bash intercom")
    assert fresh.install("--uninstall").returncode == 0
    assert fresh.shell("getent passwd intercom").endswith(":/home/intercom:/bin/bash\n")
    fresh.shell("userdel intercom; rm -rf /home/intercom /var/mail/intercom")
    assert fresh.traces() ^ before == set()


BROKEN = [
    ("mv /usr/bin/apt-get /usr/bin/apt-got", "mv /usr/bin/apt-got /usr/bin/apt-get", "there is no apt-get here"),
    (
        "mv /run/systemd/system /run/systemd/x",
        "mv /run/systemd/x /run/systemd/system",
        "systemd does not run this machine",
    ),
    (
        "printf '#!/bin/sh\necho Python 3.9.2; exit 1' >/tmp/python; chmod 755 /tmp/python;"
        "mount --bind /tmp/python /usr/bin/python3.11",
        "umount /usr/bin/python3.11",
        "The system's Python is too old: Python 3.9.2, and 3.11 is needed.",
    ),
    (
        "useradd --create-home --shell /bin/bash intercom",
        "userdel intercom; rm -rf /home/intercom /var/mail/intercom",
        "There is somebody named intercom on this machine",
    ),
    (
        "mount -t tmpfs -o size=50M none /opt",
        "umount /opt",
        "There are 50 MB free below /opt/intercomd, and 100 are needed",
    ),
]


@pytest.mark.parametrize(("break_it", "mend_it", "remedy"), BROKEN)
def test_a_machine_that_cannot_carry_it_is_told_why(fresh: Box, break_it: str, mend_it: str, remedy: str) -> None:
    fresh.shell(break_it)
    try:
        said = fresh.install("--with-hub")
    finally:
        fresh.shell(mend_it)
    assert said.returncode == 1 and said.stderr.count("\n") <= 2, said
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
    found = first.probe(
        "intercomd", shall, "BindReadOnlyPaths=/srv/cpuinfo:/proc/cpuinfo", "SystemCallErrorNumber=EXDEV"
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
    assert first.probe("intercomd-hub", shall) == shall
    first.until_in_call()


def test_the_journal_can_be_searched_for_what_happened_and_the_unit_says_what_it_does(first: Box) -> None:
    first.shell("intercomd mute")
    until(lambda: "microphone muted" in first.shell("systemctl status intercomd"))
    first.shell("intercomd unmute")
    for event in ("joined", "muted", "unmuted"):
        said = first.shell(
            f"journalctl --output json --lines 1 EVENT={event} CHANNEL=lobby _SYSTEMD_UNIT=intercomd.service"
        )
        assert json.loads(said)["UID"] == str(first.status()["uid"]), event
        assert json.loads(said)["PRIORITY"] == "6"
    until(lambda: "microphone on" in first.shell("systemctl status intercomd"))
    hub = "StatusText=at wss://0.0.0.0:8800 | channels 1 | seats 1\n"
    until(lambda: first.shell("systemctl show --property StatusText intercomd-hub") == hub)


def test_a_reload_takes_a_new_configuration_into_the_call(first: Box) -> None:
    uid, config = first.status()["uid"], first.root / "etc/intercomd/intercom.toml"
    mine = config.read_text()
    config.write_text(mine + '[gate]\nmode = "loud"\n')
    try:
        assert first.run("systemctl", "reload", "intercomd", check=False).returncode != 0
        assert "[gate] mode: must be" in first.shell("journalctl --unit intercomd --output cat")
        assert first.status()["state"] == "in-call"
    finally:
        config.write_text(mine)
    first.shell("systemctl reload intercomd")
    until(lambda: "the configuration is read again" in first.shell("journalctl --unit intercomd --output cat"))
    assert (first.status()["uid"], first.status()["state"]) == (uid, "in-call")


def test_a_reload_of_the_hub_is_another_process_and_nobody_in_the_call_hears_of_it(first: Box) -> None:
    def shown(*properties: str) -> list[str]:
        return [first.shell(f"systemctl show --value --property {name} intercomd-hub").strip() for name in properties]

    uid, (before, fed) = first.status()["uid"], shown("MainPID", "WatchdogTimestampMonotonic")
    said = len(first.shell("journalctl --unit intercomd --output cat"))
    first.shell("systemctl reload intercomd-hub")
    until(lambda: shown("MainPID", "ActiveState", "SubState")[0] not in ("0", before))
    until(lambda: shown("ActiveState", "SubState", "NRestarts") == ["active", "running", "0"])
    until(lambda: first.run("test", "-e", f"/proc/{before}", check=False).returncode != 0)
    until(lambda: int(shown("WatchdogTimestampMonotonic")[0]) > int(fed) + 3_000_000)
    until(lambda: shown("StatusText") == ["at wss://0.0.0.0:8800 | channels 1 | seats 1"])
    assert (first.status()["uid"], first.status()["state"]) == (uid, "in-call")
    assert " is lost" not in first.shell("journalctl --unit intercomd --output cat")[said:]
    complaints = first.shell("journalctl --unit intercomd-hub --output cat")
    assert "reception only permitted for main PID" not in complaints and "Watchdog" not in complaints
    config = first.root / "etc/intercomd/intercom.toml"
    mine, (after,) = config.read_text(), shown("MainPID")
    config.write_text(mine.replace("hub.crt", "gone.crt"))
    try:
        first.shell("systemctl reload intercomd-hub")
        until(lambda: "this hub goes on" in first.shell("journalctl --unit intercomd-hub --output cat"))
        until(lambda: shown("ActiveState", "SubState", "MainPID") == ["active", "running", after])
    finally:
        config.write_text(mine)
    first.shell("systemctl stop intercomd-hub")
    assert shown("ActiveState", "Result", "MainPID") == ["inactive", "success", "0"]
    assert first.run("test", "-e", f"/proc/{after}", check=False).returncode != 0
    first.shell("systemctl start intercomd-hub")
    first.until_in_call()


def test_one_that_hangs_is_restarted_by_its_watchdog_and_one_without_a_card_is_not(first: Box) -> None:
    first.speaker.unplug()
    first.microphone.hang()
    until(lambda: "NRestarts=0" not in first.shell("systemctl show --property NRestarts intercomd"), within_s=40)
    said = first.shell("journalctl --unit intercomd --output cat")
    assert "hangs: capture; the watchdog will start it anew, if that lasts" in said
    assert "Watchdog timeout" in said
    first.microphone.hang(False)
    first.speaker.plug()
    first.until_in_call()


def test_another_run_needs_no_network_and_changes_only_what_flags_name(first: Box) -> None:
    config = first.root / "etc/intercomd/intercom.toml"
    config.write_text(config.read_text() + "\n[tones]\n# not at night\non = false\n")
    mine, traces = config.read_text(), first.traces()
    process, trusted = first.shell("systemctl show --property MainPID intercomd"), first.shell(f"cat {CA}")
    first.shell("ip address add 192.168.2.20/24 dev eth0")
    again = first.install("--label", 'K\u00fcche "links"', PIP_FIND_LINKS="")
    assert (again.returncode, again.stderr) == (0, "")
    assert config.read_text() == mine.replace('label = "box"', 'label = "K\u00fcche \\"links\\""')
    assert first.traces() == traces
    assert "Installing" not in again.stdout
    assert first.shell("systemctl show --property MainPID intercomd") != process
    assert first.shell(f"cat {CA}") == trusted
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


def test_the_printed_line_makes_a_second_box_that_hears_the_first(first: Box, second: Box, line: list[str]) -> None:
    assert line[:6] == ["sudo", "scripts/install", "--hub", "wss://192.168.1.10:8800", "--hub", "wss://box.local:8800"]
    said = second.install(*line[2:], "--card", "USB")
    assert (said.returncode, said.stderr) == (0, "")
    second.until_in_call()
    assert second.status()["hub"] == "wss://192.168.1.10:8800"
    assert 'RUN+="/usr/sbin/iw dev $name set power_save off"' in second.shell(
        "cat /etc/udev/rules.d/70-intercomd.rules"
    )
    sound, _ = chirps.stimulus(1)
    at = round(first.microphone.frame()) + 24_000
    first.microphone.put(sound, at)
    until(lambda: chirps.find(second.speaker.got(at, at + 96_000)) is not None)


def test_somebody_at_the_terminal_is_asked_until_the_answers_are_right(second: Box, line: list[str]) -> None:
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
    names = ["", "/intercom.toml", "/tls"] + [
        f"/tls/{name}" for name in ("ca.crt", "ca.key", "hub.crt", "hub.key", "hub.names")
    ]
    assert {trace.split(" ")[0] for trace in after - before} == {f"/etc/intercomd{name}" for name in names}
    assert all(trace.split(" ")[3:5] == ["root", "root"] for trace in after - before)
    assert (first.root / "etc/intercomd/intercom.toml").read_bytes() == config
    assert "intercomd" not in first.run("systemctl", "list-units", "--all", "--plain").stdout
    again = first.install("--uninstall")
    assert (again.returncode, first.traces()) == (0, after)
    unsure = first.install()
    assert (unsure.returncode, "say --hub-only, or --with-hub" in unsure.stderr, first.traces()) == (2, True, after)
