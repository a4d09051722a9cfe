"""Whose lines are whose, and which of them are news."""

from dataclasses import dataclass, field

from .logbook import LAST_LINES, Logbook


@dataclass
class Process:
    log: list[str] = field(default_factory=list)


def test_what_is_said_is_news_once_and_a_process_goes_on_under_the_name_of_the_one_before_it() -> None:
    book, first, second = Logbook(), Process(["12:00 INFO here"]), Process(["12:03 INFO here again"])
    book.know({"other": first, "near": Process()})
    assert book.news() == {"other": ["12:00 INFO here"], "near": []}
    first.log += ["12:01 WARNING lost", "12:02 DEBUG still lost"]
    book.know({"other": second})
    assert book.news() == {"other": ["12:01 WARNING lost", "12:03 INFO here again"], "near": []}
    assert book.news() == {"other": [], "near": []}


def test_who_looks_into_a_failure_gets_the_end_of_each_log_with_all_that_was_said() -> None:
    book = Logbook()
    book.know({"near": Process([f"DEBUG {number}" for number in range(LAST_LINES + 7)])})
    book.news()
    assert book.ends()["near"] == [f"DEBUG {number}" for number in range(7, LAST_LINES + 7)]


def test_a_traceback_is_found_in_whatever_was_said() -> None:
    book = Logbook()
    book.know({"near": Process(["all is well"]), "far": Process(["ERROR", "Traceback (most recent call last):"])})
    assert book.tracebacks() == ["far: a traceback in its log"]
