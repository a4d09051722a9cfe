"""A device that keeps no books is a device still: else what it costs would say nothing."""

from tests.bench.bench_cpu import StrippedCall, talk
from tests.timing import until


def test_it_is_heard_and_does_not_look_how_loud_anything_is() -> None:
    with StrippedCall() as call:
        here, there = call.parties
        until(lambda: [one["level_dbfs"] for one in here.daemon.ask("status")["talkers"]] == [-26])  # and all is silent
        talk(here.mic)
        until(lambda: bool(there.spk.got(0, round(there.spk.frame())).any()))
