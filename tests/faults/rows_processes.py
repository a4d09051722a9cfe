"""Faults of the processes: a hub that crashes or stands still, a hub that dies for good, a listener that stops."""

import signal
from typing import Any

from . import dated
from .row import BACK_IN_HALF_A_SECOND, KEPT, NOBODY_NOTICES, NOTHING_OLD, Limit, Row
from .scene import Scene


def nothing(scene: Scene) -> None:
    """The fault is for ever, or over by itself."""


def kill_the_hub(scene: Scene) -> None:
    scene.hubs[0].kill()


def swallow_the_first_hub(scene: Scene) -> None:
    """Nothing of its machine answers any more, and nobody is told: no RST, no ICMP."""
    scene.net["first hub"].hole()


def stop_the_hub(scene: Scene) -> None:
    scene.hubs[0].send_signal(signal.SIGSTOP)


def wake_the_hub(scene: Scene) -> None:
    scene.hubs[0].send_signal(signal.SIGCONT)


def restart_as_planned(scene: Scene) -> None:
    scene.hubs[0].reload()


def stop_the_listener(scene: Scene) -> None:
    scene["far"].daemon.send_signal(signal.SIGSTOP)


def wake_the_listener(scene: Scene) -> None:
    scene["far"].daemon.send_signal(signal.SIGCONT)


def planned_restart(name: str, secure: bool) -> Row:
    """It lasts until everybody has moved to the new process."""
    limits = (Limit("longest_gap_ms", 500), NOTHING_OLD, KEPT, *NOBODY_NOTICES)
    return Row(name, 3.0, restart_as_planned, nothing, limits, scene={"secure": secure})


# What the others hear of it: nothing. A process that has to wait for a core is heard as a concealed packet now and
# then, whatever else happens: a gap of 20 ms, and what the buffer moves then. So: never two packets in a row, and
# nothing that is longer than what the same others have without any fault, in as long a time of the same runs.
LESS_THAN_TWO_PACKETS = Limit("others_gap_ms", 2 * dated.FRAME_MS - 1)
NO_MORE_THAN_WITHOUT = Limit("others_gap_ms", 5.0, beyond="floor_others_gap_ms")
A_MINUTE_OF_THREE: dict[str, Any] = {
    "ways": (("near", "far"),), "bystanders": (("near", "other"), ("other", "near")), "muted_too": False,
    "scene": {"parties": ("near", "far", "other")},
}  # fmt: skip

# Nobody says that a machine is dead: to be noticed, doubted and left behind takes longer than tests listen otherwise.
NOTICED_S = 5.0

ROWS = (
    Row(
        "hub killed and restarted", 2.0, kill_the_hub, Scene.restart_hub,
        (Limit("sound_back_s", 1.0), NOTHING_OLD, KEPT, *NOBODY_NOTICES),
    ),
    planned_restart("hub restarted as planned", secure=False),
    planned_restart("hub restarted as planned, TLS", secure=True),
    Row("hub stopped 10 s", 10.0, stop_the_hub, wake_the_hub),
    # The others cannot but notice: the second hub has never heard of anybody.
    Row(
        "first hub dies, second lives", 0.0, kill_the_hub, nothing,
        (Limit("sound_back_s", 2.0), NOTHING_OLD, KEPT), scene={"hubs": 2},
    ),
    # It ends nothing that it has died: from then on is counted. Who talks sees within half a second that nothing is
    # acknowledged; who is muted sends a ping when nothing has come for a second, and waits for its answer.
    Row(
        "first hub's machine dies, second lives", 0.0, swallow_the_first_hub, nothing,
        (Limit("sound_back_s", 3.0), NOTHING_OLD, KEPT), scene={"hubs": 2, "first_apart": True}, settles_s=NOTICED_S,
    ),
    Row("device stopped 4 s", 4.0, stop_the_listener, wake_the_listener),
    # What this machine does to a call without any fault: no limit on `others_gap_ms`, see NO_MORE_THAN_WITHOUT.
    Row("no fault for 60 s", 60.0, nothing, nothing, (NOTHING_OLD, KEPT, *NOBODY_NOTICES), **A_MINUTE_OF_THREE),
    # The others cannot but notice that one has left, after the 20 s for which a seat outlives its owner.
    Row(
        "listener stopped 60 s", 60.0, stop_the_listener, wake_the_listener,
        (BACK_IN_HALF_A_SECOND, NOTHING_OLD, KEPT, LESS_THAN_TWO_PACKETS, NO_MORE_THAN_WITHOUT), floor=True,
        **A_MINUTE_OF_THREE,
    ),
)  # fmt: skip
