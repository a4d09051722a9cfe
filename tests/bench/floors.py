"""Runs floor.py and its likes for the benches that measure against it, and repeats a run that had an xrun."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from tests.daemon import ROOT
from tests.soundcard import Bench, Device

# A machine on which so many runs in a row have an xrun is too busy to measure anything.
ATTEMPTS = 20
Result = TypeVar("Result")


def floor(
    frame_ms: int,
    codec: bool,
    seconds: float,
    speak: Callable[[Device], int],
    judge: Callable[[dict[str, Any], Device, Device, int], Result],
    program: str = "floor",
) -> Result:
    """One run without an xrun. Raises RuntimeError when there is none.

    program: of which file in this folder.

    speak: puts something onto the microphone's tape once the floor runs, and returns from which frame on.
    judge: gets the floor's report, both devices and that frame.
    """
    for _ in range(ATTEMPTS):
        with Bench() as bench:
            mic, spk = bench.device("mic"), bench.device("spk")
            with subprocess.Popen(
                _command(program, frame_ms, codec, seconds),
                cwd=ROOT,
                stdout=subprocess.PIPE,
                env={**os.environ, **bench.env()},
            ) as process:
                assert process.stdout
                begin = speak(mic)
                report = json.loads(process.stdout.read())
            if report["xruns"] == 0:
                return judge(report, mic, spk, begin)
    raise RuntimeError(f"{ATTEMPTS} floor runs in a row had an xrun: this machine is too busy to measure")


def _command(program: str, frame_ms: int, codec: bool, seconds: float) -> list[str]:
    options = ["--frame-ms", str(frame_ms), "--seconds", str(seconds), *(["--opus", "voip"] if codec else [])]
    return [sys.executable, "-m", f"tests.bench.{program}", "mic", "spk", *options]
