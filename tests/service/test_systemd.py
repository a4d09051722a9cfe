"""What systemd hears from us: real datagram sockets in place of the manager's and the journal's."""

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device.service import systemd
from tests.timing import seconds

Opened = Callable[[str], socket.socket]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens datagram sockets at an address, and closes them in the end."""
    sockets = []

    def open(address: str) -> socket.socket:
        sockets.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        sockets[-1].settimeout(seconds(5))
        sockets[-1].bind(address)
        return sockets[-1]

    yield open
    for each in sockets:
        each.close()


@pytest.fixture(autouse=True)
def no_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def chosen_anew() -> Iterator[None]:
    """Each test chooses between systemd-python and our own lines for itself."""
    systemd._notifier.cache_clear()
    systemd._sendv.cache_clear()
    yield
    systemd._notifier.cache_clear()
    systemd._sendv.cache_clear()


@pytest.fixture
def own_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where systemd-python could not be built."""
    for name in ("systemd", "systemd.daemon", "systemd.journal"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture(params=["systemd-python", "own lines"])
def either_way(request: pytest.FixtureRequest) -> None:
    if request.param == "own lines":
        request.getfixturevalue("own_lines")
    else:
        pytest.importorskip("systemd.daemon")


@pytest.mark.usefixtures("either_way")
class TestTheManager:
    @pytest.fixture(params=["a path", "an abstract name"])
    def manager(
        self, request: pytest.FixtureRequest, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> socket.socket:
        """What systemd listens at; it hands out either kind of address."""
        path = str(tmp_path / "notify")
        monkeypatch.setenv("NOTIFY_SOCKET", path if request.param == "a path" else f"@{path}")
        return opened(path if request.param == "a path" else f"\0{path}")

    def test_hears_when_we_are_ready_and_what_we_do(self, manager: socket.socket) -> None:
        systemd.ready("in lobby with 2 others")
        assert manager.recv(4_096) == b"READY=1\nSTATUS=in lobby with 2 others"
        systemd.status("no hub at ws://hub:8800 for 3 s")
        assert manager.recv(4_096) == b"STATUS=no hub at ws://hub:8800 for 3 s"

    def test_hears_the_watchdog_a_reload_and_the_end(self, manager: socket.socket) -> None:
        systemd.feed_watchdog()
        assert manager.recv(4_096) == b"WATCHDOG=1"
        systemd.reloading()
        first, second = manager.recv(4_096).decode().split("\n")
        assert first == "RELOADING=1"
        assert second.startswith("MONOTONIC_USEC=") and second.partition("=")[2].isdecimal()
        systemd.stopping()
        assert manager.recv(4_096) == b"STOPPING=1"

    def test_hears_which_process_goes_on_in_our_place(self, manager: socket.socket) -> None:
        systemd.main_process(4_711)
        assert manager.recv(4_096) == b"MAINPID=4711"

    def test_a_name_with_a_line_break_commands_nothing(self, manager: socket.socket) -> None:
        systemd.status("kitchen\nMAINPID=1\r\nWATCHDOG=trigger")
        assert manager.recv(4_096) == b"STATUS=kitchen MAINPID=1 WATCHDOG=trigger"

    def test_without_systemd_nothing_is_said_and_nothing_fails(self) -> None:
        systemd.ready("alone")

    def test_one_that_does_not_listen_is_no_reason_to_fail(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
        with caplog.at_level(logging.DEBUG):
            systemd.feed_watchdog()
        assert "systemd does not listen" in caplog.text


class TestTheWatchdogsLimit:
    def test_is_what_systemd_says_in_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        assert systemd.watchdog_s() == 10.0
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        assert systemd.watchdog_s() == 10.0

    def test_is_none_where_nobody_watches_us(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert systemd.watchdog_s() is None
        monkeypatch.setenv("WATCHDOG_USEC", "10000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
        assert systemd.watchdog_s() is None

    @pytest.mark.parametrize("nonsense", ["", "0", "soon", "-1"])
    def test_is_none_where_it_makes_no_sense(self, nonsense: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WATCHDOG_USEC", nonsense)
        assert systemd.watchdog_s() is None


class TestCredentials:
    def test_one_that_the_unit_loads_is_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        (tmp_path / "token").write_text("007abc\n")
        assert systemd.credential("token") == tmp_path / "token"

    def test_blank_missing_or_not_below_systemd_it_is_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert systemd.credential("token") is None
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        assert systemd.credential("token") is None
        (tmp_path / "token").write_text("\n")
        assert systemd.credential("token") is None


def test_stderr_is_the_journal_only_where_it_is_the_stream_that_systemd_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = os.fstat(2)
    assert not systemd.stderr_is_journal()
    monkeypatch.setenv("JOURNAL_STREAM", f"{stderr.st_dev}:{stderr.st_ino}")
    assert systemd.stderr_is_journal()
    monkeypatch.setenv("JOURNAL_STREAM", f"{stderr.st_dev}:{stderr.st_ino + 1}")
    assert not systemd.stderr_is_journal()


class TestTheJournal:
    """By our own lines; what systemd-python sends, a real journal shows in tests/test_units.py."""

    @pytest.fixture(autouse=True)
    def address(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_lines: None) -> str:
        monkeypatch.setattr(systemd, "JOURNAL", str(tmp_path / "journal"))
        return str(tmp_path / "journal")

    @pytest.fixture
    def log(self) -> logging.Logger:
        """A logger that has nobody but the journal."""
        log = logging.Logger("device.test")
        log.addHandler(systemd.JournalHandler())
        return log

    def test_gets_an_entry_with_its_fields(self, address: str, opened: Opened, log: logging.Logger) -> None:
        journal = opened(address)
        log.warning("joined %s", "lobby", extra={"event": "joined", "channel": "lobby", "uid": 7})
        assert journal.recv(4_096).decode().splitlines() == [
            "MESSAGE=joined lobby",
            "PRIORITY=4",
            "SYSLOG_IDENTIFIER=intercomd",
            "LOGGER=device.test",
            "EVENT=joined",
            "CHANNEL=lobby",
            "UID=7",
        ]

    def test_knows_how_important_it_is(self, address: str, opened: Opened, log: logging.Logger) -> None:
        journal = opened(address)
        for say, priority in ((log.debug, 7), (log.info, 6), (log.warning, 4), (log.error, 3), (log.critical, 2)):
            say("something")
            assert f"PRIORITY={priority}\n" in journal.recv(4_096).decode()

    def test_gets_lines_of_one_message_as_one_entry(self, address: str, opened: Opened, log: logging.Logger) -> None:
        journal = opened(address)
        log.info("first\nPRIORITY=0", extra={"channel": "a\nUID=1"})
        entry = journal.recv(4_096)
        assert entry.startswith(b"MESSAGE\n" + (16).to_bytes(8, "little") + b"first\nPRIORITY=0\n")
        assert entry.endswith(b"CHANNEL\n" + (7).to_bytes(8, "little") + b"a\nUID=1\n")

    def test_lets_stderr_have_what_it_does_not_take(
        self, log: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log.error("nobody\nlistens")
        assert capsys.readouterr().err == "<3>nobody\n<3>listens\n"

    def test_a_full_journal_does_not_hold_us(
        self, address: str, opened: Opened, log: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        opened(address)
        queue = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
        for number in range(queue + 2):
            log.info("entry %d", number)
        assert f"<6>entry {queue + 1}\n" in capsys.readouterr().err

    @pytest.mark.parametrize("message", ["%d", "\udcff"])
    def test_a_message_that_is_none_fails_nobody(
        self, message: str, address: str, opened: Opened, log: logging.Logger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        opened(address)
        log.info(message, *(["not a number"] if "%" in message else []))
        assert "Logging error" in capsys.readouterr().err


class TestSockets:
    """systemd's own protocol for them, both ways."""

    # A process that tells what it was given, and what is left of that for its own children.
    TELLS = (
        "import os, sys; from device.service import systemd; given = systemd.sockets();"
        "print(sys.argv[1:], {name: sock.getsockname()[1] for name, sock in given.items()},"
        "[sock.get_inheritable() for sock in given.values()], systemd.sockets(),"
        "[name for name in os.environ if name.startswith('LISTEN_')], systemd.watchdog_s())"
    )

    def test_a_process_like_ours_gets_them_by_name_whatever_their_numbers(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = tmp_path / "said"
        monkeypatch.setattr(sys, "orig_argv", ["python", "-c", f"{self.TELLS}", "hub", "--listen", "x y"])
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            ports = {"hub": two.getsockname()[1], "predecessor": one.getsockname()[1]}
            stdout, file = os.dup(1), os.open(said, os.O_WRONLY | os.O_CREAT)
            os.dup2(file, 1)
            try:
                pid = systemd.start_like_us({"hub": two, "predecessor": one})
            finally:
                os.dup2(stdout, 1)
                os.close(stdout)
                os.close(file)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert said.read_text() == f"['hub', '--listen', 'x y'] {ports} [False, False] {{}} [] 2.0\n"

    def test_those_for_another_process_are_not_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (("LISTEN_PID", "1"), ("LISTEN_FDS", "1"), ("LISTEN_FDNAMES", "hub")):
            monkeypatch.setenv(name, value)
        assert systemd.sockets() == {}
        assert "LISTEN_FDS" not in os.environ

    def test_those_of_a_socket_unit_have_names_or_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(systemd, "_inherited", lambda number: number)
        for names, expected in (
            ("", [("socket 0", 3), ("socket 1", 4)]),
            ("intercomd-hub.socket:x", [("intercomd-hub.socket", 3), ("x", 4)]),
            ("intercomd-hub.socket:intercomd-hub.socket", [("intercomd-hub.socket", 3), ("socket 1", 4)]),
        ):
            monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
            monkeypatch.setenv("LISTEN_FDS", "2")
            monkeypatch.setenv("LISTEN_FDNAMES", names)
            assert str([*systemd.sockets().items()]) == str(expected)
