"""The container that other tests use: a systemd of its own, and nothing of it stays."""

import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.container import Container

pytestmark = pytest.mark.root


def left_of(box: Container) -> list[Path]:
    return [*Path("/sys/fs/cgroup").glob(f"**/{box.name}"), *Path(tempfile.gettempdir()).glob(box.name)]


def test_a_systemd_runs_in_it_and_what_it_changes_changes_nothing_here(tmp_path: Path) -> None:
    (tmp_path / "greeting").write_text("hello")
    with Container(binds={str(tmp_path): "/bound"}) as box:
        assert box.run("systemctl", "is-system-running").stdout == "running\n"
        assert box.run("ps", "-p", "1", "-o", "comm=").stdout == "systemd\n"
        assert box.run("cat", "/bound/greeting").stdout == "hello"
        box.run("sh", "-c", "echo changed > /etc/intercomd-test")
        assert (box.root / "etc/intercomd-test").read_text() == "changed\n"
        assert not Path("/etc/intercomd-test").exists()
        assert box.run("cat", "/proc/net/route").stdout.count("\n") == 1, "it has a network"
        assert left_of(box)
        leader = int(box.root.parts[2])
    assert not Path(f"/proc/{leader}").exists()
    assert not left_of(box)
    assert box.name not in subprocess.run(["mount"], capture_output=True, text=True, check=True).stdout


def test_a_command_that_fails_is_an_error_unless_it_may_fail() -> None:
    with Container() as box:
        assert box.run("sh", "-c", "exit 3", check=False).returncode == 3
        with pytest.raises(AssertionError, match="why it failed"):
            box.run("sh", "-c", "echo why it failed; exit 1")


def test_one_that_cannot_boot_says_why_and_leaves_nothing() -> None:
    box = Container(binds={"/there/is/nothing": "/x"})
    with pytest.raises(AssertionError, match="/there/is/nothing"), box:
        pass
    assert not left_of(box)
