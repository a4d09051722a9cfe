"""Compiles the virtual sound card's ALSA plugin, once for each version of its source.

Needs gcc and ALSA's headers (Debian: libasound2-dev), which pyalsaaudio needs anyway.
"""

import hashlib
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = (HERE / "pcm_soundcard.c", HERE / "hardware.c")
HEADERS = (HERE / "hardware.h",)
BUILT = HERE / "build"  # not under version control
COMPILER = ("gcc", "-shared", "-fPIC", "-DPIC", "-O2", "-Wall", "-Wextra", "-Werror")


def build(folder: Path = BUILT) -> Path:
    """Path of the compiled plugin in `folder`, which is made when missing.

    Several processes may ask at once: each compiles to a file of its own and moves it into place.
    Raises CalledProcessError when gcc refuses, FileNotFoundError when there is none.
    """
    parts = [repr(COMPILER).encode(), *(path.read_bytes() for path in SOURCES + HEADERS)]
    version = hashlib.sha256(b"".join(parts)).hexdigest()[:12]
    plugin = folder / f"libasound_module_pcm_soundcard-{version}.so"
    if not plugin.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            compiled = Path(unfinished) / "plugin.so"
            subprocess.run([*COMPILER, *SOURCES, "-o", compiled, "-lasound", "-lm"], check=True)
            compiled.replace(plugin)
    return plugin
