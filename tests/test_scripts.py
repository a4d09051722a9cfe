"""The scripts: what they install, what they say where they cannot, and that a second run installs nothing."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

from tests import unprivileged
from tests.daemon import APP_ID, ROOT, free_port
from tests.soundcard import Bench
from tests.timing import seconds, until

# What scripts/install is tested with.
WHEELS = (
    "pip --python /usr/bin/python3 wheel --quiet --disable-pip-version-check --wheel-dir .venv/wheels "
    "--requirement /dev/stdin setuptools>=70.1"
)


class Machine:
    """A checkout with nothing but the scripts, on a machine whose apt, sudo and Python only write down what they do."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self.bin, self.log = folder / "checkout", folder / "bin", folder / "log"
        self.bin.mkdir()
        (self.checkout / "scripts").mkdir(parents=True)
        (self.checkout / "scripts" / "prepare").write_bytes((ROOT / "scripts" / "prepare").read_bytes())
        (self.checkout / "setup.cfg").write_text("[options]\n[tool:pytest]\n")
        (self.checkout / "pyproject.toml").touch()
        tools = "bash cat chmod cut dirname env flock grep ln mkdir rm sed setpriv sha256sum stat touch"
        for tool in tools.split():
            (self.bin / tool).symlink_to(f"/usr/bin/{tool}")
        self.has("dpkg-query", 'shift 2; for name; do echo "$name installed"; done')
        pip = folder / "pip"  # less its first line, which names the environment it belongs to
        pip.write_text(f'[ "$1" = --version ] || echo "pip $*" >>{self.log}\n')
        make_venv = (
            "rm -rf .venv; mkdir -p .venv/bin; ln -s /bin/sh .venv/bin/python; "
            f'{{ echo "#!$PWD/.venv/bin/python"; cat {pip}; }} >.venv/bin/pip; chmod +x .venv/bin/pip'
        )
        self.has("python3", f'case $* in -c*) ;; *) echo "python3 $*" >>{self.log}; {make_venv} ;; esac')
        self.log.touch()
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o777)  # the scripts run as an ordinary user here

    def has(self, tool: str, script: str) -> None:
        (self.bin / tool).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / tool).chmod(0o755)

    def lacks(self, tool: str) -> None:
        (self.bin / tool).unlink()

    def misses_packages(self) -> None:
        self.has("dpkg-query", "echo gcc installed; echo python3-dev config-files; exit 1")

    def prepare(self, what: str = "test", drop: tuple[str, ...] | None = None) -> subprocess.CompletedProcess[str]:
        """Source scripts/prepare, as an ordinary user if not told otherwise."""
        script = [f"{self.bin}/bash", "-c", f". scripts/prepare {what}; echo ready"]
        return subprocess.run(
            [*(unprivileged.drop() if drop is None else drop), *script],
            cwd=self.checkout, env={"PATH": str(self.bin)}, capture_output=True, text=True, timeout=seconds(30),
        )  # fmt: skip

    def done(self) -> list[str]:
        """What was done since the last time, one command a line."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return lines


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder where processes of an ordinary user may write, too."""
    tmp_path.chmod(0o777)
    return tmp_path


@pytest.fixture
def machine(open_folder: Path) -> Machine:
    return Machine(open_folder)


def test_the_first_time_everything_is_installed_and_the_second_time_nothing(machine: Machine) -> None:
    first = machine.prepare()
    assert first.stdout.splitlines() == [
        "Installing Python packages into .venv; this takes a minute, on a Raspberry Pi some more.",
        "ready",
    ]
    assert machine.done() == [
        "python3 -m venv --clear .venv",
        "pip install --quiet --disable-pip-version-check --use-pep517 --editable .[test]",
        WHEELS,
    ]
    assert (machine.prepare().stdout, machine.done()) == ("ready\n", [])


def test_what_can_be_tested_can_be_run_but_not_the_other_way_round(machine: Machine) -> None:
    machine.prepare("run")
    assert machine.done()[-1].endswith("--editable .")
    machine.prepare("test")
    assert machine.done()[0].endswith("--editable .[test]")
    machine.prepare("run")
    assert machine.done() == []


def test_other_requirements_are_installed_into_what_is_there(machine: Machine) -> None:
    machine.prepare()
    machine.done()
    (machine.checkout / "setup.cfg").write_text("[options]\ninstall_requires = more\n[tool:pytest]\n")
    machine.prepare()
    assert machine.done() == [
        "pip install --quiet --disable-pip-version-check --use-pep517 --editable .[test]",
        WHEELS,
    ]


def test_other_settings_of_tools_install_nothing(machine: Machine) -> None:
    machine.prepare()
    machine.done()
    (machine.checkout / "setup.cfg").write_text("[options]\n[tool:pytest]\naddopts = -v\n")
    machine.prepare()
    assert machine.done() == []


def test_an_environment_that_was_moved_or_lost_its_python_is_made_anew(machine: Machine) -> None:
    machine.prepare()
    machine.done()
    moved = machine.checkout.rename(machine.checkout.with_name("moved"))
    machine.checkout = moved
    machine.prepare()
    assert len(machine.done()) == 3
    (moved / ".venv" / "bin" / "python").unlink()
    machine.prepare()
    assert len(machine.done()) == 3


def test_an_installation_that_failed_is_tried_again(machine: Machine) -> None:
    machine.has("python3", "case $* in -c*) ;; *) mkdir -p .venv/bin; ln -s /bin/false .venv/bin/pip ;; esac")
    failed = machine.prepare()
    assert failed.returncode == 1
    assert "Is this machine on the Internet?" in failed.stderr
    assert not list((machine.checkout / ".venv").glob("test-*"))


@pytest.mark.root
def test_in_a_folder_of_somebody_else_it_says_whose_it_is(machine: Machine) -> None:
    machine.checkout.chmod(0o755)
    said = machine.prepare()
    assert said.returncode == 1
    assert said.stderr.splitlines()[-1].startswith("Run this as that user, or in a copy of your own")


def test_missing_packages_are_installed_through_sudo(machine: Machine) -> None:
    machine.misses_packages()
    machine.has("sudo", f'echo "sudo $*" >>{machine.log}')
    said = machine.prepare()
    update, install, *_ = machine.done()
    assert update == "sudo apt-get update -qq"
    assert install.startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ")
    assert {"libopus0", "python3-dev", "espeak-ng"} <= set(install.split())
    assert "gcc" not in install.split()
    assert said.stdout.endswith("ready\n")


@pytest.mark.root
def test_root_installs_missing_packages_itself(machine: Machine) -> None:
    machine.misses_packages()
    machine.has("apt-get", f'echo "apt-get $*" >>{machine.log}')
    assert machine.prepare(drop=()).returncode == 0
    assert [line.split()[:2] for line in machine.done()[:2]] == [["apt-get", "update"], ["apt-get", "install"]]


def test_without_root_and_sudo_it_says_what_to_ask_for(machine: Machine) -> None:
    machine.misses_packages()
    said = machine.prepare("run")
    assert (said.returncode, said.stdout, machine.done()) == (1, "", [])
    assert said.stderr.splitlines() == [
        "Some Debian packages are missing, and only root may install them.",
        "Ask an administrator for:    apt-get install -y libopus0 libasound2-dev libsystemd-dev pkg-config libc6-dev "
        "python3-dev python3-venv",
    ]


@pytest.mark.parametrize(("known", "installed"), [("[ -e updated ]", True), ("false", False)])
def test_lgpio_is_installed_where_the_system_has_it_as_it_knows_after_asking(
    machine: Machine, known: str, installed: bool
) -> None:
    machine.misses_packages()
    machine.has("apt-cache", known)
    machine.has("sudo", f'echo "sudo $*" >>{machine.log}; touch updated')
    machine.prepare()
    assert ("python3-lgpio" in machine.done()[1].split()) is installed


@pytest.mark.parametrize(("is_there", "option"), [("installed", " --system-site-packages"), ("not-installed", "")])
def test_what_is_to_run_sees_lgpio_where_the_system_has_it(machine: Machine, is_there: str, option: str) -> None:
    machine.has(
        "dpkg-query",
        f'shift 2; for name; do [ $name = python3-lgpio ] && s={is_there} || s=installed; echo "$name $s"; done',
    )
    machine.prepare("run")
    assert machine.done()[0] == f"python3 -m venv --clear{option} .venv"


def test_a_refusal_of_sudo_says_what_to_ask_for(machine: Machine) -> None:
    machine.misses_packages()
    machine.has("sudo", "echo you are not in the sudoers file >&2; exit 1")
    said = machine.prepare()
    assert said.returncode == 1
    assert said.stderr.splitlines()[0] == "you are not in the sudoers file"
    assert "by an administrator:    apt-get install -y libopus0 " in said.stderr


def test_another_system_is_told_what_it_needs(machine: Machine) -> None:
    machine.lacks("dpkg-query")
    said = machine.prepare()
    assert said.returncode == 1
    assert "INTERCOM_VENV=DIR" in said.stderr


def test_without_a_new_enough_python_it_says_which_one(machine: Machine) -> None:
    machine.has("python3", "exit 1")
    said = machine.prepare()
    assert said.returncode == 1
    assert said.stderr.startswith("Python 3.11 or newer is needed")
    assert machine.done() == []


class Running:
    """A script of the checkout in a process group of its own, as on a terminal; what it prints, line by line."""

    def __init__(self, *command: str, env: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*unprivileged.drop(), *command],
            cwd=ROOT, env={**os.environ, **env}, start_new_session=True, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line.rstrip("\n"))

    def says(self, text: str) -> bool:
        assert self.process.poll() is None, "\n".join(self.lines)
        return any(text in line for line in self.lines)

    def end(self, number: int = 0) -> int:
        """Wait for it, after a signal to the whole group as Ctrl-C sends it. Its exit code, once nothing of it runs."""
        if number:
            os.killpg(self.process.pid, number)
        code = self.process.wait(seconds(30))
        self._reader.join(seconds(10))
        assert not self._reader.is_alive(), "something of it still runs"
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        print(*self.lines, sep="\n")  # for who looks into a failure


@pytest.fixture
def home(open_folder: Path) -> Path:
    """The home of somebody who never ran an intercom."""
    return open_folder


def of(home: Path) -> dict[str, str]:
    return {
        "INTERCOM_VENV": sys.prefix,
        "HOME": str(home),
        "XDG_CONFIG_HOME": "",
        "RUNTIME_DIRECTORY": str(home),
    }


def test_run_makes_an_app_id_once_and_then_shows_a_live_line(home: Path) -> None:
    config = home / ".config" / "intercomd" / "intercom.toml"
    with Running("scripts/run", "--card", "--help", env=of(home)) as first:
        assert first.end() == 0
    assert (home / ".local" / "state" / "intercomd").is_dir(), "where mute and volume survive"
    assert first.lines[0] == f"This intercom has an App ID now; those it shall talk to need the same one: {config}"

    port = free_port()
    no_pins = "".join(f"{name} = 0\n" for name in ("mute", "leave", "rejoin"))
    own_port = f"[hub]\nlisten = '127.0.0.1:{port}'\n[buttons]\n{no_pins}[lights]\nlink = 0\ntalk = 0\nmute = 0\n"
    made = config.read_text() + own_port
    config.write_text(made)
    with Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        arguments = ("--card", "--log-level", "error")  # a busy machine has xruns, of which it warns
        with Running("scripts/run", *arguments, env={**of(home), **bench.env("mic", "spk")}) as run:
            until(lambda: run.says("in-call: lobby | microphone on | hears nobody"), within_s=30)
            assert run.end(signal.SIGINT) == 0
    assert run.lines[0] == f"A hub and an intercom were started with {config}; Ctrl-C ends them. How they are:"
    assert config.read_text() == made


def test_one_that_is_installed_is_running_already_also_for_who_may_not_ask_it(home: Path) -> None:
    systemctl = home / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text("#!/bin/sh\n[ $1 = is-active ]\n")
    systemctl.chmod(0o755)
    path = f"{systemctl.parent}{os.pathsep}{os.environ['PATH']}"
    with Running("scripts/run", "--card", env={**of(home), "PATH": path}) as run:
        assert run.end() == 1
        assert run.lines[-1].startswith("An intercom is running on this machine already")


def test_a_second_run_says_that_one_is_running_and_kill_ends_the_first(home: Path) -> None:
    config = home / ".config" / "intercomd" / "intercom.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"[channel]\napp_id = '{APP_ID}'\n[hub]\nlisten = '127.0.0.1:{free_port()}'\n")
    with Bench() as bench:
        bench.device("mic")
        bench.device("spk")
        with Running("scripts/run", "--card", env={**of(home), **bench.env("mic", "spk")}) as run:
            until(lambda: run.says("in-call: lobby"), within_s=30)
            with Running("scripts/run", "--card", env=of(home)) as second:
                assert second.end() == 1
            assert second.lines[0].startswith("An intercom is running on this machine already")
            run.process.terminate()  # the script alone, as `kill` does
            assert run.end() == 0
        assert any("leaving lobby" in line for line in run.lines)


def test_help_is_about_the_script(home: Path) -> None:
    with Running("scripts/run", "--help", env=of(home)) as run:
        assert run.end() == 0
    assert "Without" not in run.lines[0] and any("--card" in line for line in run.lines)
    with Running("scripts/check", "--help", env=of(home)) as check:
        assert check.end() == 0
    assert check.lines[0] == "Style, formatting and types of all sources; quick enough to run before every commit."
    assert "features" in check.lines[-1] and len(check.lines) == 2


@pytest.mark.parametrize(("script", "begins"), [("bench", "Measures: "), ("soak", "A soak: ")])
def test_help_installs_nothing(machine: Machine, script: str, begins: str) -> None:
    (machine.checkout / "scripts" / script).write_bytes((ROOT / "scripts" / script).read_bytes())
    (machine.checkout / "tests" / "soak").mkdir(parents=True)
    (machine.checkout / "tests" / "soak" / "__main__.py").write_bytes(
        (ROOT / "tests" / "soak" / "__main__.py").read_bytes()
    )
    said = subprocess.run(
        [f"{machine.bin}/bash", f"scripts/{script}", "--help"],
        cwd=machine.checkout, env={"PATH": str(machine.bin)}, capture_output=True, text=True, timeout=seconds(30),
    )  # fmt: skip
    assert (said.returncode, said.stderr, machine.done()) == (0, "", []) and said.stdout.startswith(begins)


def test_from_another_folder_it_is_the_same_and_takes_nothing_from_there(home: Path) -> None:
    """Called by a relative path; that folder has modules of the same names."""
    (home / "tests").mkdir()
    for name in ("tests/__init__.py", "wave.py"):
        (home / name).write_text("raise SystemExit('planted')")
    script = os.path.relpath(ROOT / "scripts" / "run", home)
    for arguments, says in ((["--help"], "Talk: installs"), (["--demo", "--help"], "usage: scripts/run")):
        said = subprocess.run(
            [*unprivileged.drop(), script, *arguments], cwd=home, env={**os.environ, **of(home)},
            capture_output=True, text=True, check=True, timeout=seconds(30),
        )  # fmt: skip
        assert says in said.stdout and "planted" not in said.stdout + said.stderr
    assert not (home / ".config" / "intercomd").exists()


def test_run_ends_as_its_intercom_does(home: Path) -> None:
    config = home / ".config" / "intercomd" / "intercom.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[channel]\nframe_ms = 15")
    with Running("scripts/run", "--card", env=of(home)) as run:
        assert run.end() == 2
    assert run.lines == [
        f"{config}: [channel] frame_ms: no such key; it belongs into [audio]",
        f"{config}: [channel] app_id: is missing; take the hub's, or make one: openssl rand -hex 16",
    ]


@pytest.mark.parametrize(
    ("tests", "code"),
    [
        ("echo 'NOT RUN (needs root): 0'; echo '== 3 passed in 0.1s =='", 0),
        ("echo 'NOT RUN (needs root): 3'; echo '== 3 passed, 3 deselected in 0.1s =='", 1),
        ("echo '== 3 passed in 0.1s =='", 1),
        ("echo 'NOT RUN (needs root): 0'; echo '== 1 failed in 0.1s =='; exit 1", 1),
    ],
)
def test_ci_passes_only_when_every_test_has_run_and_passed(tmp_path: Path, tests: str, code: int) -> None:
    for name, text in ((".ci/run", (ROOT / ".ci" / "run").read_text()), ("scripts/test", f"#!/bin/sh\n{tests}\n")):
        script = tmp_path / name
        script.parent.mkdir()
        script.write_text(text)
        script.chmod(0o755)
    ci = subprocess.run([tmp_path / ".ci" / "run"], cwd="/", capture_output=True, text=True, timeout=seconds(30))
    assert ci.returncode == code
    assert "passed in" in ci.stdout or "failed in" in ci.stdout or "deselected in" in ci.stdout


def collect(file: str) -> subprocess.CompletedProcess[str]:
    """As an ordinary user, from here and not from a test that wants the count for itself."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", file]
    env = {name: value for name, value in os.environ.items() if name != "NOT_RUN_FILE"}
    return subprocess.run(
        [*unprivileged.drop(), *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=seconds(60)
    )


def test_what_needs_root_is_left_out_for_others_and_counted() -> None:
    said = collect("tests/test_scripts.py")
    assert "NOT RUN (needs root): 2" in said.stdout.splitlines()
    assert "test_root_installs_missing_packages_itself" not in said.stdout


def test_a_file_that_needs_root_throughout_is_no_failure_for_others() -> None:
    said = collect("tests/test_install.py")
    assert said.returncode == 0 and "no tests collected" in said.stdout


def test_the_whole_run_ends_with_how_many_did_not_run_in_all(tmp_path: Path) -> None:
    """Two runs of pytest, which left 3 and 4 out; and the checks, the coverage and its gate, all of which are well."""
    for name, text in {
        "scripts/test": (ROOT / "scripts" / "test").read_text(),
        "scripts/prepare": "set -euo pipefail\n",
        "scripts/check": "#!/bin/sh\n",
        "bin/python": '#!/bin/sh\ncase $* in *"not alone"*) echo 3;; *pytest*) echo 4;; esac >>"$NOT_RUN_FILE"\n',
    }.items():
        script = tmp_path / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(text)
        script.chmod(0o755)
    env = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    said = subprocess.run(["scripts/test"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=seconds(30))
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "NOT RUN (needs root): 7")
