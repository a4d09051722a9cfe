"""Two versions of a device in one call."""

import math
import shutil
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.bench import bench_against
from tests.bench.bench_against import Mixed, cases, checkout, options
from tests.box import folder
from tests.daemon import ROOT


@contextmanager
def another() -> Iterator[Path]:
    """Another version, which says so."""
    with folder() as place:
        shutil.copytree(ROOT / "device", place / "device", ignore=shutil.ignore_patterns("__pycache__"))
        with (place / "device" / "__init__.py").open("a") as code:
            code.write('import sys\nprint("another version", file=sys.stderr)\n')
        yield place


def test_each_device_of_a_mixed_call_is_that_of_its_checkout() -> None:
    with another() as other, Mixed(ROOT, other) as call:
        assert ["another version" in party.daemon.log for party in call.parties] == [False, True]


def test_another_checkout_is_one_with_an_intercom_that_can_be_read(tmp_path: Path) -> None:
    with another() as other:
        assert checkout(str(other)) == other
        (other / "device" / "__init__.py").unlink()
        for wrong in (other, tmp_path, other / "missing"):
            with pytest.raises(ArgumentTypeError):
                checkout(str(wrong))


@pytest.mark.parametrize("rounds", ["0", "1", "-3", "many"])
def test_of_fewer_than_two_rounds_nothing_is_told(rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--other", str(ROOT), f"--rounds={rounds}"])
    assert "2 and more" in capsys.readouterr().err


def test_what_is_told_is_this_one_over_the_other_whichever_role_they_had(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Path("other")
    in_calls = iter([(ROOT, [12.0, 8.0]), (other, [10.0, 12.0]), (ROOT, [24.0, 15.0]), (other, [20.0, 20.0])])

    def cpu(first: Path, _: Path) -> list[float]:
        expected, used = next(in_calls)
        assert first == expected
        return used

    monkeypatch.setattr(bench_against, "_cpu", cpu)
    (case,) = cases(Namespace(other=other, rounds=2))
    assert (case["cpu_ms_per_s"], case["other_cpu_ms_per_s"]) == (16.0, 12.5)
    assert case["times_other"] == round((12 / 8 * 12 / 10 * 24 / 15 * 20 / 20) ** 0.25, 3)
    assert case["standard_error_share"] == round(abs(math.log(1.5 * 1.2) - math.log(1.6)) / 4, 3)
