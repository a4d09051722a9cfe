"""scripts/diagram: what README shows of the appliance, drawn from its tables, so that the two cannot disagree.

Without an argument it prints all of it; with --write it puts it into README, between its two markers, and the page of
errors (`tests/codes.py`) between its own.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from device import config
from device.audio.tones import NOTES, Tone
from device.call import PLACES, Input, Light, Looks, Mic, Place, State, looks
from device.panel.lights import STEPS_MS, Pattern
from tests import codes

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- scripts/diagram -->\n", "<!-- end of scripts/diagram -->\n"

# The 40-pin header of every Raspberry Pi since the B+: BCM numbers by the pins of the header.
HEADER = {
    3: 2, 5: 3, 7: 4, 8: 14, 10: 15, 11: 17, 12: 18, 13: 27, 15: 22, 16: 23, 18: 24, 19: 10, 21: 9, 22: 25, 23: 11,
    24: 8, 26: 7, 27: 0, 28: 1, 29: 5, 31: 6, 32: 12, 33: 13, 35: 19, 36: 16, 37: 26, 38: 20, 40: 21,
}  # fmt: skip
GROUND = (6, 9, 14, 20, 25, 30, 34, 39)
# Not wired by default; these pins are free on most boards.
ALSO = {"talk": 23, "call": 24}

# Every input of the table that people or the hub give; the others move nothing that is drawn.
_WORDS = {
    Input.START_JOINED: 'start = "joined"', Input.START_LEFT: 'start = "left"', Input.MOVED: "another [channel]",
    Input.RING: "call",
}  # fmt: skip
_GROUPS = {
    "wanted": (Place.JOINING, Place.IN_CALL, Place.OFFLINE),
    "refused": (Place.KICKED, Place.BANNED, Place.WRONG_TOKEN, Place.UID_CONFLICT),
}
_CALL = State(Place.IN_CALL)
_LIGHTS: tuple[tuple[str, str, Looks], ...] = (
    ("link", "in the call", looks(_CALL)),
    ("link", "joining, or the link is lost: no hub answers", looks(State(Place.JOINING))),
    ("link", "this machine has no network", looks(State(Place.OFFLINE, no_network=True))),
    ("link", "put out of the channel; tries again after a minute", looks(State(Place.KICKED))),
    ("link", "banned by whoever runs the hub", looks(State(Place.BANNED))),
    ("link", "wrong token, or a hub that does not know this App ID", looks(State(Place.WRONG_TOKEN))),
    ("link", "another box has its uid; stays away until told to rejoin", looks(State(Place.UID_CONFLICT))),
    ("link", "left", looks(State(Place.LEFT))),
    ("link", "starting", looks(State(Place.BOOT))),
    ("talk", "someone is talking", looks(_CALL, someone_talks=True)),
    ("talk", "you are talking", looks(_CALL, you_talk=True)),
    ("talk", "somebody rings", looks(_CALL._replace(ringing=True))),
    ("talk", "the speaker's sound card is missing", looks(_CALL._replace(speaker_missing=True))),
    ("mute", "the microphone is off", looks(_CALL._replace(mic=Mic.MUTED))),
    ("mute", "the microphone is on", looks(_CALL)),
    ("mute", "the microphone's sound card is missing", looks(_CALL._replace(card_missing=True))),
)
_TONES = {
    Tone.JOINED: "joined", Tone.LEFT: "left", Tone.LINK_LOST: "the link is lost", Tone.LINK_BACK: "the link is back",
    Tone.MUTED: "muted", Tone.UNMUTED: "unmuted", Tone.RING: "somebody rings", Tone.ERROR: "something is wrong",
}  # fmt: skip


def states() -> Iterator[str]:
    """A state diagram in Mermaid: where the seat is. What moves a whole group is one arrow; what stays is none."""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {_name(Place.BOOT)}"
    for group, places in _GROUPS.items():
        yield f"    state {group} {{"
        for place in places:
            yield f'        state "{place.value}" as {_name(place)}'
        yield "    }"
    for (before, after), inputs in _arrows().items():
        words = ", ".join(_WORDS.get(given, given.value) for given in inputs)
        yield f"    {before} --> {_name(after)}: {words}"
    yield "```"


def _arrows() -> dict[tuple[str, Place], list[Input]]:
    moves = {(before, given): after for (before, given), (after, _) in PLACES.items() if before is not after}
    arrows: dict[tuple[str, Place], list[Input]] = {}
    for (before, given), after in moves.items():
        group = next((name for name, places in _GROUPS.items() if before in places), "")
        together = group and all(moves.get((place, given)) is after for place in _GROUPS[group] if place != after)
        inputs = arrows.setdefault((group if together else _name(before), after), [])
        if given not in inputs:
            inputs.append(given)
    return arrows


def lights() -> Iterator[str]:
    """A table: light, what it does, what that means."""
    yield "| light | does | means |"
    yield "|---|---|---|"
    for light, means, shown in _LIGHTS:
        yield f"| {light} | {does(getattr(shown, light))} | {means} |"


def does(light: Light) -> str:
    """A pattern in words."""
    steps = STEPS_MS.get(Pattern(light.value))
    if steps is None:
        return f"is {light.value}"
    ons = " and again ".join(f"{ms / 1_000:g} s" for ms in steps[::2])
    return f"{light.value}: on for {ons}, every {sum(steps) / 1_000:g} s"


def tones() -> Iterator[str]:
    """A table: what is heard, and what that means."""
    yield "| tone | means |"
    yield "|---|---|"
    for tone, means in _TONES.items():
        hertz = [f"{hertz:.0f}" for hertz, _ in NOTES[tone] if hertz]
        heard = f"{hertz[0]} and {hertz[1]} Hz in turns" if len(hertz) > 6 else f"{', '.join(hertz)} Hz"
        yield f"| {heard} | {means} |"


def wiring() -> Iterator[str]:
    """The header with what is wired to it by default, and two buttons more."""
    used = _used()
    yield "```"
    for odd in range(5, 41, 2):
        left, right = _label(odd, used), _label(odd + 1, used)
        if left or right:
            yield f"{left:>36}  {odd:>2} | {odd + 1:<2}  {right}".rstrip()
    yield ""
    yield "    button:  pin ----[ button ]---- GND            light:  pin ----[ 330 ohms ]----|>|---- GND"
    yield "```"


def _used() -> dict[int, str]:
    """What is at each BCM number."""
    defaults = config.load(config.DEFAULTS, needs_app_id=False)
    buttons, lamps = defaults.buttons, defaults.lights
    wired = {getattr(buttons, name): f"{name} button" for name in ("mute", "leave", "rejoin")}
    wired |= {pin: f"{name} button (set {name} = {pin})" for name, pin in ALSO.items()}
    return wired | {getattr(lamps, name): f"{name} light" for name in ("link", "talk", "mute")}


def _label(pin: int, used: dict[int, str]) -> str:
    if pin in GROUND:
        return "GND"
    what = used.get(HEADER.get(pin, -1))
    if what is None:
        return ""
    gpio = f"GPIO{HEADER[pin]}"
    return f"{what} - {gpio}" if pin % 2 else f"{gpio} - {what}"


def _name(place: Place) -> str:
    return place.value.replace(" ", "_")


def document() -> str:
    """Everything, as it stands in README."""
    parts = (
        ("Wiring, by the pins of the header (BCM numbers are what `[buttons]` and `[lights]` take):", wiring()),
        ("The lights:", lights()),
        ("The tones, which are quiet, can be switched off (`[tones]`), and are never sent to others:", tones()),
        ("Where the box is, and what moves it on:", states()),
    )
    return "\n".join("\n".join((f"{title}\n", *lines, "")) for title, lines in parts)


def main(arguments: list[str]) -> int:
    """Exit code 0, or 2 for wrong usage."""
    if arguments not in ([], ["--write"]):
        print("usage: scripts/diagram [--write]", file=sys.stderr)
        return 2
    if arguments:
        before, _, rest = README.read_text("utf-8").partition(BEGIN)
        page = f"{before}{BEGIN}{document()}{END}{rest.partition(END)[2]}"
        README.write_text(codes.put_into(page), "utf-8")
    else:
        print(document(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
