"""Both gauges together: what is due is told, what nobody wants is not measured."""

from device.channel.gauges import Gauges
from device.channel.rtp import Packet

PACKET = Packet(3, 1, 0, b"opus", level_dbov=-30)


def test_nothing_is_due_that_nobody_wants() -> None:
    gauges = Gauges()
    gauges.heard(PACKET, 80, 0.0)
    gauges.said(-20, 80)
    assert gauges.due_at() == float("inf")
    assert gauges.due(7, 1.0, 0, 0, False, 1e9) == []


def test_B13_B14_each_is_told_in_its_own_time() -> None:
    gauges = Gauges()
    gauges.volume.set_interval(500, 0.0)
    gauges.quality.turn(True, 0.0)
    gauges.heard(PACKET, 80, 0.0)
    assert gauges.due_at() == 0.5
    assert [event for event, _ in gauges.due(7, 1.0, 0, 0, False, 0.5)] == ["volume-indication"]
    told = dict(gauges.due(7, 1.0, 5, 2, False, 2.0))
    assert told["network-quality"]["received_kbps"] > 0
    assert told["network-quality"]["skipped"] == 5
    assert dict(gauges.due(7, 1.0, 6, 2, False, 4.0))["network-quality"]["skipped"] == 1, "since the last time"
