"""The command as people type it: what it prints, where, and its exit code."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from device import cli
from device.service.control import Control
from tests import unprivileged
from tests.box import folder
from tests.daemon import APP_ID, ROOT, Daemon, HubDaemon, free_port
from tests.service.test_status import alone
from tests.shell import answers, intercomd
from tests.timing import seconds, until


@pytest.mark.parametrize("arguments", [(), ("dance",), ("run", "--loud"), ("status", "--json", "--watch")])
def test_wrong_usage_is_exit_code_2_with_a_hint(arguments: tuple[str, ...]) -> None:
    code, out, err = answers(intercomd(*arguments))
    assert (code, out) == (2, "")
    assert "usage: intercomd" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", [("run", "--config"), ("hub", "--config"), ("config",)])
def test_a_wrong_configuration_is_exit_code_2_with_a_line_for_each_mistake(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    file = tmp_path / "intercom.toml"
    file.write_text("[channel]\nname = ''\napp_id = 'x'\n[audio]\nframe_ms = 15\nbitrat = 1\n[buttons]\nmute = 27")
    code, out, err = answers(intercomd(*command, file))
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"{file}: [channel] name: a channel name is needed",
        f"{file}: [channel] app_id: an App ID has 32 hexadecimal characters, such as 0123456789abcdef0123456789abcdef; "
        "'x' is none",
        f"{file}: [audio] frame_ms: must be 10 or 20, not 15",
        f"{file}: [audio] bitrat: no such key; did you mean bitrate?",
        f"{file}: [buttons] leave: pin 27 is taken by [buttons] mute; 0 means not wired",
    ]


def test_an_intercom_needs_an_app_id_and_a_hub_does_not() -> None:
    for command in ("run", "config"):
        code, _, err = answers(intercomd(command))
        assert (code, "there is no configuration" in err) == (2, True)
        code, _, err = answers(intercomd(command, *(["--config"] if command == "run" else []), os.devnull))
        assert (code, "app_id: is missing" in err) == (2, True)
        assert err.endswith("that of a hub alone needs none: intercomd config --hub\n") == (command == "config")
    with HubDaemon() as hub:
        assert hub.end()[0] == 0


def test_config_of_a_hub_alone_needs_no_app_id(tmp_path: Path) -> None:
    file = tmp_path / "intercom.toml"
    file.write_text("[hub]\nlisten = '127.0.0.1:8801'")
    assert answers(intercomd("config", "--hub", "--quiet", file)) == (0, "", "")


def test_config_prints_the_whole_configuration(tmp_path: Path) -> None:
    file = tmp_path / "intercom.toml"
    file.write_text(f"[channel]\napp_id = '{APP_ID}'\nhub = ['wss://a/v1?key=planted-secret']")
    code, out, err = answers(intercomd("config", file))
    assert (code, err) == (0, "")
    assert "frame_ms = 20\n" in out
    assert "planted" not in out
    file.write_text(out)
    assert answers(intercomd("config", file)) == (0, out, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_hub_serves_until_it_is_told_to_end(number: signal.Signals) -> None:
    with HubDaemon() as hub:
        hub.wait_for(f"INFO the hub listens at {hub.url}")
        code, took_s = hub.end(number)
    assert (code, took_s < seconds(1)) == (0, True)
    assert not [line for line in hub.log if "Traceback" in line]


def test_a_hub_that_is_asked_for_what_it_must_not_do_is_exit_code_2() -> None:
    code, out, err = answers(intercomd("hub", "--listen", "0.0.0.0:8800"))
    assert (code, out, err.count("\n")) == (2, "", 2)
    assert "set open = true in [hub]" in err
    code, out, err = answers(intercomd("hub", "--listen", "8800"))
    assert (code, out) == (2, "")
    assert err == 'intercomd: --listen must be HOST:PORT, such as "127.0.0.1:8800" or "[::1]:8800", not \'8800\'\n'


def test_listen_counts_instead_of_what_the_file_says() -> None:
    port = free_port()
    with Daemon("hub", "--listen", f"127.0.0.1:{port}", config="[hub]\nlisten = '0.0.0.0:8800'") as hub:
        hub.wait_for(f"the hub listens at ws://127.0.0.1:{port}")


def test_a_hub_says_which_configuration_it_goes_by() -> None:
    with folder() as ours:
        file = ours / "intercomd" / "intercom.toml"
        file.parent.mkdir()
        file.write_text(f"[channel]\napp_id = '{APP_ID}'")
        listen = ("--listen", f"127.0.0.1:{free_port()}")
        for home, found in ((ours, str(file)), (ours / "intercomd", "none found")):
            with Daemon("hub", *listen, env={"XDG_CONFIG_HOME": str(home)}) as hub:
                hub.wait_for(f"configuration: {found}")


def test_a_hub_that_cannot_listen_is_exit_code_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = answers(intercomd("hub", "--listen", f"127.0.0.1:{taken.getsockname()[1]}"))
    assert (code, err.count("\n")) == (1, 2)
    assert "Address already in use; end what listens there" in err
    code, _, err = answers(intercomd("hub", "--listen", "nowhere.invalid:8800", "--open"))
    assert (code, "choose an address of this machine" in err.splitlines()[-1]) == (1, True)


def test_an_open_hub_may_listen_everywhere() -> None:
    with Daemon("hub", "--listen", f"0.0.0.0:{free_port()}", "--open") as hub:
        hub.wait_for("the hub listens at")


def test_a_second_intercom_in_the_same_folder_is_refused_in_one_line() -> None:
    with folder() as ours, Daemon("run", config=f"[channel]\napp_id = '{APP_ID}'\nstart = 'left'") as first:
        file = ours / "intercom.toml"
        file.write_text(first.config.read_text())
        first.until_state("left")
        code, _, err = answers(intercomd("run", "--config", file, "--control", first.folder))
    assert (code, err.splitlines()[-1]) == (
        1,
        f"intercomd: another intercomd runs at {first.folder}; end it, or name another folder with --control",
    )


def test_with_a_hub_that_cannot_be_an_intercom_fails_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "intercom.toml"
    file.write_text(f"[channel]\napp_id = '{APP_ID}'\n[hub]\nlisten = '0.0.0.0:8800'")
    code, _, err = answers(intercomd("run", "--with-hub", "--config", file, "--control", tmp_path))
    assert code == 2
    assert "Traceback" not in err
    assert "[hub] listen: lets anybody on the network join at 0.0.0.0:8800" in err
    file.write_text(f"[channel]\napp_id = '{APP_ID}'\n[hub]\ntls_cert = '{file}'\ntls_key = '{file}'")
    code, _, err = answers(intercomd("run", "--with-hub", "--config", file, "--control", tmp_path))
    assert (code, "Traceback" in err) == (2, False)
    assert "are no certificate and its key" in err.splitlines()[-1]


_WITH_ITS_OWN_JOURNAL = """
import sys
sys.modules["systemd"] = sys.modules["systemd.journal"] = sys.modules["systemd.daemon"] = None
from device import cli
from device.service import systemd
systemd.JOURNAL = sys.argv.pop(1)
sys.exit(cli.main())
"""


def test_the_journal_gets_entries_with_a_priority_and_fields() -> None:
    pipe = os.pipe()
    stream = os.fstat(pipe[1])
    with (
        folder() as place, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal, os.fdopen(pipe[0]),
        os.fdopen(pipe[1]),
    ):  # fmt: skip
        journal.bind(str(place / "journal"))
        (place / "journal").chmod(0o777)
        journal.settimeout(seconds(10))
        hub = subprocess.Popen(
            [*unprivileged.drop(), sys.executable, "-c", _WITH_ITS_OWN_JOURNAL, str(place / "journal"),
             "hub", "--config", os.devnull, "--listen", f"127.0.0.1:{free_port()}"],
            cwd=ROOT, stderr=pipe[1],
            env={
                **os.environ, "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}",
                "STATE_DIRECTORY": str(place / "state"),
            },
        )  # fmt: skip
        journal.recv(4_096)  # which configuration
        entry = journal.recv(4_096).decode().splitlines()
        hub.terminate()
        assert hub.wait(seconds(10)) == 0
    assert entry[0].startswith("MESSAGE=the hub listens at ws://127.0.0.1:")
    assert {"PRIORITY=6", "SYSLOG_IDENTIFIER=intercomd", "LOGGER=device.hubapp"} <= set(entry)


def test_a_defect_is_one_line_and_its_traceback_is_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def defect(options: object) -> int:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(cli, "_config", defect)
    for level, traceback in (("info", False), ("debug", True)):
        caplog.clear()
        with caplog.at_level(level.upper()), pytest.raises(SystemExit) as ended:
            cli.main(["config", "--log-level", level])
        assert ended.value.code == 1
        said = capsys.readouterr().err
        assert said == "intercomd: ZeroDivisionError: division by zero; run with --log-level debug for details\n"
        assert any(record.exc_info for record in caplog.records) == traceback


def test_an_interrupted_command_fails_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_config", interrupt)
    assert cli.main(["config"]) == 1


def test_a_command_imports_only_what_it_needs() -> None:
    """Every start pays for what is imported: neither asyncio for a configuration nor the hub for a device."""
    imported = "import sys; from device.cli import main; main(%r); print([name for name in %r if name in sys.modules])"
    heavy = ["asyncio", "websockets", "alsaaudio", "opuslib", "device.hubapp", "logging.handlers", "numpy"]
    code = imported % (["config", "/dev/fd/0"], heavy)
    command = subprocess.run(
        [sys.executable, "-c", code], input=f"[channel]\napp_id = '{APP_ID}'\n",
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=seconds(30),
    )  # fmt: skip
    assert command.stdout.splitlines()[-1] == "[]"


def test_watch_on_a_terminal_writes_over_itself(tmp_path: Path) -> None:
    """A pseudo terminal of 30 columns: one line, cut so that it never wraps."""
    import fcntl
    import pty
    import struct
    import termios
    import threading

    async def serve(ready: threading.Event, done: threading.Event) -> None:
        async with Control(tmp_path, {"status": lambda params: alone()}):
            ready.set()
            await asyncio.to_thread(done.wait)

    ready, done = threading.Event(), threading.Event()
    server = threading.Thread(target=lambda: asyncio.run(serve(ready, done)))
    server.start()
    ready.wait()
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    watch = subprocess.Popen(
        [sys.executable, "-m", "device", "status", "--watch", "--control", str(tmp_path)],
        cwd=ROOT, stdout=terminal, env=env,
    )  # fmt: skip
    shown = b""

    def twice() -> bool:
        nonlocal shown
        shown += os.read(screen, 1_000)
        return shown.count(b"\r") >= 2

    until(twice)
    watch.send_signal(signal.SIGINT)
    assert watch.wait(seconds(10)) == 0
    done.set()
    server.join()
    os.close(terminal)
    os.close(screen)
    assert shown.startswith(b"\r\x1b[Kin-call: lobby | microphone o\r\x1b[K")


@pytest.mark.parametrize(
    "arguments", [("volume", "101"), ("volume", "-1"), ("volume", "loud"), ("ring", "--uid", "4294967296")]
)
def test_a_number_out_of_range_is_wrong_usage(arguments: tuple[str, ...], tmp_path: Path) -> None:
    code, out, err = answers(intercomd(*arguments, "--control", tmp_path))
    assert (code, out, "Traceback" in err) == (2, "", False)


def test_a_configuration_can_be_checked_in_silence(tmp_path: Path) -> None:
    file = tmp_path / "intercom.toml"
    file.write_text(f"[channel]\napp_id = '{APP_ID}'\n")
    assert answers(intercomd("config", "--quiet", file)) == (0, "", "")
    file.write_text("[channel]\nlabl = 'porch'\n")
    code, out, err = answers(intercomd("config", "--quiet", file))
    assert (code, out) == (2, "")
    assert "did you mean label?" in err
