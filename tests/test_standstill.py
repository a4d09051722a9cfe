"""What fails while the machine stands still is done once more; nothing else is."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.daemon import ROOT
from tests.timing import seconds, until

# The first time it waits until somebody has been here, and fails.
TEST = """
from pathlib import Path
from tests.timing import until

def test_it(tmp_path_factory):
    assert tmp_path_factory.mktemp("fresh")
    here = Path(__file__).parent
    tries = here / "tries"
    tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
    until((here / "go").exists)
    assert len(tries.read_text()) >= {passes_at}
"""


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("stands_still", "passes_at", "code", "tries"),
    [(True, 2, 0, "xx"), (True, 3, 1, "xx"), (False, 2, 1, "x"), (False, 1, 0, "x"), (True, 1, 0, "x")],
)
def test_a_test_that_fails_while_the_machine_stands_still_is_done_once_more(
    tmp_path: Path, stands_still: bool, passes_at: int, code: int, tries: str
) -> None:
    test, done = tmp_path / "test_it.py", tmp_path / "tries"
    test.write_text(TEST.format(passes_at=passes_at))
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(ROOT / "setup.cfg")]
    command = [sys.executable, "-m", "pytest", "-q", *options, str(test)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        until(lambda: done.exists() or process.poll() is not None, within_s=30)
        if stands_still:
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.4)
            process.send_signal(signal.SIGCONT)
        (tmp_path / "go").touch()
        said, _ = process.communicate(timeout=seconds(30))
    assert (process.returncode, done.read_text()) == (code, tries), said
    assert ("RERUN" in said) is (len(tries) > 1)
