"""LOG: levels and lines of the documented SDK, on top of logging."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from device.channel.log import DEFAULT, KEPT_LINES, LOG, LOGGER

HERE = logging.getLogger("device.channel.somewhere")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    level = LOGGER.level
    yield
    LOG.on_log = None
    LOG.set_log_level(DEFAULT)
    LOG.upload_logs(lambda lines: None)
    LOGGER.removeHandler(LOG)
    LOGGER.setLevel(level)


def say_all() -> None:
    for level in (5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        HERE.log(level, "level %d", level)


@pytest.mark.parametrize(("level", "told"), [(-1, 6), (0, 5), (1, 4), (2, 3), (3, 2), (4, 0)])
def test_L1_each_level_tells_what_is_as_bad_or_worse(level: int, told: int) -> None:
    lines = list[str]()
    LOG.on_log = lines.append
    LOG.set_log_level(level)
    say_all()
    assert len(lines) == told


def test_L1_errors_are_told_unless_anything_else_is_asked_for() -> None:
    lines = list[str]()
    LOG.on_log = lines.append
    say_all()
    assert [line.partition("[")[2] for line in lines] == ["ERROR]: level 40", "CRITICAL]: level 50"]


@pytest.mark.parametrize("wrong", [-2, 5, 1.5, "1", None, True])
def test_L1_a_level_out_of_range_raises_and_changes_nothing(wrong: Any) -> None:
    lines = list[str]()
    LOG.on_log = lines.append
    with pytest.raises(ValueError, match=r"^Invalid level$"):
        LOG.set_log_level(wrong)
    say_all()
    assert len(lines) == 2


@pytest.mark.parametrize("name", ["on_log", "onLog", "onlog"])
def test_L2_every_spelling_is_heard(name: str) -> None:
    lines = list[str]()
    setattr(LOG, name, lines.append)
    LOG.setLogLevel(2)
    HERE.warning("the %s", "hub")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\[WARN\]: the hub", lines[0])
    assert getattr(LOG, "onLog") == getattr(LOG, "on_log") == lines.append  # noqa: B009 - as a program written for that SDK


def test_L2_what_it_logs_itself_is_not_told_to_it_and_what_it_raises_harms_nobody() -> None:
    lines = list[str]()

    def on_log(line: str) -> None:
        lines.append(line)
        HERE.error("once more")
        raise RuntimeError

    LOG.on_log = on_log
    HERE.error("once")
    HERE.error("twice")
    assert [line.partition(": ")[2] for line in lines] == ["once", "twice"]


def test_L3_the_last_lines_are_kept_and_handed_over_in_batches_once() -> None:
    LOG.set_log_level(1)
    for number in range(KEPT_LINES + 100):
        HERE.info("line %d", number)
    batches = list[list[str]]()
    LOG.upload_logs(batches.append)
    assert [len(batch) for batch in batches] == [500] * 4
    assert batches[0][0].endswith("line 100") and batches[-1][-1].endswith(f"line {KEPT_LINES + 99}")
    LOG.uploadLogs(batches.append)
    assert len(batches) == 4


def test_L1_until_it_is_used_nothing_of_logging_is_changed() -> None:
    assert LOG not in LOGGER.handlers
    HERE.error("unheard")
    batches = list[list[str]]()
    LOG.upload_logs(batches.append)
    assert batches == []
