"""The appliance as a table: (state, input) -> (state, what is to be done and heard). PURE; imports nothing of ours.

Three small tables make the big one: PLACES says where the seat is, MICROPHONE what the person wants of the microphone,
and `step` joins them with what depends on both. Lights follow from the state alone (`looks`), so neither they nor the
tones can disagree with the microphone.

The microphone sends in a call alone, and closing it never waits: the first edge of a press that may be one closes it
(Mic.CLOSING), and if it turns out to be a press, the same press does not open it again. Opening it takes a press that
is confirmed, or a command.
"""

from enum import Enum, StrEnum, auto
from typing import NamedTuple


class Place(StrEnum):
    """Where the seat is, and why there is none."""

    BOOT = "boot"
    JOINING = "joining"
    IN_CALL = "in call"
    OFFLINE = "offline"
    LEFT = "left"
    KICKED = "kicked"
    WRONG_TOKEN = "wrong token"
    UID_CONFLICT = "uid conflict"


class Mic(StrEnum):
    """What the person wants of the microphone."""

    OPEN = "open"
    TALKING = "talking"  # for as long as the button is held
    CLOSING = "closing"  # muted by the first edge of a press
    MUTED = "muted"


class Input(StrEnum):
    """What happens."""

    # the start
    START_JOINED = "start joined"
    START_LEFT = "start left"
    # the channel
    JOINED = "joined"
    LINK_LOST = "link lost"
    LEFT_BY_HUB = "left by hub"
    KICKED = "kicked"
    WRONG_TOKEN = "wrong token"
    UID_CONFLICT = "uid conflict"
    NO_NETWORK = "no network"
    NO_HUB = "no hub"
    MOVED = "moved"  # another channel is wanted than before
    RUNG = "rung"
    RING_OVER = "ring over"
    # the sound card
    CARD_LOST = "card lost"
    CARD_BACK = "card back"
    # buttons
    MUTE_EDGE = "mute edge"
    MUTE_DOWN = "mute down"
    TALK_EDGE = "talk edge"
    TALK_DOWN = "talk down"
    TALK_TAP = "talk tap"
    TALK_UP = "talk up"
    # buttons and commands
    LEAVE = "leave"
    REJOIN = "rejoin"
    RING = "ring"
    ANSWER = "answer"
    MUTE = "mute"
    UNMUTE = "unmute"


class Action(Enum):
    """What is to be done."""

    OPEN_MICROPHONE = auto()
    CLOSE_MICROPHONE = auto()
    JOIN = auto()
    REDIAL = auto()
    LEAVE = auto()
    SEND_RING = auto()
    SEND_ANSWER = auto()
    START_RINGING = auto()
    STOP_RINGING = auto()


class Sound(StrEnum):
    """What is to be heard once."""

    JOINED = "joined"
    LEFT = "left"
    LINK_LOST = "link-lost"
    LINK_BACK = "link-back"
    MUTED = "muted"
    UNMUTED = "unmuted"
    ERROR = "error"


class Light(StrEnum):
    """What a light does."""

    OFF = "off"
    ON = "on"
    SLOW = "slow"
    FAST = "fast"
    BLIP = "blip"
    DOUBLE = "double"


class Looks(NamedTuple):
    """The three lights."""

    link: Light
    talk: Light
    mute: Light


class State(NamedTuple):
    """The appliance. calling: it rings as soon as it is in the call. ringing: somebody rings at it."""

    place: Place = Place.BOOT
    mic: Mic = Mic.OPEN
    card_missing: bool = False
    no_network: bool = False
    ringing: bool = False
    calling: bool = False

    @property
    def microphone_open(self) -> bool:
        """Whether what it hears is sent."""
        return self.place is Place.IN_CALL and self.mic in (Mic.OPEN, Mic.TALKING) and not self.card_missing


Done = tuple[Action | Sound, ...]
Rows = dict[tuple[Place, Input], tuple[Place, Done]]

_WANTED = (Place.JOINING, Place.IN_CALL, Place.OFFLINE)
_REFUSED = (Place.KICKED, Place.WRONG_TOKEN, Place.UID_CONFLICT)


def _rows(places: tuple[Place, ...], given: Input, then: Place, *done: Action | Sound) -> Rows:
    return {(place, given): (then, done) for place in places if place is not then}


PLACES: Rows = {
    **_rows((Place.BOOT,), Input.START_JOINED, Place.JOINING, Action.JOIN),
    **_rows((Place.BOOT,), Input.START_LEFT, Place.LEFT),
    **_rows((Place.JOINING, *_REFUSED), Input.JOINED, Place.IN_CALL, Sound.JOINED),
    **_rows((Place.OFFLINE,), Input.JOINED, Place.IN_CALL, Sound.LINK_BACK),
    **_rows((Place.IN_CALL,), Input.LINK_LOST, Place.OFFLINE, Sound.LINK_LOST),
    **_rows(_WANTED, Input.LEFT_BY_HUB, Place.LEFT, Sound.LEFT),
    **_rows(_WANTED, Input.KICKED, Place.KICKED, Sound.ERROR),
    **_rows(_WANTED, Input.WRONG_TOKEN, Place.WRONG_TOKEN, Sound.ERROR),
    **_rows(_WANTED, Input.UID_CONFLICT, Place.UID_CONFLICT, Sound.ERROR),
    **_rows((*_WANTED, *_REFUSED), Input.LEAVE, Place.LEFT, Action.LEAVE, Sound.LEFT),
    **_rows((Place.BOOT,), Input.LEAVE, Place.LEFT),
    **_rows((Place.BOOT, Place.LEFT, *_REFUSED), Input.REJOIN, Place.JOINING, Action.JOIN),
    **_rows((Place.BOOT, Place.LEFT, *_REFUSED), Input.RING, Place.JOINING, Action.JOIN),
    **{(place, Input.MOVED): (Place.JOINING, (Action.JOIN,)) for place in (*_WANTED, *_REFUSED)},
    (Place.JOINING, Input.REJOIN): (Place.JOINING, (Action.REDIAL,)),
    (Place.OFFLINE, Input.REJOIN): (Place.OFFLINE, (Action.REDIAL,)),
    (Place.JOINING, Input.RING): (Place.JOINING, (Action.REDIAL,)),
    (Place.OFFLINE, Input.RING): (Place.OFFLINE, (Action.REDIAL,)),
}

MICROPHONE: dict[tuple[Mic, Input], Mic] = {
    # Any edge closes. A second edge is a new press, which may open again when it is confirmed.
    **{(mic, edge): Mic.CLOSING for mic in (Mic.OPEN, Mic.TALKING) for edge in (Input.MUTE_EDGE, Input.TALK_EDGE)},
    **{(Mic.CLOSING, edge): Mic.MUTED for edge in (Input.MUTE_EDGE, Input.TALK_EDGE)},
    **{(Mic.CLOSING, down): Mic.MUTED for down in (Input.MUTE_DOWN, Input.TALK_DOWN)},
    # mute is a toggle
    (Mic.MUTED, Input.MUTE_DOWN): Mic.OPEN,
    # talk: a hold is momentary, a tap stays
    (Mic.MUTED, Input.TALK_DOWN): Mic.TALKING,
    (Mic.TALKING, Input.TALK_TAP): Mic.OPEN,
    (Mic.TALKING, Input.TALK_UP): Mic.MUTED,
    **{(mic, Input.MUTE): Mic.MUTED for mic in Mic},
    **{(mic, Input.UNMUTE): Mic.OPEN for mic in Mic},
    **{(mic, Input.LEAVE): Mic.MUTED for mic in (Mic.TALKING, Mic.CLOSING)},
}  # fmt: skip


def step(state: State, given: Input) -> tuple[State, Done]:
    """What becomes of a state, and what is to be done for it. Whatever is not in the tables changes nothing."""
    if given is Input.RING and state.ringing:
        given = Input.ANSWER
    place, done = PLACES.get((state.place, given), (state.place, ()))
    mic = MICROPHONE.get((state.mic, given), state.mic)
    if given is Input.ANSWER and state.ringing:
        mic = Mic.OPEN
    card_missing = given is Input.CARD_LOST or (state.card_missing and given is not Input.CARD_BACK)
    no_network = given is Input.NO_NETWORK or (state.no_network and given not in (Input.NO_HUB, Input.JOINED))
    after = State(place, mic, card_missing, no_network, _ringing(state, given, place), _calling(state, given, place))
    if after.ringing and after.microphone_open and not state.microphone_open:
        after = after._replace(ringing=False)
    return after, _what_follows(state, given, after, done)


def _ringing(state: State, given: Input, place: Place) -> bool:
    """Somebody rings until it is answered, over, or we have left the call."""
    begins = given is Input.RUNG and place is Place.IN_CALL
    return begins or (state.ringing and place is Place.IN_CALL and given not in (Input.ANSWER, Input.RING_OVER))


def _calling(state: State, given: Input, place: Place) -> bool:
    """The wish to ring lasts until the call is there, or nobody wants to join any more."""
    return place in (Place.JOINING, Place.OFFLINE) and (state.calling or given is Input.RING)


def _what_follows(before: State, given: Input, after: State, done: Done) -> Done:
    """The actions of the place, between those of the microphone: closed before anything else, opened after it."""
    first: list[Action | Sound] = []
    last: list[Action | Sound] = []
    if before.microphone_open != after.microphone_open:
        (last if after.microphone_open else first).append(
            Action.OPEN_MICROPHONE if after.microphone_open else Action.CLOSE_MICROPHONE
        )
    wanted_before, wanted = (state.mic in (Mic.OPEN, Mic.TALKING) for state in (before, after))
    if wanted_before and not wanted and before.mic is Mic.OPEN:
        last.append(Sound.MUTED)
    if after.mic is Mic.OPEN and not wanted_before:
        last.append(Sound.UNMUTED)
    if before.ringing != after.ringing:
        last.append(Action.START_RINGING if after.ringing else Action.STOP_RINGING)
    answered = before.ringing and not after.ringing and after.microphone_open and given is not Input.RING_OVER
    if answered or (before.ringing and given is Input.ANSWER):
        last.append(Action.SEND_ANSWER)
    rings_now = given is Input.RING and before.place is Place.IN_CALL
    if after.place is Place.IN_CALL and (rings_now or before.calling):
        last.append(Action.SEND_RING)
    if given is Input.CARD_LOST and not before.card_missing:
        last.append(Sound.ERROR)
    return (*first, *done, *last)


_LINK = {
    Place.BOOT: Light.BLIP, Place.JOINING: Light.FAST, Place.IN_CALL: Light.ON, Place.OFFLINE: Light.FAST,
    Place.LEFT: Light.OFF, Place.KICKED: Light.SLOW, Place.WRONG_TOKEN: Light.SLOW, Place.UID_CONFLICT: Light.SLOW,
}  # fmt: skip


def looks(state: State, *, someone_talks: bool = False, you_talk: bool = False) -> Looks:
    """The lights. someone_talks, you_talk: there is speech in what is heard, and in what is sent."""
    link = _LINK[state.place]
    if link is Light.FAST and state.no_network:
        link = Light.DOUBLE
    talk = Light.OFF
    if state.ringing:
        talk = Light.FAST
    elif someone_talks and state.place is Place.IN_CALL:
        talk = Light.ON
    elif you_talk and state.microphone_open:
        talk = Light.BLIP
    mute = Light.OFF if state.mic in (Mic.OPEN, Mic.TALKING) else Light.ON
    return Looks(link, talk, Light.FAST if state.card_missing else mute)
