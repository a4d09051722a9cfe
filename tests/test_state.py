"""What survives: the last word, whatever happens while it is written; and muted where nobody knows."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from device.state import FILE, MAX_BYTES, Held, Kept, State
from tests.daemon import ROOT

DEFAULT = Kept(muted=False, joined=True, volume=100)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    kept = Kept(True, False, volume=40, volumes={7: 0, 4_294_967_295: 100}, seat=Held(7, "SECRET-SESSION", "here"))
    folder = tmp_path / "made" / "by it"
    State(folder).save(kept)
    assert State(folder).load(DEFAULT) == kept
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert "SECRET" not in repr(kept)


def test_the_file_of_a_version_that_kept_no_seat_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps(GOOD))
    assert State(tmp_path).load(DEFAULT) == Kept(muted=False, joined=True, volume=50)


def test_where_nothing_is_kept_one_line_says_so_and_how_it_would_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    State(tmp_path).load(DEFAULT)
    assert caplog.messages == []
    State(None).load(DEFAULT)
    (line,) = caplog.messages
    assert line.startswith("mute, volumes, whether it has left, and its seat are not kept over a restart: ")
    assert "STATE_DIRECTORY" in line and caplog.records[0].levelname == "INFO"


def test_the_first_time_the_configuration_counts(tmp_path: Path) -> None:
    assert State(tmp_path).load(DEFAULT) == DEFAULT
    nowhere = State(None)
    nowhere.save(DEFAULT)
    nowhere.keep(DEFAULT)
    nowhere.join(0.0)
    assert State(None).load(DEFAULT) == DEFAULT


GOOD: dict[str, Any] = {"muted": False, "joined": True, "volume": 50, "volumes": {}}


WRONG: list[dict[str, Any]] = [
    {"muted": 0}, {"joined": "yes"}, {"volume": 101}, {"volume": -1}, {"volume": True}, {"volume": 1.5},
    {"volumes": []}, {"volumes": {"x": 1}}, {"volumes": {"7": 101}}, {"volumes": {"7": None}},
    {"volumes": {str(uid): 1 for uid in range(501)}}, {"seat": []}, {"seat": 7}, {"seat": {"uid": 7}},
    *({"seat": {"uid": 7, "session": "s", "where": "w", name: wrong}}
      for name, wrong in (("uid", 0), ("uid", 1 << 32), ("uid", True), ("session", ""), ("session", "s" * 257),
                          ("where", 1))),
]  # fmt: skip


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"[" * 60_000, json.dumps(GOOD).encode() + b" " * MAX_BYTES,
        *(json.dumps(GOOD | wrong).encode() for wrong in WRONG),
        *(json.dumps({key: value for key, value in GOOD.items() if key != missing}).encode() for missing in GOOD),
    ],
)  # fmt: skip
def test_what_cannot_be_read_means_muted(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert State(tmp_path).load(DEFAULT) == Kept(muted=True, joined=True, volume=100)
    assert "starting muted" in caplog.text


def test_what_may_not_be_read_means_muted(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert State(tmp_path).load(DEFAULT).muted


WRITER = """
import sys
from pathlib import Path
from device.state import Kept, State
state = State(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for volume in range(101):
        state.save(Kept(muted=False, joined=True, volume=volume, volumes={uid: volume for uid in range(400)}))
"""


def test_a_power_cut_at_any_moment_leaves_one_whole_state(tmp_path: Path) -> None:
    for cut in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout and writer.stdout.readline()
            time.sleep(0.003 * cut)
            os.kill(writer.pid, signal.SIGKILL)
        kept = State(tmp_path).load(DEFAULT)
        assert not kept.muted and set(kept.volumes.values()) <= {kept.volume}
