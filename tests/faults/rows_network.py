"""Faults of the network between a device and everybody else, at a round trip of 40 ms."""

from .floors import bare_tcp
from .row import BACK_IN_HALF_A_SECOND, KEPT, NO_STREAM_ENDS, NOBODY_LEAVES, NOBODY_NOTICES, NOTHING_OLD, Limit, Row
from .scene import Scene

ONE_WAY_MS = 20.0
# A stream outlives the last sign of its owner by 10 s, and a seat by 20 (device/hub/limits.py); after that the others
# are told, as they should be.
STREAM_GRACE_S, SEAT_GRACE_S = 10.0, 20.0
MINUTE_S = 60.0


def far_away(scene: Scene) -> None:
    scene.net["far"].set(delay_ms=ONE_WAY_MS)


def swallow(scene: Scene) -> None:
    scene.net["far"].hole()


def let_through(scene: Scene) -> None:
    scene.net["far"].hole(False)


def black_hole(seconds: float) -> Row:
    limits: tuple[Limit, ...] = (BACK_IN_HALF_A_SECOND, NOTHING_OLD, KEPT)
    if seconds < SEAT_GRACE_S:
        limits += (NOBODY_LEAVES,)
    if seconds < STREAM_GRACE_S:
        limits += (NO_STREAM_ENDS,)
    return Row(f"black hole {seconds:g} s", seconds, swallow, let_through, limits, before=far_away)


def pull_the_cable(scene: Scene) -> None:
    scene.net["far"].link(False)


def plug_in_elsewhere(scene: Scene) -> None:
    scene.net["far"].readdress()
    scene.net["far"].link(True)


def lossy(percent: float, limits: tuple[Limit, ...]) -> Row:
    def begin(scene: Scene) -> None:
        scene.net["far"].set(loss=percent / 100)

    def end(scene: Scene) -> None:
        scene.net["far"].set(loss=0.0)

    return Row(
        f"{percent:g} % loss", MINUTE_S, begin, end, (*limits, NOTHING_OLD, KEPT, *NOBODY_NOTICES),
        runs=20, muted_too=False, before=far_away, beside=bare_tcp,
    )  # fmt: skip


def narrow(scene: Scene) -> None:
    """Of a call, 50 packets a second of 28 kbit/s and their headers, it takes not half."""
    scene.net["far"].set("up", rate_kbit=32, queue_ms=400)


def narrow_down(scene: Scene) -> None:
    """Two who talk are 120 kbit/s in packets of their own."""
    scene.net["far"].set("down", rate_kbit=80, queue_ms=400)


def widen_down(scene: Scene) -> None:
    scene.net["far"].set("down", rate_kbit=0)


def widen(scene: Scene) -> None:
    scene.net["far"].set("up", rate_kbit=0)


ROWS = (
    *(black_hole(seconds) for seconds in (2, 5, 15, 60)),
    Row(
        "interface down 30 s, new address", 30.0, pull_the_cable, plug_in_elsewhere,
        (Limit("sound_back_s", 1.0), NOTHING_OLD, KEPT), before=far_away,
    ),
    Row(
        "32 kbit/s for 30 s", 30.0, narrow, widen, (Limit("longest_gap_ms", 300), NOTHING_OLD, KEPT, *NOBODY_NOTICES),
        ways=(("far", "near"),), muted_too=False, before=far_away,
    ),
    Row(
        "80 kbit/s to a listener of two for 5 s", 5.0, narrow_down, widen_down,
        (Limit("longest_gap_ms", 1_500), Limit("unplayable_percent", 60), NOTHING_OLD, KEPT, *NOBODY_NOTICES),
        ways=(("near", "far"), ("other", "far")), muted_too=False, before=far_away,
        scene={"parties": ("near", "far", "other")},
    ),
    lossy(5, (Limit("longest_gap_ms", 400, by="p95"), Limit("longest_gap_ms", 800))),
    lossy(15, (Limit("unplayable_percent", 10, by="median"),)),
)  # fmt: skip
