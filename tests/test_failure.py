"""What ends a process: in processes of their own, as it has to be the whole of one."""

import subprocess
import sys

import pytest

from device.failure import NO_MEMORY
from tests.daemon import ROOT

PROCESS = """
import asyncio, logging, sys, threading
from device.failure import end_on_failure

logging.basicConfig(format="%(message)s")

def fail(error):
    raise error

async def task(error):
    raise error

async def main():
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    end_on_failure(loop, ended.set)
    {how}
    await asyncio.wait_for(ended.wait(), {wait_s})
    print("ended in good order")

asyncio.run(main())
"""
CALLBACK = "loop.call_soon(fail, {error})"
TASK = "loop.create_task(task({error})); await asyncio.sleep(0.01); import gc; gc.collect()"
THREAD = "threading.Thread(target=fail, args=({error},), name='capture').start()"


def run(how: str, error: str, wait_s: float = 10.0) -> subprocess.CompletedProcess[str]:
    text = PROCESS.format(how=how.format(error=error), wait_s=wait_s)
    return subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("how", [CALLBACK, TASK, THREAD])
def test_without_memory_there_is_one_line_and_an_end_at_once(how: str) -> None:
    ended = run(how, "MemoryError()")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"CRITICAL {NO_MEMORY}\n")


def test_that_line_needs_no_memory_itself() -> None:
    ended = run(f"logging.Formatter.format = lambda *_: fail(MemoryError()); {CALLBACK}", "MemoryError()")
    assert (ended.returncode, ended.stderr) == (1, f"CRITICAL {NO_MEMORY}\n")


def test_the_journal_is_told_how_bad_it_is() -> None:
    """Whatever fd 2 is, JOURNAL_STREAM says that it is the journal's."""
    text = "import os; at = os.fstat(2); os.environ['JOURNAL_STREAM'] = f'{at.st_dev}:{at.st_ino}'; "
    text += "from device.failure import out_of_memory; out_of_memory()"
    ended = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (1, f"<2>{NO_MEMORY}\n")


def test_a_thread_that_fails_ends_all_of_it_in_good_order_and_is_named() -> None:
    ended = run(THREAD, "ValueError('what it says')")
    assert (ended.returncode, ended.stdout) == (0, "ended in good order\n")
    assert ended.stderr.startswith("the capture thread failed: what it says\nTraceback")


def test_a_callback_that_fails_is_logged_and_the_loop_goes_on() -> None:
    ended = run(CALLBACK, "ValueError('what it says')", wait_s=0.1)
    assert "Exception in callback fail" in ended.stderr and "TimeoutError" in ended.stderr
