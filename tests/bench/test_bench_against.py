"""Two versions of a device in one call."""

import math
import shutil
from argparse import Namespace
from pathlib import Path

import pytest

from tests.bench import bench_against
from tests.bench.bench_against import Mixed, cases
from tests.box import folder
from tests.daemon import ROOT


def test_each_device_of_a_mixed_call_is_that_of_its_checkout() -> None:
    with folder() as other:
        shutil.copytree(ROOT / "device", other / "device", ignore=shutil.ignore_patterns("__pycache__"))
        with Mixed(ROOT, other) as call:
            run_in = [Path(f"/proc/{party.daemon.pid}/cwd").readlink() for party in call.parties]
    assert run_in == [ROOT, other]


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
    assert case["standard_error"] == round(abs(math.log(1.5 * 1.2) - math.log(1.6)) / 4, 3)
