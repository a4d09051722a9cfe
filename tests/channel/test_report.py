"""What a report says, on the wire and back."""

from typing import Any

import pytest

from device import jsonrpc
from device.channel.reception import MOST_TOLD
from device.channel.report import Report, Told


def test_what_is_written_can_be_read() -> None:
    report = Report(((3, 12), (4, 100)))
    assert report.params() == {"streams": [{"uid": 3, "lost": 12}, {"uid": 4, "lost": 100}]}
    assert Report.read(report.params()) == report
    told = Told(0, 5, True)
    assert Told.read(told.params()) == told
    assert Told.read({"uid": 3, "lost": 5}) == Told(3, 5, False)


@pytest.mark.parametrize(
    "params",
    [
        {}, {"streams": 5}, {"streams": [5]}, {"streams": [{}]}, {"streams": [{"uid": 0, "lost": 5}]},
        {"streams": [{"uid": 3}]}, {"streams": [{"uid": 3, "lost": 101}]}, {"streams": [{"uid": 3, "lost": -1}]},
        {"streams": [{"uid": 3, "lost": 1.5}]}, {"streams": [{"uid": 3 + n, "lost": 1} for n in range(MOST_TOLD + 1)]},
        {"streams": [{"uid": 3, "lost": 1}, {"uid": 4, "lost": 1}, {"uid": 3, "lost": 2}]},
    ],
)  # fmt: skip
def test_nonsense_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(jsonrpc.JsonRpcError):
        Report.read(params)


@pytest.mark.parametrize("params", [{}, {"uid": -1, "lost": 5}, {"uid": 3}, {"uid": 3, "lost": 5, "crowded": 1}])
def test_so_is_what_a_hub_should_not_say(params: dict[str, Any]) -> None:
    with pytest.raises(jsonrpc.JsonRpcError):
        Told.read(params)
