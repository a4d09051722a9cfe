"""What is done to a scene, without one."""

from typing import cast

from tests.faults.scene import Scene
from tests.wallclock import DAY_S

from .plan import WALL_CLOCK, Episode, Fault
from .timeline import steps


class Recorder:
    """A scene that notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[float] = []

    def set_wall_clock(self, ahead_s: float) -> None:
        self.done.append(ahead_s)


def test_a_wall_clock_is_set_a_day_ahead_then_a_day_back_and_in_the_end_right() -> None:
    scene = Recorder()
    todo = steps(cast(Scene, scene), Episode((Fault(WALL_CLOCK, "all", 1.0, 4.0),)))
    for step in todo:
        step.act()
    assert [step.at_s for step in todo] == [1.0, 3.0, 5.0]
    assert scene.done == [DAY_S, -DAY_S, 0]
