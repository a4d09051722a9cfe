"""What README shows is run as it stands there."""

import re
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np

from tests.daemon import APP_ID, ROOT, HubDaemon
from tests.soundcard import quality, speech
from tests.timing import seconds


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert found
    return found[1]


def test_the_library_example_publishes_a_file_and_saves_what_it_hears(tmp_path: Path) -> None:
    """Two of them in one channel: each saves what the other said."""
    program = tmp_path / "example.py"
    program.write_text(block("python"))
    sentence = speech.speak(*speech.SENTENCES[0])
    said = np.concatenate((np.zeros(72_000, np.int16), sentence, np.zeros(48_000, np.int16)))
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(said.tobytes())
    with HubDaemon() as hub:
        both = [
            subprocess.Popen(
                [sys.executable, str(program), hub.url, APP_ID, str(tmp_path / "said.wav"), str(tmp_path / heard)],
                env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            )
            for heard in ("one.wav", "two.wav")
        ]
        assert [one.wait(seconds(60)) for one in both] == [0, 0]
    for name in ("one.wav", "two.wav"):
        with wave.open(str(tmp_path / name)) as file:
            heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        one = quality.compare(speech.SENTENCES[0][1], sentence, heard)
        assert one.pesq > 2.5, one
