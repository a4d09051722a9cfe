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
    BANNED = "banned"
    WRONG_TOKEN = "wrong token"
    UID_CONFLICT = "uid conflict"


class Mic(StrEnum):
    """What the person wants of the microphone."""

    OPEN = "open"
    TALKING = "talking"  # for as long as the button is held
    LET_GO = "let go"  # muted since it is not, perhaps for a moment only
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
    BANNED = "banned"
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
    SPEAKER_LOST = "speaker lost"
    SPEAKER_BACK = "speaker back"
    # buttons
    MUTE_EDGE = "mute edge"
    MUTE_DOWN = "mute down"
    TALK_EDGE = "talk edge"
    TALK_DOWN = "talk down"
    TALK_TAP = "talk tap"
    TALK_UP = "talk up"
    TALK_AGAIN = "talk again"
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
    TRIPLE = "triple"
    QUADRUPLE = "quadruple"
    LONG = "long"


class Looks(NamedTuple):
    """The three lights."""

    link: Light
    talk: Light
    mute: Light


class State(NamedTuple):
    """The appliance. calling: it rings as soon as it is in the call. ringing: somebody rings at it.

    card_missing: that of the microphone. listens_only: nothing opens the microphone, ever.
    """

    place: Place = Place.BOOT
    mic: Mic = Mic.OPEN
    card_missing: bool = False
    speaker_missing: bool = False
    no_network: bool = False
    ringing: bool = False
    calling: bool = False
    listens_only: bool = False

    @property
    def muted(self) -> bool:
        """Whether the microphone is off, wherever the seat and the card are."""
        return self.listens_only or self.mic not in (Mic.OPEN, Mic.TALKING)

    @property
    def microphone_open(self) -> bool:
        """Whether what it hears is sent."""
        return self.place is Place.IN_CALL and not self.muted and not self.card_missing


Done = tuple[Action | Sound, ...]
Rows = dict[tuple[Place, Input], tuple[Place, Done]]

_WANTED = (Place.JOINING, Place.IN_CALL, Place.OFFLINE)
REFUSED = (Place.KICKED, Place.BANNED, Place.WRONG_TOKEN, Place.UID_CONFLICT)


def _rows(places: tuple[Place, ...], given: Input, then: Place, *done: Action | Sound) -> Rows:
    return {(place, given): (then, done) for place in places if place is not then}


PLACES: Rows = {
    **_rows((Place.BOOT,), Input.START_JOINED, Place.JOINING, Action.JOIN),
    **_rows((Place.BOOT,), Input.START_LEFT, Place.LEFT),
    **_rows((Place.JOINING, *REFUSED), Input.JOINED, Place.IN_CALL, Sound.JOINED),
    **_rows((Place.OFFLINE,), Input.JOINED, Place.IN_CALL, Sound.LINK_BACK),
    **_rows((Place.IN_CALL,), Input.LINK_LOST, Place.OFFLINE, Sound.LINK_LOST),
    **_rows(_WANTED, Input.LEFT_BY_HUB, Place.LEFT, Sound.LEFT),
    **_rows(_WANTED, Input.KICKED, Place.KICKED, Sound.ERROR),
    **_rows((*_WANTED, Place.KICKED, Place.WRONG_TOKEN), Input.BANNED, Place.BANNED, Sound.ERROR),
    **_rows((*_WANTED, Place.KICKED, Place.BANNED), Input.WRONG_TOKEN, Place.WRONG_TOKEN, Sound.ERROR),
    **_rows((*_WANTED, *REFUSED), Input.UID_CONFLICT, Place.UID_CONFLICT, Sound.ERROR),
    **_rows((*_WANTED, *REFUSED), Input.LEAVE, Place.LEFT, Action.LEAVE, Sound.LEFT),
    **_rows((Place.BOOT,), Input.LEAVE, Place.LEFT),
    **_rows((Place.BOOT, Place.LEFT, *REFUSED), Input.REJOIN, Place.JOINING, Action.JOIN),
    **_rows((Place.BOOT, Place.LEFT, *REFUSED), Input.RING, Place.JOINING, Action.JOIN),
    **{(place, Input.MOVED): (Place.JOINING, (Action.JOIN,)) for place in (*_WANTED, *REFUSED)},
    (Place.JOINING, Input.REJOIN): (Place.JOINING, (Action.REDIAL,)),
    (Place.OFFLINE, Input.REJOIN): (Place.OFFLINE, (Action.REDIAL,)),
    (Place.JOINING, Input.RING): (Place.JOINING, (Action.REDIAL,)),
    (Place.OFFLINE, Input.RING): (Place.OFFLINE, (Action.REDIAL,)),
}

_EDGES = (Input.MUTE_EDGE, Input.TALK_EDGE)
_DOWNS = (Input.MUTE_DOWN, Input.TALK_DOWN)

MICROPHONE: dict[tuple[Mic, Input], Mic] = {
    # Any edge closes. A second edge is a new press, which may open again when it is confirmed.
    **{(mic, edge): Mic.CLOSING for mic in (Mic.OPEN, Mic.TALKING) for edge in _EDGES},
    **{(mic, edge): Mic.MUTED for mic in (Mic.CLOSING, Mic.LET_GO) for edge in _EDGES},
    **{(mic, down): Mic.MUTED for mic in (Mic.OPEN, Mic.TALKING, Mic.CLOSING) for down in _DOWNS},
    # mute is a toggle
    **{(mic, Input.MUTE_DOWN): Mic.OPEN for mic in (Mic.MUTED, Mic.LET_GO)},
    # talk: a hold is momentary, a tap stays
    **{(mic, Input.TALK_DOWN): Mic.TALKING for mic in (Mic.MUTED, Mic.LET_GO)},
    (Mic.TALKING, Input.TALK_TAP): Mic.OPEN,
    (Mic.TALKING, Input.TALK_UP): Mic.LET_GO,
    (Mic.LET_GO, Input.TALK_AGAIN): Mic.TALKING,
    **{(mic, Input.MUTE): Mic.MUTED for mic in Mic},
    **{(mic, Input.UNMUTE): Mic.OPEN for mic in Mic},
    **{(mic, Input.LEAVE): Mic.MUTED for mic in (Mic.TALKING, Mic.LET_GO, Mic.CLOSING)},
}


def step(state: State, given: Input) -> tuple[State, Done]:
    """What becomes of a state, and what is to be done for it. Whatever is not in the tables changes nothing."""
    if given is Input.RING and state.ringing:
        given = Input.ANSWER
    place, done = PLACES.get((state.place, given), (state.place, ()))
    after = state._replace(
        place=place,
        mic=_mic(state, given),
        card_missing=_missing(state.card_missing, given, Input.CARD_LOST, Input.CARD_BACK),
        speaker_missing=_missing(state.speaker_missing, given, Input.SPEAKER_LOST, Input.SPEAKER_BACK),
        no_network=_missing(state.no_network, given, Input.NO_NETWORK, Input.NO_HUB, Input.JOINED),
        ringing=_ringing(state, given, place),
        calling=_calling(state, given, place),
    )
    if state.muted and not after.muted:  # whoever opens it while it rings, answers
        after = after._replace(ringing=False)
    return after, _what_follows(state, given, after, done)


def _mic(state: State, given: Input) -> Mic:
    if state.listens_only:
        return state.mic
    if given is Input.ANSWER and state.ringing:
        return Mic.OPEN
    return MICROPHONE.get((state.mic, given), state.mic)


def _missing(before: bool, given: Input, lost: Input, *back: Input) -> bool:
    return given is lost or (before and given not in back)


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
    if after.muted and not before.muted and before.mic is Mic.OPEN:
        last.append(Sound.MUTED)
    if before.muted and not after.muted and after.mic is Mic.OPEN:
        last.append(Sound.UNMUTED)
    if before.ringing != after.ringing:
        last.append(Action.START_RINGING if after.ringing else Action.STOP_RINGING)
    if before.ringing and (given is Input.ANSWER or (before.muted and not after.muted)):
        last.append(Action.SEND_ANSWER)
    rings_now = given is Input.RING and before.place is Place.IN_CALL
    if after.place is Place.IN_CALL and (rings_now or before.calling):
        last.append(Action.SEND_RING)
    if given is Input.CARD_LOST and not before.card_missing:
        last.append(Sound.ERROR)
    return (*first, *done, *last)


_LINK = {
    Place.BOOT: Light.BLIP, Place.JOINING: Light.FAST, Place.IN_CALL: Light.ON, Place.OFFLINE: Light.FAST,
    Place.LEFT: Light.OFF, Place.KICKED: Light.SLOW, Place.BANNED: Light.LONG, Place.WRONG_TOKEN: Light.TRIPLE,
    Place.UID_CONFLICT: Light.QUADRUPLE,
}  # fmt: skip


def looks(state: State, *, someone_talks: bool = False, you_talk: bool = False) -> Looks:
    """The lights. someone_talks, you_talk: there is speech in what is heard, and in what is sent."""
    link = _LINK[state.place]
    if link is Light.FAST and state.no_network:
        link = Light.DOUBLE
    if state.ringing:
        talk = Light.FAST
    elif state.speaker_missing:
        talk = Light.SLOW
    elif someone_talks and state.place is Place.IN_CALL:
        talk = Light.ON
    else:
        talk = Light.BLIP if you_talk and state.microphone_open else Light.OFF
    mute = Light.ON if state.muted else Light.OFF
    return Looks(link, talk, Light.FAST if state.card_missing else mute)
