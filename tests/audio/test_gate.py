"""The gate: a muted microphone never sends, and the first frame of each spurt is marked."""

from hypothesis import given
from hypothesis import strategies as st

from device.audio.gate import Gate
from tests.audio import properties


def test_an_open_microphone_sends_and_marks_its_first_frame() -> None:
    gate = Gate(muted=False)
    assert [gate.admit() for _ in range(3)] == [(True, True), (True, False), (True, False)]


def test_after_a_mute_a_new_spurt_begins() -> None:
    gate = Gate(muted=False)
    gate.admit()
    gate.muted = True
    assert gate.admit() == (False, False)
    gate.muted = False
    assert gate.admit() == (True, True)


@given(st.lists(st.booleans()))
@properties
def test_a_muted_microphone_never_sends(mutes: list[bool]) -> None:
    gate = Gate(muted=True)
    for muted in mutes:
        gate.muted = muted
        send, first_of_spurt = gate.admit()
        assert send is not muted
        assert send or not first_of_spurt
