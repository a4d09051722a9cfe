"""The rules of the house, as the map in device/__init__.py tells them, read from the source of every file."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "device"

# Files that compute and nothing else. They are tested to the last branch: see tests/gate.py.
PURE = (
    "call.py",
    "jsonrpc.py",
    "tomltext.py",
    "heard.py",
    "others.py",
    "channel/actions.py",
    "channel/adapt.py",
    "channel/address.py",
    "channel/approach.py",
    "channel/arguments.py",
    "channel/connections.py",
    "channel/claims.py",
    "channel/copies.py",
    "channel/dialling.py",
    "channel/doubling.py",
    "channel/errors.py",
    "channel/gauges.py",
    "channel/grant.py",
    "channel/link.py",
    "channel/listeners.py",
    "channel/liveness.py",
    "channel/members.py",
    "channel/messages.py",
    "channel/moving.py",
    "channel/company.py",
    "channel/news.py",
    "channel/notices.py",
    "channel/presence.py",
    "channel/protection.py",
    "channel/quality.py",
    "channel/reception.py",
    "channel/redundancy.py",
    "channel/report.py",
    "channel/requests.py",
    "channel/rtp.py",
    "channel/rules.py",
    "channel/seat.py",
    "channel/session.py",
    "channel/standing.py",
    "channel/streams.py",
    "channel/timestamps.py",
    "channel/token.py",
    "channel/token005.py",
    "channel/token006.py",
    "channel/token007.py",
    "channel/token_wire.py",
    "channel/verdicts.py",
    "channel/voice.py",
    "channel/volume.py",
    "channel/writing.py",
    "doctor/configuration.py",
    "doctor/finding.py",
    "doctor/loop.py",
    "doctor/microphone.py",
    "doctor/service.py",
    "audio/arrivals.py",
    "audio/capture_clock.py",
    "audio/dimming.py",
    "audio/drift.py",
    "audio/emodel.py",
    "audio/faults.py",
    "audio/gate.py",
    "audio/jitter.py",
    "audio/limiter.py",
    "audio/loudness.py",
    "audio/meter.py",
    "audio/payload.py",
    "audio/pcm.py",
    "audio/reference.py",
    "audio/reserve.py",
    "audio/selftest.py",
    "audio/sidetone.py",
    "audio/stretch.py",
    "audio/talker.py",
    "audio/talkers.py",
    "audio/tones.py",
    "hub/admission.py",
    "hub/answers.py",
    "hub/apps.py",
    "hub/asides.py",
    "hub/backlog.py",
    "hub/bridge.py",
    "hub/flow.py",
    "hub/frames.py",
    "hub/limits.py",
    "hub/moderation.py",
    "hub/moderator.py",
    "hub/notices.py",
    "hub/out.py",
    "hub/refusals.py",
    "hub/reports.py",
    "hub/rights.py",
    "hub/rooms.py",
    "hub/seating.py",
    "hub/seats.py",
    "hub/sessions.py",
    "hub/stage.py",
    "hub/turns.py",
    "hub/webhooks.py",
    "hub/window.py",
    "panel/gestures.py",
    "panel/lights.py",
    "panel/meaning.py",
    "panel/presses.py",
    "service/metrics.py",
    "service/status.py",
    "service/watchdog.py",
)
# Files that touch the world outside, and which part of it.
EDGES = {
    "__main__.py": "process",
    "app.py": "event loop, signals",
    "appliance.py": "event loop, clock, files",
    "audio/alsa.py": "ALSA",
    "audio/card.py": "threads, clock",
    "audio/echo.py": "which libraries are there, log",
    "audio/holder.py": "/proc",
    "audio/opus.py": "libopus",
    "audio/packer.py": "libopus, through audio.opus",
    "audio/realtime.py": "scheduler",
    "audio/speex.py": "libspeexdsp",
    "audio/webrtc.py": "WebRTC, through livekit",
    "channel/calls.py": "event loop, clock",
    "channel/client.py": "event loop, clock",
    "channel/driver.py": "event loop, clock",
    "channel/handlers.py": "log",
    "channel/log.py": "log",
    "channel/outcome.py": "event loop, log",
    "channel/resolver.py": "names of hosts, which only a thread can ask for without waiting",
    "channel/tcp.py": "sockets",
    "channel/unneeded.py": "log",
    "channel/wire.py": "the client's websockets",
    "cli.py": "arguments, log handlers, process",
    "bell.py": "event loop",
    "belonging.py": "files",
    "checks.py": "files",
    "commands.py": "control socket",
    "config.py": "files",
    "controls.py": "arguments, stdout, control socket",
    "doubts.py": "files, what is installed, credentials",
    "doctor/buttons.py": "clock, somebody's fingers",
    "doctor/cards.py": "sound cards, through audio.alsa",
    "doctor/clock.py": "wall clock",
    "doctor/echo.py": "which libraries are there",
    "doctor/examination.py": "event loop, stdout",
    "doctor/hearing.py": "event loop, sound cards, control socket",
    "doctor/hubs.py": "hubs, through channel.wire; clocks",
    "doctor/lights.py": "clock, somebody's eyes",
    "doctor/patient.py": "files, control socket",
    "doctor/pins.py": "event loop, pins, control socket",
    "doctor/realtime.py": "scheduler",
    "doctor/token.py": "files",
    "doctor/versions.py": "what is installed, kernel",
    "doctor/wifi.py": "files, iw",
    "duplex.py": "event loop, clock, log",
    "ending.py": "process",
    "failure.py": "event loop, threads, process, log",
    "front.py": "event loop, clock, log",
    "handover.py": "event loop",
    "hub/administration.py": "event loop, files, sockets, log",
    "hub/api.py": "HTTP, event loop, clocks",
    "hub/courier.py": "HTTP, event loop, clocks, log",
    "hub/exchange.py": "connections, wall clock, log",
    "hub/keys.py": "files",
    "hub/pouring.py": "sockets, event loop, clock",
    "hub/predecessor.py": "event loop, clock",
    "hub/appsfile.py": "files",
    "hub/connection.py": "the hub's websockets",
    "hub/door.py": "sockets, clock",
    "hub/open_files.py": "the limits of this process",
    "hub/rulebook.py": "files, threads, clocks, log",
    "hub/secret.py": "files",
    "hub/server.py": "the hub's websockets",
    "hub/sockets.py": "sockets",
    "hub/succession.py": "event loop, clock",
    "hub/tls.py": "files, TLS",
    "hubapp.py": "event loop, signals, files, TLS",
    "lookout.py": "event loop",
    "membership.py": "event loop, files, log",
    "panel/pins.py": "gpiozero, clock",
    "pulse.py": "event loop, clock, log",
    "service/control.py": "UNIX socket",
    "service/systemd.py": "systemd: its manager, its journal, its credentials",
    "restart.py": "event loop, clock, processes",
    "selftest.py": "event loop, clock, log",
    "sound.py": "event loop",
    "saver.py": "files, threads, log",
    "state.py": "files, log",
    "token_file.py": "files",
    "tokens.py": "arguments, files, clock, stdout",
}
IMPURE_MODULES = {
    *("asyncio", "concurrent", "multiprocessing", "queue", "sched", "signal", "threading", "_thread"),
    *("ctypes", "datetime", "fcntl", "io", "logging", "mmap", "os", "pathlib", "resource", "secrets", "select"),
    *("selectors", "shutil", "socket", "ssl", "subprocess", "sys", "tempfile", "time", "urllib.request", "uuid"),
}
IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}

# Who may import the library of each outside world. Everything else that is not in the standard library is refused.
LIBRARIES = {
    "aiohttp": {"hub/api.py", "hub/courier.py"},
    "alsaaudio": {"audio/alsa.py"},
    "audioop": {"audio/pcm.py"},
    "opuslib": {"audio/opus.py"},
    "websockets": {"channel/wire.py", "hub/connection.py", "hub/server.py"},
    "websockets.asyncio.client": {"channel/wire.py"},
    "websockets.asyncio.server": {"hub/connection.py", "hub/server.py"},
    "gpiozero": {"panel/pins.py"},
    "livekit": {"audio/webrtc.py"},
    "systemd": {"service/systemd.py"},
}
THREADS = {"audio/card.py", "channel/resolver.py", "failure.py", "saver.py"}

# Which parts of the house each part may import, itself included; jsonrpc everybody may.
NEIGHBOURS = {
    "__main__": {"cli"},
    "app": {"appliance", "channel", "commands", "config", "failure", "hubapp", "pulse", "service"},
    "appliance": {
        *(
            "audio",
            "bell",
            "call",
            "channel",
            "config",
            "duplex",
            "front",
            "heard",
            "lookout",
            "membership",
            "selftest",
            "state",
        ),
    },
    "audio": {"audio"},
    "bell": {"audio", "config", "sound"},
    "belonging": {"config"},
    "call": set[str](),
    "channel": {"channel"},
    "cli": {
        "app",
        "channel.address",
        "config",
        "controls",
        "doctor",
        "doubts",
        "ending",
        "failure",
        "hubapp",
        "service",
        "tokens",
    },
    "checks": {"channel.rules", "channel.address", "hub.appsfile", "hub.secret", "hub.tls", "tomltext"},
    "config": {"checks", "channel.address", "tomltext"},
    "controls": {"ending", "service"},
    "commands": {"appliance", "call", "selftest", "service"},
    "doctor": {"audio", "call", "channel", "config", "doctor", "doubts", "front", "selftest", "service"},
    "doubts": {"channel.address", "checks", "config", "service.systemd"},
    "duplex": {"audio", "config", "selftest", "sound"},
    "ending": set[str](),
    "failure": {"ending", "service"},
    "front": {"call", "config", "panel"},
    "hub": {"hub", "channel", "saver", "tomltext"},
    "handover": set[str](),
    "heard": {"audio"},
    "hubapp": {"failure", "hub", "channel", "pulse", "restart", "service"},
    "jsonrpc": set[str](),
    "lookout": set[str](),
    "membership": {"belonging", "call", "channel", "config", "others", "sound", "state", "token_file"},
    "others": set[str](),
    "panel": {"panel"},
    "pulse": {"service"},
    "restart": {"hub", "service"},
    "selftest": {"audio", "sound"},
    "service": {"service"},
    "sound": {"audio", "channel", "config", "handover"},
    "saver": set[str](),
    "state": {"saver"},
    "token_file": {"channel", "service"},
    "tokens": {"channel", "ending"},
    "tomltext": set[str](),
}

FILE_LINES, FUNCTION_LINES, ATTRIBUTES = 300, 60, 15

FILES = sorted(str(path.relative_to(HOUSE)) for path in HOUSE.rglob("*.py") if path.name != "__init__.py")
every_file = pytest.mark.parametrize("file", FILES)
pure_files = pytest.mark.parametrize("file", PURE)


@cache
def tree(file: str) -> ast.Module:
    return ast.parse((HOUSE / file).read_text())


def imports(file: str) -> Iterator[str]:
    """The full name of everything that a file imports, wherever it does: `device.channel.rules`, `random.Random`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides which room it comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def house_imports(file: str) -> set[str]:
    """What a file imports of the house, as modules: `channel.rules`, `jsonrpc`."""
    modules = set()
    for name in imports(file):
        if name.startswith("device."):
            parts = name.split(".")[1:]
            while not (HOUSE / "/".join(parts)).with_suffix(".py").exists():
                parts.pop()
            modules.add(".".join(parts))
    return modules


def within(name: str, packages: set[str]) -> bool:
    """Whether `a.b.c` is one of the packages, or inside of one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_every_file_is_pure_or_says_what_it_touches() -> None:
    assert sorted([*PURE, *EDGES]) == FILES


@pytest.mark.parametrize("room", ["", *sorted({str(Path(file).parent) for file in FILES} - {"."})])
def test_the_map_of_a_room_has_a_line_for_each_of_its_files_and_for_nothing_else(room: str) -> None:
    """`    name  what it does`; of the house the rooms, too."""
    page = ast.get_docstring(ast.parse((HOUSE / room / "__init__.py").read_text())) or ""
    lines = [found[1] for found in re.finditer(r"^    (\w+)/?  +\S", page, re.MULTILINE)]
    there = {path.stem for path in (HOUSE / room).iterdir() if path.suffix == ".py" and path.name[0] != "_"}
    if not room:
        there |= {path.parent.name for path in HOUSE.glob("*/__init__.py")}
    assert sorted(lines) == sorted(there)


@pure_files
def test_a_pure_file_touches_nothing_outside(file: str) -> None:
    assert not [name for name in imports(file) if within(name, IMPURE_MODULES)]
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS, f"line {node.lineno}"
        assert not isinstance(node, ast.Global | ast.AsyncFunctionDef | ast.Await), f"line {node.lineno}"


@pure_files
def test_a_pure_file_draws_no_numbers_of_its_own(file: str) -> None:
    """A random.Random that is handed in is data; the functions of the module random are global state."""
    assert not [name for name in imports(file) if within(name, {"random"}) and name != "random.Random"]


@pure_files
def test_a_pure_file_imports_only_pure_files(file: str) -> None:
    assert {f"{module.replace('.', '/')}.py" for module in house_imports(file)} <= set(PURE)


@every_file
def test_rooms_look_inward(file: str) -> None:
    room = Path(file).with_suffix("").parts[0]
    assert not [module for module in house_imports(file) if not within(module, NEIGHBOURS[room] | {"jsonrpc"})]


@every_file
def test_each_outside_world_has_one_file(file: str) -> None:
    for name in imports(file):
        package = name.split(".")[0]
        owners = [owners for library, owners in LIBRARIES.items() if within(name, {library})]
        assert owners or package == "device" or package in sys.stdlib_module_names, name
        assert all(file in allowed for allowed in owners), name


def test_each_library_that_is_listed_is_used_where_the_list_says() -> None:
    users = {library: {file for file in FILES if any(within(name, {library}) for name in imports(file))}
             for library in LIBRARIES}  # fmt: skip
    assert users == LIBRARIES


@every_file
def test_threads_start_in_few_places(file: str) -> None:
    assert file in THREADS or not [name for name in imports(file) if within(name, {"threading", "concurrent"})]


@every_file
def test_every_file_has_a_test_file(file: str) -> None:
    path = Path(file)
    tested = path.with_name("cli.py") if path.name == "__main__.py" else path
    assert (ROOT / "tests" / tested.with_name(f"test_{tested.name}")).exists()


@every_file
def test_no_file_function_or_class_asks_to_be_split(file: str) -> None:
    assert len((HOUSE / file).read_text().splitlines()) <= FILE_LINES
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < FUNCTION_LINES, node.name
        elif isinstance(node, ast.ClassDef):
            assert len(attributes(node)) <= ATTRIBUTES, node.name


def attributes(node: ast.ClassDef) -> set[str]:
    """What instances of a class hold: its fields, and what its methods assign to self."""
    fields = {
        line.target.id for line in node.body if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }
    return fields | {
        part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute)
        and isinstance(part.ctx, ast.Store)
        and isinstance(part.value, ast.Name)
        and part.value.id == "self"
    }


def test_the_top_level_is_what_the_design_says() -> None:
    git = (
        "git",
        "-c",
        f"safe.directory={ROOT}",
        "-C",
        str(ROOT),
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    )
    files = subprocess.run(git, capture_output=True, text=True, check=True).stdout.splitlines()
    top = {name.split("/")[0] for name in files if not name.startswith(".")}
    assert top - {"systemd"} == {"device", "scripts", "tests", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"}
