"""What `status` tells of one talker."""

from device.audio.talker import TalkerStatus
from device.heard import heard


def test_latency_is_all_the_way_and_the_score_goes_with_it_and_with_losses() -> None:
    talker = TalkerStatus(7, -20, 30.0, packet_ms=20.0, late=1, lost=2, concealed=3, loss_percent=0.0, drift_ppm=0.0)
    told = heard(talker, "kitchen", 80, 40.0, 12.0)
    assert (told["latency_ms"], told["mos"]) == (82.0, 4.4)
    assert (told["uid"], told["label"], told["volume"], told["lost"]) == (7, "kitchen", 80, 2)


def test_without_a_round_trip_yet_it_is_what_is_known() -> None:
    talker = TalkerStatus(7, -20, 30.0, packet_ms=20.0, late=1, lost=2, concealed=3, loss_percent=10.0, drift_ppm=0.0)
    told = heard(talker, "", 100, None, 9.0)
    assert told["latency_ms"] == 59.0 and 3 < told["mos"] < 4
