"""A virtual sound card for the tests of this room: a microphone, a speaker, and a device of another rate."""

from collections.abc import Iterator

import pytest

from tests.soundcard import Bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """In this process ALSA knows them by these names, and the first two as default."""
    with Bench() as bench:
        bench.device("mic")
        bench.device("speaker")
        bench.device("slow", rate=44_100)
        for name, value in bench.env("mic", "speaker").items():
            monkeypatch.setenv(name, value)
        yield bench
