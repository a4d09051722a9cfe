"""What systemd is told, and what it tells: readiness, a status line, the watchdog, the journal, credentials, sockets.

Through systemd-python where it could be built, else the same in a few lines of AF_UNIX (sd_notify(3), and the journal's
native protocol, https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). Without systemd all of it does nothing. No systemd makes
anything fail here: what cannot be sent is left out, or goes to stderr.
"""

import fcntl
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

logger = logging.getLogger(__name__)

JOURNAL = "/run/systemd/journal/socket"
IDENTIFIER = "intercomd"
_FIRST_SOCKET = 3  # SD_LISTEN_FDS_START
# syslog(3), for each level of logging.
PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
# What a record may carry as extra={"event": "joined", ...}, and the journal's name for it.
FIELDS = {"event": "EVENT", "channel": "CHANNEL", "uid": "UID"}


def listens() -> bool:
    """Whether it wants to be told anything."""
    return bool(os.environ.get("NOTIFY_SOCKET"))


def ready(line: str) -> None:
    """The service can be used, or can be again after `reloading`. line: what it does, for people."""
    _notify(f"READY=1\nSTATUS={_one_line(line)}")


def status(line: str) -> None:
    """What it does now: one line, for people, shown by `systemctl status`."""
    _notify(f"STATUS={_one_line(line)}")


def reloading() -> None:
    """The configuration is being read again; `ready` follows."""
    _notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1_000}")


def stopping() -> None:
    """It is on its way out."""
    _notify("STOPPING=1")


def main_process(pid: int) -> None:
    """This process, started by ours, is the service from now on: systemd listens to it alone."""
    _notify(f"MAINPID={pid}")


def sockets() -> dict[str, socket.socket]:
    """Those that whoever started this process has opened for it, by name (sd_listen_fds(3)); {} when asked again.

    All of one .socket unit have its name: from the second on they have a number instead.
    """
    pid, count, names = (os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"))
    if pid != str(os.getpid()) or not count.isdecimal():
        return {}
    named, opened = names.split(":") if names else [], dict[str, socket.socket]()
    for n in range(int(count)):
        name = named[n] if n < len(named) and named[n] not in opened else f"socket {n}"
        opened[name] = _inherited(_FIRST_SOCKET + n)
    return opened


def start_like_us(given: Mapping[str, socket.socket]) -> int:
    """Start the command that this process was started with once more, with these sockets; returns its process id.

    What is new in the program is new in it. Raises OSError.
    """
    # The id is not known before it is a process; a shell, which becomes the command, knows its own.
    command = ["/bin/sh", "-c", 'export LISTEN_PID=$$; exec "$@"', "sh", sys.executable, *sys.orig_argv[1:]]
    # systemd watches this process; the next one is watched when it is the service.
    env = {name: value for name, value in os.environ.items() if name != "WATCHDOG_PID"}
    env |= {"LISTEN_FDS": str(len(given)), "LISTEN_FDNAMES": ":".join(given)}
    # Out of the way first: one may have the number that another is to get.
    copies = [fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, _FIRST_SOCKET + len(given)) for sock in given.values()]
    try:
        moves = [(os.POSIX_SPAWN_DUP2, copy, _FIRST_SOCKET + n) for n, copy in enumerate(copies)]
        return os.posix_spawn(command[0], command, env, file_actions=moves)
    finally:
        for copy in copies:
            os.close(copy)


def feed_watchdog() -> None:
    """It works: more than `watchdog_s()` without this, and systemd starts it anew."""
    _notify("WATCHDOG=1")


def watchdog_s() -> float | None:
    """How long systemd waits for `feed_watchdog`, seconds; None where it does not watch this process."""
    watched = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    limit = os.environ.get("WATCHDOG_USEC", "")
    return int(limit) / 1e6 if watched and limit.isdecimal() and int(limit) else None


def credential(name: str) -> Path | None:
    """The file of a credential that the unit loads for this service; None without one, or where it is blank."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return None
    path = Path(folder, name)
    try:
        return path if path.read_bytes().strip() else None
    except FileNotFoundError:
        return None


def stderr_is_journal() -> bool:
    """Whether the journal reads what we print, and not somebody who has redirected it since (systemd.exec(5))."""
    stream = os.environ.get("JOURNAL_STREAM")
    there = os.fstat(2) if stream else None
    return there is not None and stream == f"{there.st_dev}:{there.st_ino}"


def log_handler() -> logging.Handler:
    """What writes the log: entries where the journal reads what we print, else lines with their time on stderr."""
    in_journal = stderr_is_journal()
    handler = JournalHandler() if in_journal else logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s" if in_journal else "%(asctime)s %(levelname)s %(message)s"))
    return handler


class JournalHandler(logging.Handler):
    """Log records become entries of the journal, with their priority and the fields that FIELDS names.

    Of a record only its text and these fields are sent, never its arguments. Where the journal does not take an entry,
    its text goes to stderr, where the journal may find it after all.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        text, priority = "", PRIORITIES.get(record.levelno, 6)
        try:
            text = self.format(record)
            fields = {"MESSAGE": text, "PRIORITY": priority, "SYSLOG_IDENTIFIER": IDENTIFIER, "LOGGER": record.name}
            fields |= {field: getattr(record, name) for name, field in FIELDS.items() if hasattr(record, name)}
            _sendv()(*(f"{field}={value}" for field, value in fields.items()))
        except OSError:
            sys.stderr.write("".join(f"<{priority}>{line}\n" for line in text.splitlines()))
        except (TypeError, ValueError):  # a message that does not fit its arguments, a name that is no text
            self.handleError(record)


def _inherited(number: int) -> socket.socket:
    sock = socket.socket(fileno=number)
    sock.set_inheritable(False)
    return sock


def _one_line(text: str) -> str:
    """Another line would be another message to systemd."""
    return " ".join(text.split())


def _notify(state: str) -> None:
    try:
        _notifier()(state)
    except OSError as error:
        logger.debug("systemd does not listen: %s", error)


@cache
def _notifier() -> Callable[[str], object]:
    try:
        from systemd.daemon import notify
    except ImportError:
        return _tell_manager
    return notify


@cache
def _sendv() -> Callable[..., None]:
    try:
        from systemd.journal import sendv
    except ImportError:
        return _tell_journal
    return sendv


def _tell_manager(state: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        _send(address.replace("@", "\0", 1) if address.startswith("@") else address, state.encode())


def _tell_journal(*fields: str) -> None:
    _send(JOURNAL, b"".join(_entry(*field.split("=", 1)) for field in fields))


def _entry(name: str, value: str) -> bytes:
    data = value.encode()
    if b"\n" in data:
        return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
    return name.encode() + b"=" + data + b"\n"


def _send(address: str, datagram: bytes) -> None:
    """Raises OSError; never waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(datagram, address)
