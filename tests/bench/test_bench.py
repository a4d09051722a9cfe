"""scripts/bench: one JSON line a case, and an exit code that tells whether all were within their limits."""

import json
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.bench import __main__ as bench


@pytest.fixture(autouse=True)
def benches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two benches that measure nothing."""
    for name, cases in (("quick_one", [True, True]), ("slow", [True, False])):
        module = ModuleType(f"tests.bench.bench_{name}", f"What {name} measures.\n\nAnd more about it.")
        setattr(module, "cases", lambda cases=cases: measured(cases))  # noqa: B010
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(bench, "names", lambda: ["quick-one", "slow"])


def measured(oks: list[bool]) -> Iterator[dict[str, object]]:
    for number, ok in enumerate(oks):
        yield {"case": f"case {number}", "latency_ms": 12.5, "limit": "latency_ms 20", "ok": ok}


def test_a_line_of_json_for_each_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["quick-one"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"case": "case 0", "latency_ms": 12.5, "limit": "latency_ms 20", "ok": True}
    assert second["case"] == "case 1"


def test_one_case_outside_its_limit_fails_and_the_rest_is_measured_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench.main(["slow", "quick-one"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_without_a_name_all_are_listed_with_what_they_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "quick-one      What quick_one measures.",
        "slow           What slow measures.",
    ]


def test_an_unknown_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["speed"]) == 2
    assert capsys.readouterr().err == "no such bench: speed; there are quick-one, slow\n"


def test_the_names_are_those_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert {"cpu", "mouth-to-ear"} <= set(bench.names())


def test_a_bench_may_take_options_and_the_others_take_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = sys.modules["tests.bench.bench_slow"]
    setattr(slow, "options", lambda parser: parser.add_argument("--runs", type=int, default=2))  # noqa: B010
    setattr(slow, "cases", lambda chosen: measured([True] * chosen.runs))  # noqa: B010
    assert bench.main(["slow", "--runs", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert bench.main(["quick-one", "slow"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 4
    assert bench.main(["slow", "--speed", "3"]) == 2
    assert bench.main(["quick-one", "--runs", "3"]) == 2
    assert "unrecognized arguments: --runs 3" in capsys.readouterr().err
    assert bench.main(["slow", "--help"]) == 0
    assert "--runs" in capsys.readouterr().out
    setattr(slow, "cases", lambda chosen: 1 / 0)  # noqa: B010
    assert bench.main(["quick-one", "slow", "--help"]) == 0
    told = capsys.readouterr().out
    assert "What quick_one measures" in told and "What slow measures" in told and "--runs" in told


def test_options_that_no_bench_takes_are_refused_also_beside_another_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["quick-one", "slow", "--runs", "3"]) == 2
    assert "unrecognized arguments: --runs 3" in capsys.readouterr().err


def test_all_that_there_are_say_what_they_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    assert bench.main([*bench.names(), "--help"]) == 0
    assert capsys.readouterr().out.count("usage: scripts/bench") == len(bench.names())
