"""What a seat belongs to."""

from dataclasses import replace
from pathlib import Path

import pytest

from device import belonging, config

CHANNEL = config.load(Path("/dev/null"), needs_app_id=False).channel


def test_a_name_of_its_own_is_no_other_seat_and_another_channel_or_start_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = belonging.of(CHANNEL)
    assert belonging.of(replace(CHANNEL, label="kitchen")) == here
    assert belonging.of(replace(CHANNEL, name="attic")) != here != belonging.of(replace(CHANNEL, uid=7))
    monkeypatch.setattr(belonging, "BOOT_ID", tmp_path / "boot_id")
    assert belonging.of(CHANNEL) == "", "nobody knows"
    (tmp_path / "boot_id").write_text("another")
    assert belonging.of(CHANNEL) not in (here, "")
