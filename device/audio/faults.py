"""How a sound card is, and what can be wrong with it, named by what to do next.

pyalsaaudio's errors carry a text and no number (libraries differ in nothing but the text of strerror), so the text is
what tells the kinds apart.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CardStatus:
    """What one direction is doing. state: "opening", "running", "stalled", or that of the CardError."""

    state: str
    device: str
    xruns: int
    realtime: bool


class CardError(Exception):
    """A card that cannot be used now; the text ends in what to do about it. `state` names the kind in one word."""

    state = "failing"


class CardBusy(CardError):
    """Another program holds the card; it is free as soon as that program ends."""

    state = "busy"


class CardGone(CardError):
    """There is no such card, or no longer; plug it in, or name another."""

    state = "absent"


class CardDenied(CardError):
    """The user of this process may not open sound cards."""

    state = "denied"


class CardSuspended(CardError):
    """The machine sent the card to sleep; opened again it works."""

    state = "suspended"


class CardStalled(CardError):
    """The card is open and its clock stands still; opened again it may run."""

    state = "stalled"


class CardUnsupported(CardError):
    """The card is there but grants something else than 48 kHz mono s16le."""

    state = "unsupported"


class Outage:
    """One outage of one card, from the first error to the first sound: what of it is said aloud."""

    def __init__(self, began_ns: int) -> None:
        self.began_ns = began_ns
        self._said: set[str] = set()
        self._last = ""

    def is_news(self, state: str) -> bool:
        """Whether an error of this state is one: the first of all, and another kind once it has come twice in a row.

        A card that is plugged in is denied for as long as udev takes to let the group in: nobody has to act on that.
        """
        news = state not in self._said and (not self._said or state == self._last)
        self._last = state
        if news:
            self._said.add(state)
        return news


def fault(device: str, text: str, holder: str = "") -> CardError:
    """The error that stands for libasound's text about this device. holder: the program that has it, if it is known."""
    if "busy" in text:
        return CardBusy(f"{device} is used by {holder or 'another program'}; stop that program")
    if "Streams pipe" in text:
        return CardSuspended(f"{device} was sent to sleep with this machine; it is opened again")
    if "ermission" in text or "not permitted" in text:
        return CardDenied(f"{device} may not be opened; add the user to group audio")
    if "No such" in text or "nknown" in text:
        return CardGone(f"there is no sound card {device}; plug it in, or name another in [audio]")
    return CardError(f"{device} fails ({text}); if it stays so, unplug it and plug it in again")


def stalled(device: str) -> CardStalled:
    """The error for a card that is open and does not move."""
    return CardStalled(f"{device} stands still; if it stays so, unplug it and plug it in again")


def too_fast(device: str) -> CardUnsupported:
    """The error for what gives more sound than time passes."""
    return CardUnsupported(
        f'{device} is no microphone: it gives sound too fast; name another, or set role = "audience" in [channel]'
    )


def unsupported(device: str, rate_hz: int, channels: int, sample_format: str, buffer_frames: int) -> CardUnsupported:
    """The error for a card that opened, and grants something that cannot be used."""
    return CardUnsupported(
        f"{device} grants {rate_hz} Hz, {channels} channel(s), {sample_format}, a buffer of {buffer_frames} frames; "
        "name it as plughw:CARD=..., which converts to 48000 Hz mono S16_LE"
    )
