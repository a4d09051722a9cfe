"""The key of a hub outlives it, is for nobody else, and is made again where it is not one."""

import stat
from pathlib import Path

import pytest

from device.hub import keys


def test_it_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "by the hub"
    key, kept = keys.load(folder)
    assert len(key) == 32 and keys.load(folder) == (key, True) == (key, kept) and key != keys.new()
    assert stat.S_IMODE((folder / keys.KEY_FILE).stat().st_mode) == 0o600


def test_one_that_was_cut_short_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / keys.KEY_FILE).write_bytes(b"short")
    assert keys.load(tmp_path) == ((tmp_path / keys.KEY_FILE).read_bytes(), True) != (b"short", True)
    assert "has 5 bytes instead of 32" in caplog.text


def test_a_folder_that_cannot_be_written_is_said_and_the_hub_serves_with_a_key_of_the_moment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    key, kept = keys.load(tmp_path / "file" / "folder")
    assert len(key) == 32 and not kept
    assert "(Not a directory): no seat outlives its next start" in caplog.text
