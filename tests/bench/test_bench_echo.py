"""scripts/bench echo says which maker is not there; without one of the device's own it fails."""

import sys

import numpy as np
import pytest

from tests.bench import bench_echo
from tests.bench.echo_makers import holds


def test_a_maker_that_only_stands_beside_the_device_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aec_audio_processing", None)
    only = {"case": "aec-audio-processing, not measured: aec-audio-processing is not installed", "limit": "none"}
    assert list(bench_echo._of("aec-audio-processing", np.zeros(0), [])) == [{**only, "ok": True}]


def test_a_maker_of_the_device_that_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.audio.speex.LIBRARY", "libnothing.so.1")
    (case,) = bench_echo._of("speex", np.zeros(0), [])
    assert str(case["case"]).startswith("speex, not measured: libspeexdsp is missing") and case["ok"] is False


def test_what_a_maker_holds_is_measured_in_a_process_that_has_nothing_of_it_yet() -> None:
    """libspeexdsp starts no thread and takes some hundred kilobytes; what WebRTC's package brings is far more."""
    speex, webrtc = holds("speex"), holds("webrtc")
    assert speex["threads"] == 0 and 0 < speex["memory_mb"] < 5 < webrtc["memory_mb"]
