"""The gate: a muted microphone never sends, and the first frame of each spurt is marked."""

from hypothesis import given
from hypothesis import strategies as st

from device.audio.gate import Gate
from tests.audio import properties


def test_an_open_microphone_sends_and_marks_its_first_frame() -> None:
    gate = Gate(muted=False)
    assert [gate.admit(now_ns) for now_ns in range(3)] == [(True, True), (True, False), (True, False)]


def test_after_a_mute_a_new_spurt_begins() -> None:
    gate = Gate(muted=False)
    gate.admit(1)
    gate.mute()
    assert gate.admit(2) == (False, False)
    gate.unmute(3)
    assert gate.admit(3) == (True, True)


def test_what_was_captured_while_muted_is_not_sent_after_unmuting() -> None:
    gate = Gate(muted=True)
    gate.unmute(now_ns=1_000)
    assert gate.admit(first_ns=999) == (False, False)
    assert gate.admit(first_ns=1_000) == (True, True)


@given(st.lists(st.booleans()))
@properties
def test_a_muted_microphone_never_sends(mutes: list[bool]) -> None:
    gate = Gate(muted=True)
    for now_ns, muted in enumerate(mutes):
        gate.mute() if muted else gate.unmute(now_ns)
        send, first_of_spurt = gate.admit(now_ns)
        assert send is not muted
        assert send or not first_of_spurt
