"""How a light blinks. PURE."""

from enum import StrEnum


class Pattern(StrEnum):
    """What one light does, for as long as it has this pattern."""

    OFF = "off"
    ON = "on"
    SLOW = "slow"
    FAST = "fast"
    BLIP = "blip"
    DOUBLE = "double"
    TRIPLE = "triple"
    QUADRUPLE = "quadruple"
    LONG = "long"


# How long it is on, off, on, ... in ms, again and again.
STEPS_MS: dict[Pattern, tuple[int, ...]] = {
    Pattern.SLOW: (800, 800),
    Pattern.FAST: (120, 120),
    Pattern.BLIP: (60, 1_940),
    Pattern.DOUBLE: (100, 150, 100, 1_150),
    Pattern.TRIPLE: (100, 150, 100, 150, 100, 1_150),
    Pattern.QUADRUPLE: (100, 150, 100, 150, 100, 150, 100, 1_150),
    Pattern.LONG: (2_000, 400),
}


def is_on(pattern: Pattern, at_ms: int) -> bool:
    """Whether it shines so long after its pattern began."""
    return pattern is Pattern.ON or (pattern in STEPS_MS and _step(pattern, at_ms)[0] % 2 == 0)


def next_change_ms(pattern: Pattern, at_ms: int) -> int | None:
    """When it changes next, counted from when its pattern began; None for never."""
    return at_ms + _step(pattern, at_ms)[1] if pattern in STEPS_MS else None


def _step(pattern: Pattern, at_ms: int) -> tuple[int, int]:
    """Which of its steps it is at, and for how much longer."""
    steps = STEPS_MS[pattern]
    number, left_ms = 0, steps[0] - at_ms % sum(steps)
    while left_ms <= 0:
        number += 1
        left_ms += steps[number]
    return number, left_ms
