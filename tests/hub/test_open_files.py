"""A full hub needs more open files than a system allows unasked."""

import logging
import resource

import pytest

from device.hub import open_files

CONNECTIONS = 2_000


@pytest.mark.parametrize(
    ("soft", "hard", "allowed", "warns"),
    [
        (1_024, resource.RLIM_INFINITY, 2_200, False),
        (1_024, 524_288, 2_200, False),
        (1_024, 2_000, 2_000, True),
        (4_096, 4_096, None, False),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, False),
    ],
)
def test_it_asks_for_as_many_as_a_full_hub_needs(
    soft: int, hard: int, allowed: int | None, warns: bool,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: asked.append(both))
    with caplog.at_level(logging.WARNING):
        open_files.allow(CONNECTIONS)
    assert asked == ([(allowed, hard)] if allowed else [])
    assert ("a full hub needs" in caplog.text) == warns
    assert CONNECTIONS + open_files.SPARE_FILES == 2_200
