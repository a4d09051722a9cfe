"""Rules outlive a hub in a file; a disk that fails costs the rules and nothing else."""

import json
import stat
import time
from pathlib import Path

import pytest

from device.hub.moderation import Privilege, Rules, Whom
from device.hub.rulebook import FILE, Rulebook
from tests.hub.house import APP


def with_a_rule(minutes: int = 60) -> Rules:
    rules = Rules()
    rules.create(Whom(APP, uid=7), [Privilege.JOIN], minutes, time.monotonic())
    return rules


def loaded(folder: Path) -> Rules:
    rules = Rules()
    Rulebook(folder).load(rules)
    return rules


def bans(rules: Rules) -> list[int]:
    return [rule.whom.uid for rule in rules.of(APP, time.monotonic())]


def test_H11_rules_are_kept_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "by the hub"
    book, rules = Rulebook(folder), with_a_rule()
    book.load(rules)
    assert bans(rules) == [7], "there is no file yet"
    rules.create(Whom(APP, uid=8), [Privilege.PUBLISH], 60, time.monotonic())
    book.keep(rules)
    book.join()
    after = loaded(folder)
    assert bans(after) == [7, 8]
    for before, rule in zip(rules.of(APP, 0.0), after.of(APP, 0.0), strict=True):
        assert rule.expires_at == pytest.approx(before.expires_at, abs=0.1)
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == [FILE], "nothing half-written is left"


def test_H11_the_file_has_wall_clock_times(tmp_path: Path) -> None:
    book = Rulebook(tmp_path)
    book.keep(with_a_rule(minutes=30))
    book.join()
    (rule,) = json.loads((tmp_path / FILE).read_text())["rules"]
    assert rule["expires"] == pytest.approx(time.time() + 1_800, abs=30)


def test_it_is_written_only_where_something_has_changed(tmp_path: Path) -> None:
    book, rules = Rulebook(tmp_path), with_a_rule()
    book.keep(rules)
    book.join()
    (tmp_path / FILE).unlink()
    book.keep(rules)
    book.join()
    assert not (tmp_path / FILE).exists()


def test_it_is_written_again_when_the_machine_has_learnt_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, rules, now_s = Rulebook(tmp_path), with_a_rule(minutes=30), time.time()
    monkeypatch.setattr(time, "time", lambda: 86_400.0)
    book.keep(rules)
    book.join()
    monkeypatch.setattr(time, "time", lambda: now_s)
    book.keep(rules)
    book.join()
    (rule,) = json.loads((tmp_path / FILE).read_text())["rules"]
    assert rule["expires"] == pytest.approx(now_s + 1_800, abs=30)


@pytest.mark.parametrize("content", [b"{", b"\xff", b'{"last": 1, "rules": [7]}', b" " * 2_000_000])
def test_a_file_that_cannot_be_read_is_put_aside_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert bans(loaded(tmp_path)) == []
    assert "nobody is banned any more" in caplog.text and caplog.records[0].levelname == "ERROR"
    assert (tmp_path / "rules.unreadable").read_bytes() == content and not (tmp_path / FILE).exists()
