"""What Prometheus reads of a status, by its own parser."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from device.service import metrics
from tests.service.test_status import alone, talker


def read(status: dict[str, Any]) -> dict[str, float]:
    """Each sample, by its name and labels."""
    families = list(text_string_to_metric_families(metrics.text(status)))
    assert all(family.documentation for family in families)
    return {
        sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_every_talker_has_its_level_buffer_losses_drift_and_quality() -> None:
    samples = read(alone(talkers=[talker(8, "kitchen"), talker(9, "")]))
    assert {name: value for name, value in samples.items() if name.endswith("8 kitchen")} == {
        "intercomd_talker_level_dbfs 8 kitchen": -23, "intercomd_talker_buffer_seconds 8 kitchen": 0.0204,
        "intercomd_talker_latency_seconds 8 kitchen": 0.0616, "intercomd_talker_late_packets_total 8 kitchen": 1,
        "intercomd_talker_lost_packets_total 8 kitchen": 2, "intercomd_talker_concealed_gaps_total 8 kitchen": 3,
        "intercomd_talker_drift_ppm 8 kitchen": 4, "intercomd_talker_mos 8 kitchen": 4.4,
    }  # fmt: skip
    assert samples["intercomd_talker_mos 9 "] == 4.4


def test_the_call_the_link_and_both_cards_are_there() -> None:
    samples = read(alone(muted=True, capture={"state": "absent", "device": "default", "xruns": 3, "realtime": False}))
    assert samples == {
        "intercomd_in_call": 1, "intercomd_muted": 1, "intercomd_round_trip_seconds": 0.0005,
        "intercomd_reconnects_total": 1, "intercomd_skipped_frames_total": 2,
        "intercomd_bitrate_bits_per_second": 28_000, "intercomd_card_running capture": 0,
        "intercomd_card_running playback": 1, "intercomd_xruns_total capture": 3, "intercomd_xruns_total playback": 1,
    }  # fmt: skip


def test_what_is_not_known_yet_is_left_out() -> None:
    link = {**alone()["link"], "rtt_ms": None}
    samples = read(alone(state="joining", link=link))
    assert samples["intercomd_in_call"] == 0 and "intercomd_round_trip_seconds" not in samples


def test_a_label_may_hold_whatever_people_write() -> None:
    label = 'the "old"\nkitchen \\ of ours'
    assert read(alone(talkers=[talker(8, label)]))[f"intercomd_talker_mos 8 {label}"] == 4.4
