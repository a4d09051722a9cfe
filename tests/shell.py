"""The command `intercomd` as people type it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.daemon import ROOT
from tests.timing import seconds

Said = subprocess.CompletedProcess[str]


def intercomd(*arguments: str | Path, **environment: str) -> Said:
    """One command, from the first line of Python to the last."""
    command = [sys.executable, "-m", "device", *map(str, arguments)]
    env = {**os.environ, "XDG_CONFIG_HOME": "/nonexistent", **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=seconds(30))


def answers(said: Said) -> tuple[int, str, str]:
    return said.returncode, said.stdout, said.stderr
