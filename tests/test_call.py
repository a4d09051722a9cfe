"""The appliance's table: every pair of a state and an input, and what must hold whatever happens."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.call import Action, Input, Light, Looks, Mic, Place, Sound, State, looks, step

BOOLS = (False, True)
STATES = [State(place, mic, *flags) for place, mic, flags in product(Place, Mic, product(BOOLS, repeat=6))]
PAIRS = list(product(STATES, Input))
CLOSED = (Mic.MUTED, Mic.CLOSING, Mic.LET_GO)


def walk(state: State, *inputs: Input) -> tuple[State, list[Action | Sound]]:
    done: list[Action | Sound] = []
    for given_input in inputs:
        state, more = step(state, given_input)
        done += more
    return state, done


IN_CALL = walk(State(), Input.START_JOINED, Input.JOINED)[0]


# For every pair


def test_every_pair_has_an_answer() -> None:
    for state, given_input in PAIRS:
        after, done = step(state, given_input)
        assert isinstance(after, State) and isinstance(done, tuple)
        assert len(set(done)) == len(done)


@pytest.mark.parametrize("given_input", [Input.MUTE, Input.LEAVE, Input.LINK_LOST, Input.MUTE_EDGE, Input.TALK_EDGE])
def test_from_any_state_mute_leave_and_link_loss_close_the_microphone(given_input: Input) -> None:
    for state in STATES:
        after, done = step(state, given_input)
        assert not after.microphone_open, state
        assert (Action.CLOSE_MICROPHONE in done) == state.microphone_open


def test_the_microphone_is_told_exactly_when_it_changes_and_closed_before_anything_else() -> None:
    for state, given_input in PAIRS:
        after, done = step(state, given_input)
        told = [action for action in done if action in (Action.OPEN_MICROPHONE, Action.CLOSE_MICROPHONE)]
        if state.microphone_open == after.microphone_open:
            assert told == []
        else:
            assert told == [Action.OPEN_MICROPHONE if after.microphone_open else Action.CLOSE_MICROPHONE]
        if not after.microphone_open and told:
            assert done[0] is Action.CLOSE_MICROPHONE


def test_only_what_a_person_does_or_a_call_that_comes_back_opens_the_microphone() -> None:
    may_open = {
        Input.MUTE_DOWN, Input.TALK_DOWN, Input.TALK_AGAIN, Input.UNMUTE, Input.ANSWER, Input.RING,
        Input.JOINED, Input.CARD_BACK,
    }  # fmt: skip
    for state, given_input in PAIRS:
        after, _ = step(state, given_input)
        if after.microphone_open and not state.microphone_open:
            assert given_input in may_open
        if after.mic is Mic.OPEN and state.mic in CLOSED:
            assert given_input in may_open - {Input.JOINED, Input.CARD_BACK}


def test_the_lights_never_disagree_with_the_microphone() -> None:
    """Whatever else they say: with an open one they look as they never do with a closed one."""
    of_open: set[tuple[Light, ...]] = set()
    of_closed: set[tuple[Light, ...]] = set()
    for state, someone, you in product(STATES, BOOLS, BOOLS):
        shown = looks(state, someone_talks=someone, you_talk=you)
        (of_open if state.microphone_open else of_closed).add(shown[::2])
        assert (shown.mute is Light.ON) == (state.muted and not state.card_missing)
        assert (shown.mute is Light.FAST) == state.card_missing
        assert (shown.link is Light.ON) == (state.place is Place.IN_CALL)
        if not state.microphone_open:
            assert shown.talk is not Light.BLIP, "you are talking"
    assert of_open == {(Light.ON, Light.OFF)}
    assert not of_open & of_closed


def test_the_mute_tones_say_what_the_light_says() -> None:
    for state, given_input in PAIRS:
        after, done = step(state, given_input)
        assert (Sound.UNMUTED in done) == (state.muted and not after.muted and after.mic is Mic.OPEN)
        assert (Sound.MUTED in done) == (state.mic is Mic.OPEN and not state.muted and after.muted)
        if Sound.MUTED in done:
            assert not after.microphone_open


def test_who_only_listens_has_no_microphone_to_open() -> None:
    for state, given_input in PAIRS:
        if state.listens_only:
            after, done = step(state, given_input)
            assert after.listens_only and after.muted and not after.microphone_open
            assert not {Action.OPEN_MICROPHONE, Sound.MUTED, Sound.UNMUTED} & {*done}


def test_ringing_is_told_exactly_when_it_changes_and_only_in_a_call() -> None:
    for state, given_input in PAIRS:
        after, done = step(state, given_input)
        assert (Action.START_RINGING in done) == (after.ringing and not state.ringing)
        assert (Action.STOP_RINGING in done) == (state.ringing and not after.ringing)
        assert not after.ringing or after.place is Place.IN_CALL
        assert not after.calling or after.place in (Place.JOINING, Place.OFFLINE)


@given(st.lists(st.sampled_from([*Input]), max_size=60))
def test_whatever_happens_edges_alone_never_open(inputs: list[Input]) -> None:
    state, _ = walk(State(), *inputs)
    muted, _ = step(state, Input.MUTE)
    sparks = [each for each in inputs if each in (Input.MUTE_EDGE, Input.TALK_EDGE, Input.LINK_LOST, Input.JOINED)]
    assert walk(muted, *sparks)[0].mic in CLOSED


# Stories


def test_a_box_that_joins_at_boot_and_loses_its_link() -> None:
    state, done = walk(State(), Input.START_JOINED, Input.JOINED)
    assert done == [Action.JOIN, Sound.JOINED, Action.OPEN_MICROPHONE]
    state, done = walk(state, Input.LINK_LOST, Input.JOINED)
    assert done == [Action.CLOSE_MICROPHONE, Sound.LINK_LOST, Sound.LINK_BACK, Action.OPEN_MICROPHONE]
    state, done = walk(state, Input.MUTE, Input.LINK_LOST, Input.JOINED)
    assert state.mic is Mic.MUTED and Action.OPEN_MICROPHONE not in done


def test_mute_closes_at_the_edge_and_the_same_press_does_not_open_it_again() -> None:
    state, done = walk(IN_CALL, Input.MUTE_EDGE)
    assert done == [Action.CLOSE_MICROPHONE, Sound.MUTED]
    state, done = walk(state, Input.MUTE_DOWN)
    assert (state.mic, done) == (Mic.MUTED, [])
    state, done = walk(state, Input.MUTE_EDGE, Input.MUTE_DOWN)
    assert (state.mic, done) == (Mic.OPEN, [Action.OPEN_MICROPHONE, Sound.UNMUTED])


def test_a_spark_mutes_and_the_next_press_opens() -> None:
    state, _ = walk(IN_CALL, Input.MUTE_EDGE, Input.MUTE_EDGE, Input.MUTE_DOWN)
    assert state.mic is Mic.OPEN


def test_talk_is_momentary_when_held_and_stays_when_tapped() -> None:
    muted, _ = step(IN_CALL, Input.MUTE)
    held, done = walk(muted, Input.TALK_EDGE, Input.TALK_DOWN)
    assert (held.mic, done) == (Mic.TALKING, [Action.OPEN_MICROPHONE])
    let_go, done = walk(held, Input.TALK_UP)
    assert (let_go.muted, done) == (True, [Action.CLOSE_MICROPHONE])
    assert walk(let_go, Input.TALK_AGAIN) == (held, [Action.OPEN_MICROPHONE]), "it was a break of the contact"
    latched, _ = step(held, Input.TALK_TAP)
    assert latched.mic is Mic.OPEN
    assert walk(latched, Input.TALK_EDGE, Input.TALK_DOWN, Input.TALK_TAP)[0].mic is Mic.MUTED


@pytest.mark.parametrize("given_input", [Input.MUTE, Input.LEAVE, Input.MUTE_EDGE, Input.TALK_EDGE])
def test_after_something_else_a_broken_hold_does_not_open_it_again(given_input: Input) -> None:
    muted, _ = step(IN_CALL, Input.MUTE)
    state, _ = walk(muted, Input.TALK_EDGE, Input.TALK_DOWN, Input.TALK_UP, given_input, Input.TALK_AGAIN)
    assert state.muted


def test_a_press_of_which_no_edge_was_told_closes_too() -> None:
    for down in (Input.MUTE_DOWN, Input.TALK_DOWN):
        assert walk(IN_CALL, down) == (IN_CALL._replace(mic=Mic.MUTED), [Action.CLOSE_MICROPHONE, Sound.MUTED])


def test_a_button_pressed_while_offline_sets_what_happens_next() -> None:
    offline, _ = step(IN_CALL, Input.LINK_LOST)
    assert Action.OPEN_MICROPHONE not in walk(offline, Input.MUTE_EDGE, Input.MUTE_DOWN, Input.JOINED)[1]
    held, done = walk(offline, Input.MUTE, Input.TALK_DOWN, Input.JOINED)
    assert held.microphone_open and done[-1] is Action.OPEN_MICROPHONE
    assert walk(offline, Input.REJOIN)[1] == [Action.REDIAL]


@pytest.mark.parametrize("refusal", [Input.KICKED, Input.WRONG_TOKEN, Input.UID_CONFLICT])
def test_a_refusal_is_heard_and_rejoin_tries_again(refusal: Input) -> None:
    state, done = step(IN_CALL, refusal)
    assert done == (Action.CLOSE_MICROPHONE, Sound.ERROR)
    assert step(state, refusal) == (state, ())
    assert step(state, Input.LEFT_BY_HUB) == (state, ())
    assert walk(state, Input.REJOIN, Input.JOINED)[0] == IN_CALL
    assert walk(state, Input.LEAVE)[1] == [Action.LEAVE, Sound.LEFT]


def test_a_door_station_joins_when_its_button_is_pressed_and_rings_as_soon_as_it_can() -> None:
    state, done = walk(State(), Input.START_LEFT, Input.RING, Input.JOINED)
    assert done == [Action.JOIN, Sound.JOINED, Action.OPEN_MICROPHONE, Action.SEND_RING]
    assert walk(state, Input.RING)[1] == [Action.SEND_RING]
    left, _ = walk(State(), Input.START_LEFT, Input.RING, Input.LEAVE, Input.REJOIN, Input.JOINED)
    assert left == IN_CALL


@pytest.mark.parametrize("answer", [Input.RING, Input.ANSWER, Input.UNMUTE])
def test_a_ring_goes_on_until_somebody_answers(answer: Input) -> None:
    muted, _ = step(IN_CALL, Input.MUTE)
    rung, done = step(muted, Input.RUNG)
    assert done == (Action.START_RINGING,)
    assert step(rung, Input.RUNG) == (rung, ())
    after, answered = step(rung, answer)
    assert after == IN_CALL
    assert set(answered) == {Action.OPEN_MICROPHONE, Sound.UNMUTED, Action.STOP_RINGING, Action.SEND_ANSWER}
    assert walk(rung, Input.RING_OVER) == (muted, [Action.STOP_RINGING])
    assert Action.STOP_RINGING in walk(rung, Input.LINK_LOST)[1]


def test_an_open_box_that_is_rung_at_answers_by_its_call_button() -> None:
    rung, _ = step(IN_CALL, Input.RUNG)
    assert rung.ringing
    assert step(rung, Input.RING) == (IN_CALL, (Action.STOP_RINGING, Action.SEND_ANSWER))


def test_without_a_card_the_microphone_is_closed_until_it_is_back() -> None:
    state, done = step(IN_CALL, Input.CARD_LOST)
    assert done == (Action.CLOSE_MICROPHONE, Sound.ERROR)
    assert walk(state, Input.CARD_LOST)[1] == []
    assert walk(state, Input.CARD_BACK) == (IN_CALL, [Action.OPEN_MICROPHONE])
    rung, _ = step(state, Input.RUNG)
    back, done = step(rung, Input.CARD_BACK)
    assert back.ringing and Action.SEND_ANSWER not in done, "nobody has answered"


def test_without_a_speaker_it_still_talks_and_shows_what_is_missing() -> None:
    state, done = step(IN_CALL, Input.SPEAKER_LOST)
    assert (state.microphone_open, done) == (True, ())
    assert looks(state, someone_talks=True).talk is Light.SLOW
    assert step(state, Input.SPEAKER_BACK) == (IN_CALL, ())


def test_what_a_person_must_tell_apart_looks_different() -> None:
    joining = State(place=Place.JOINING)
    shown: dict[str, Looks] = {
        "no hub": looks(joining),
        "no network": looks(joining._replace(no_network=True)),
        "joined": looks(IN_CALL),
        "someone talks": looks(IN_CALL, someone_talks=True),
        "you talk": looks(IN_CALL, you_talk=True),
        "muted": looks(IN_CALL._replace(mic=Mic.MUTED)),
        "kicked": looks(State(place=Place.KICKED)),
        "banned": looks(State(place=Place.BANNED)),
        "wrong token": looks(State(place=Place.WRONG_TOKEN)),
        "uid conflict": looks(State(place=Place.UID_CONFLICT)),
        "no microphone": looks(IN_CALL._replace(card_missing=True)),
        "no speaker": looks(IN_CALL._replace(speaker_missing=True)),
        "rung": looks(IN_CALL._replace(ringing=True)),
        "left": looks(State(place=Place.LEFT)),
        "boot": looks(State()),
    }
    assert len(set(shown.values())) == len(shown)


def test_the_network_is_known_again_when_something_answers() -> None:
    state, _ = walk(State(), Input.START_JOINED, Input.NO_NETWORK)
    assert looks(state).link is Light.DOUBLE
    assert looks(walk(state, Input.NO_HUB)[0]).link is Light.FAST
    assert not walk(state, Input.JOINED)[0].no_network


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        (Place.KICKED, Input.BANNED, Place.BANNED),
        (Place.KICKED, Input.WRONG_TOKEN, Place.WRONG_TOKEN),
        (Place.BANNED, Input.WRONG_TOKEN, Place.WRONG_TOKEN),
        (Place.WRONG_TOKEN, Input.BANNED, Place.BANNED),
        (Place.KICKED, Input.UID_CONFLICT, Place.UID_CONFLICT),
    ],
)
def test_one_refusal_after_another_is_shown(before: Place, given: Input, after: Place) -> None:
    assert step(State(place=before), given)[0].place is after
