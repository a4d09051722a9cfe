"""What is told of runs, on some that were made by hand; the runs themselves are for scripts/bench."""

import statistics
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import pytest

from tests.bench.bench_speech import case, simulated
from tests.soundcard.quality import Gap, Heard
from tests.soundcard.speech import RATE, speech

from . import datagrams, report
from .heard import Moment, Run
from .path import PATHS, Limits


def one(pesq: float = 3.9, stoi: float = 0.99, gap_ms: float = 0.0, delay_ms: float = 65.0) -> Run:
    said = speech(2)
    gaps = (Gap(100.0, gap_ms),) if gap_ms else ()
    heard = [Heard(sentence.text, delay_ms, pesq, stoi, gaps) for sentence in said.sentences]
    return Run(said, said.samples, heard, [Moment(0.5, delay_ms, 20.0)])


@pytest.mark.parametrize(
    ("limits", "runs", "ok"),
    [
        ({"pesq": 3.8, "stoi": 0.98}, [one()], True),
        ({"pesq": 3.8}, [one(pesq=3.7)], False),
        ({"stoi": 0.98}, [one(stoi=0.9)], False),
        ({"pesq_below_clean": 0.5}, [one(pesq=3.5)], True),
        ({"pesq_below_clean": 0.5}, [one(pesq=3.3)], False),
        ({"longest_gap_ms": 400}, [one(), one(), one(gap_ms=401)], False),
        ({"delay_ms": 220}, [one(), one(), one(delay_ms=300)], True),
        ({"delay_ms": 220}, [one(), one(delay_ms=300), one(delay_ms=300)], False),
        ({"delay_over_clean_ms": 100}, [one(delay_ms=166)], False),
        ({}, [one(delay_ms=float("nan"))], False),
    ],
)
def test_each_limit_counts(limits: dict[str, Any], runs: list[Run], ok: bool) -> None:
    assert case("a path", Limits(**limits), runs, [one()])["ok"] is ok


def test_limits_are_told_as_they_are_written() -> None:
    assert str(Limits(pesq=3.8, longest_gap_ms=400)) == "pesq >= 3.8, longest_gap_ms <= 400, delay_ms <= 500"
    assert all(str(path.limits) for path in PATHS)


def test_what_bare_tcp_made_of_the_path_stands_beside() -> None:
    runs = [replace(one(), floor={"floor_plain_gap_ms": gap_ms}) for gap_ms in (900.0, 100.0, 400.0)]
    assert case("a path", Limits(), runs, [one()])["floor_plain_gap_ms"] == 400.0
    assert {path.name for path in PATHS if path.loses} == {"5 % loss, 40 ms round trip", "15 % loss, 40 ms round trip"}


def test_a_page_has_the_table_and_a_picture_of_each_path(tmp_path: File) -> None:
    page = tmp_path / "speech.html"
    report.write(page, [case("<a path>", Limits(), [one(gap_ms=50.0)], [one()])], {"<a path>": one(gap_ms=50.0)})
    text = page.read_text()
    assert "<td>&lt;a path&gt;</td>" in text and text.count("data:image/png;base64,iVBOR") == 1


def test_what_is_said_lasts_as_long_as_the_paths_need() -> None:
    last_s = max(change.at_s for path in PATHS for change in path.changes)
    assert len(speech(8).samples) / RATE > last_s + 5


def test_what_packets_lose_is_sent_again_as_the_listener_reports() -> None:
    """Two sentences: without reports some is missing, with them hardly any."""
    said = speech(2)
    bare = datagrams.run(said, datagrams.losing(0.15), 1, datagrams.SHIPPED)
    reported = datagrams.run(said, datagrams.losing(0.15), 1)
    assert reported.coding.copies == 1 and bare.coding.copies == 0
    assert min(one.stoi for one in reported.heard) > max(one.stoi for one in bare.heard)


def test_fec_alone_helps() -> None:
    said = speech(2)
    bare, fec = (
        datagrams.run(said, datagrams.losing(0.15), 1, coding) for coding in (datagrams.SHIPPED, datagrams.FEC)
    )
    assert statistics.mean(one.pesq for one in fec.heard) > 0.3 + statistics.mean(one.pesq for one in bare.heard)


def test_a_network_s_limits_are_told_too() -> None:
    assert [one.limit for one in datagrams.SIMULATED[1:3]] == ["none: the floor", "pesq >= 2.4, speech_kbit <= 40"]


def test_a_case_of_a_lossy_network_has_its_figures() -> None:
    told = simulated(datagrams.Simulated("none", datagrams.losing(0.0), datagrams.SHIPPED, pesq=1.0), 1)
    assert told["ok"] is True and told["longest_gap_ms"] == 0
    assert (
        simulated(datagrams.Simulated("none", datagrams.losing(0.0), datagrams.SHIPPED, pesq=1.0, speech_kbit=10), 1)[
            "ok"
        ]
        is False
    )
