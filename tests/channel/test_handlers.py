"""Who hears of what."""

import logging
from typing import Any

import pytest

from device.channel.handlers import Handlers


def test_A11_handlers_hear_their_event_and_some_hear_all() -> None:
    handlers, heard = Handlers(), list[Any]()
    handlers.on("stream-added", lambda params: heard.append(params["uid"]))
    handlers.on("*", lambda event, params: heard.append((event, params["uid"])))
    handlers.emit("stream-added", {"uid": 1})
    handlers.emit("stream-removed", {"uid": 2})
    assert heard == [1, ("stream-added", 1), ("stream-removed", 2)]


def test_A11_handlers_are_taken_away_one_by_one_or_all() -> None:
    handlers, heard = Handlers(), list[Any]()
    first, second = heard.append, lambda params: heard.append("second")
    for handler in (first, second):
        handlers.on("ring", handler)
    handlers.off("ring", first)
    handlers.off("ring", first)
    handlers.off("nothing")
    handlers.emit("ring", {})
    handlers.off("ring")
    handlers.emit("ring", {})
    assert heard == ["second"]


def test_a_handler_may_take_itself_away() -> None:
    handlers, heard = Handlers(), list[Any]()

    def once(params: Any) -> None:
        handlers.off("ring", once)
        heard.append("once")

    handlers.on("ring", once)
    handlers.on("ring", lambda params: heard.append("always"))
    for _ in range(2):
        handlers.emit("ring", {})
    assert heard == ["once", "always", "always"]


def test_one_that_raises_is_logged_and_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    handlers, heard = Handlers(), list[Any]()
    handlers.on("ring", lambda params: 1 / 0)
    handlers.on("ring", heard.append)
    with caplog.at_level(logging.ERROR):
        handlers.emit("ring", {})
    assert heard == [{}]
    assert "a handler of ring failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_no_memory_is_no_matter_of_one_handler() -> None:
    handlers = Handlers()

    def greedy(params: Any) -> None:
        raise MemoryError

    handlers.on("ring", greedy)
    with pytest.raises(MemoryError):
        handlers.emit("ring", {})


def test_whether_anybody_listens_is_known() -> None:
    handlers = Handlers()
    assert not handlers.wants("a")
    handlers.on("a", lambda params: None)
    handlers.on("b", lambda params: None)
    assert handlers.wants("a")
    handlers.off("a")
    assert not handlers.wants("a") and handlers.wants("b")
    handlers.clear()
    assert not handlers.wants("b")
