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
    """Three of them in one channel: each saves what each of the others said."""
    program = tmp_path / "example.py"
    program.write_text(block("python"))
    sentence = speech.speak(*speech.SENTENCES[0])
    said = np.concatenate((np.zeros(72_000, np.int16), sentence, np.zeros(48_000, np.int16)))
    with wave.open(str(tmp_path / "said.wav"), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(said.tobytes())
    with HubDaemon() as hub:
        all_three = [
            subprocess.Popen(
                [sys.executable, str(program), hub.url, APP_ID, str(tmp_path / "said.wav"), str(tmp_path / heard)],
                env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            )
            for heard in ("one", "two", "three")
        ]
        assert [one.wait(seconds(60)) for one in all_three] == [0, 0, 0]
    saved = list(tmp_path.glob("*-*.wav"))
    assert len(saved) == 6
    for path in saved:
        with wave.open(str(path)) as file:
            heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        one = quality.compare(speech.SENTENCES[0][1], sentence, heard)
        assert one.pesq > 2.5, one
