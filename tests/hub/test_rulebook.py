"""Rules outlive a hub in a file; a disk that fails costs the rules and nothing else."""

import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest

from device.hub.moderation import Privilege, Rules, Whom
from device.hub.rulebook import FILE, Rulebook
from tests.hub.house import APP
from tests.timing import until


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


def test_a_disk_that_refuses_is_one_warning_until_it_works(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    (tmp_path / "file").touch()
    folder = tmp_path / "file"
    book, rules = Rulebook(folder), Rules()
    for uid in (1, 2):
        rules.create(Whom(APP, uid=uid), [Privilege.JOIN], 60, time.monotonic())
        book.keep(rules)
        book.join()
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG"]
    assert "a restart forgets rules" in caplog.text
    folder.unlink()
    rules.create(Whom(APP, uid=3), [Privilege.JOIN], 60, time.monotonic())
    book.keep(rules)
    book.join()
    assert bans(loaded(folder)) == [1, 2, 3]


def test_a_slow_disk_holds_nobody_up_and_gets_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first write waits at a pipe until somebody reads it; meanwhile three more changes come."""
    gate, real, writes = tmp_path / "gate", os.fsync, list[int]()
    os.mkfifo(gate)

    def slow(number: int) -> None:
        if not writes:
            gate.write_text("open")
        writes.append(number)
        real(number)

    monkeypatch.setattr(os, "fsync", slow)
    book, rules = Rulebook(tmp_path / "state"), Rules()
    for uid in (1, 2, 3, 4):
        rules.create(Whom(APP, uid=uid), [Privilege.JOIN], 60, time.monotonic())
        book.keep(rules)
        until((tmp_path / "state" / "rules.new").exists)
    assert not (tmp_path / "state" / FILE).exists()
    assert gate.read_text() == "open"
    until(lambda: len(writes) == 4)  # file and folder, twice
    book.join()
    assert bans(loaded(tmp_path / "state")) == [1, 2, 3, 4]


def test_without_memory_for_a_thread_it_is_said_and_tried_with_the_next_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: object) -> None:
        raise RuntimeError("can't start new thread")

    book, rules = Rulebook(tmp_path), with_a_rule()
    with monkeypatch.context() as without:
        without.setattr(threading.Thread, "start", refuse)
        book.keep(rules)
    assert "a restart forgets the newest rules" in caplog.text
    rules.create(Whom(APP, uid=8), [Privilege.JOIN], 60, time.monotonic())
    book.keep(rules)
    book.join()
    assert bans(loaded(tmp_path)) == [7, 8]
