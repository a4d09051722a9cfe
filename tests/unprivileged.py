"""How processes under test lose root: started by root they become `nobody`.

They keep the right to SCHED_FIFO, which systemd gives the installed service (LimitRTPRIO), where the machine lets it
go. A checkout or a Python below a folder that is closed to others, as /root is, stays readable for them.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOBODY = 65_534
# Bits of capabilities(7).
_DAC_READ_SEARCH, _SYS_NICE = 2, 23


def drop() -> tuple[str, ...]:
    """What to put before a command; nothing for an ordinary user. Raises RuntimeError where nobody could not run it."""
    if os.geteuid() != 0:
        return ()
    capabilities = ",".join(f"+{name}" for name in _kept())
    keep = (f"--inh-caps=-all,{capabilities}", f"--ambient-caps={capabilities}") if capabilities else ()
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *keep, "--")


def _kept() -> Iterator[str]:
    ours = int(Path("/proc/self/status").read_text().split("CapPrm:")[1].split()[0], 16)
    if ours >> _SYS_NICE & 1:
        yield "sys_nice"
    closed = next((folder for path in (ROOT, Path(sys.base_prefix)) for folder in _closed(path)), None)
    if closed and not ours >> _DAC_READ_SEARCH & 1:
        raise RuntimeError(f"processes under test run as nobody, who cannot enter {closed}: use a checkout elsewhere")
    if closed:
        yield "dac_read_search"


def _closed(path: Path) -> Iterator[Path]:
    return (folder for folder in (path, *path.parents) if not folder.stat().st_mode & 0o001)
