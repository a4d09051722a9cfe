"""For all tests: what needs root is left out where there is none, and counted; some are not traced."""

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest
from hypothesis import settings

from tests import standstill, unprivileged

NOT_RUN = pytest.StashKey[int]()
NAME = "not_run"

# A busy machine fails no property.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Started in the background of a shell, this process and all it starts would never see Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Not traced is what is marked so, with the processes that it starts: it needs, or takes, their real speed. Nor is
    a property: what random inputs cover is chance, and a gate must not be."""
    property_ = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    if not (property_ or item.get_closest_marker("unmeasured")):
        return (yield)
    tracing = coverage.Coverage.current()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COVERAGE_PROCESS_CONFIG", "")
        if tracing:
            tracing.stop()
        try:
            return (yield)
        finally:
            if tracing:
                tracing.start()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs root; trylast, so that only what -k and -m have left over is counted. What a machine that
    stood still has made fail is done once more."""
    need_root = [item for item in items if item.get_closest_marker("root")] if os.geteuid() != 0 else []
    config.stash[NOT_RUN] = len(need_root)
    if need_root:
        config.hook.pytest_deselected(items=need_root)
        items[:] = [item for item in items if item not in need_root]
    once_more = pytest.mark.flaky(reruns=1, condition=standstill.Watch().stood_still)
    for item in items:
        item.add_marker(once_more)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """One of several processes: only it has seen the tests. Where all of them need root nothing has failed."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[NAME] = session.config.stash[NOT_RUN]
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.stash.get(NOT_RUN, 0):
        session.exitstatus = pytest.ExitCode.OK


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of several processes has ended; each has left out the same, and one that crashed says nothing."""
    left_out = getattr(node, "workeroutput", {}).get(NAME, 0)
    node.config.stash[NOT_RUN] = max(left_out, node.config.stash.get(NOT_RUN, 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """A line that scripts can look for, also when nothing was left out; scripts/test adds up its runs itself."""
    not_run = config.stash.get(NOT_RUN, 0)
    if file := os.environ.get("NOT_RUN_FILE"):
        with Path(file).open("a") as counts:
            counts.write(f"{not_run}\n")
    else:
        terminalreporter.write_line(f"NOT RUN (needs root): {not_run}")


@pytest.fixture(scope="session", autouse=True)
def passable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Root opens pytest's folders, for processes under test to pass through."""
    own = tmp_path_factory.getbasetemp()
    for folder in (own, *own.parents) if os.geteuid() == 0 else ():
        folder.chmod(folder.stat().st_mode | 0o111)
        if folder.name.startswith("pytest-of-"):
            break


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[str]:
    """A file that this process may not read, also where it is root."""
    file = tmp_path / "hub.key"
    file.touch(mode=0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(unprivileged.NOBODY)
    yield str(file)
    if root:
        os.seteuid(0)
