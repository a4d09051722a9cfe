"""A wall clock that a test can set, for processes of its own; their monotonic clock stays the true one.

    clock = WallClock(folder)
    Popen(..., env=os.environ | clock.env)
    clock.set(DAY_S)

It takes effect at once.
"""

import os
import subprocess
from pathlib import Path

DAY_S = 86_400
_SOURCE = Path(__file__).with_name("wallclock.c")
_COMPILER = ("gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror")


class WallClock:
    """Right until it is set. folder: one that those processes may read, and where nothing else is called `wallclock`.

    env: what to add to their environment. Raises CalledProcessError where gcc refuses.
    """

    def __init__(self, folder: Path) -> None:
        library, self._offset = folder / "wallclock.so", folder / "wallclock"
        subprocess.run([*_COMPILER, _SOURCE, "-o", library], check=True)
        self._offset.write_bytes(bytes(8))
        for path in (library, self._offset):
            path.chmod(0o755)
        self.env = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self._offset)}

    def set(self, ahead_s: float) -> None:
        """So far from the true time, for all of them."""
        file = os.open(self._offset, os.O_WRONLY)
        os.pwrite(file, round(ahead_s * 1e9).to_bytes(8, "little", signed=True), 0)
        os.close(file)
