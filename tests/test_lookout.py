"""How often is looked: soon after something has begun, and seldom while nothing happens."""

import asyncio
from collections.abc import Iterator

import pytest

from device import lookout
from device.lookout import Lookout
from tests.timing import seconds


class Scene:
    """What there is to see, and when it was looked at."""

    def __init__(self) -> None:
        self.calm = True
        self.looks: asyncio.Queue[float] = asyncio.Queue()
        self.lookout = Lookout(self.look)

    def look(self) -> bool:
        self.looks.put_nowait(asyncio.get_running_loop().time())
        return self.calm

    async def next(self) -> float:
        return await asyncio.wait_for(self.looks.get(), seconds(5))


@pytest.fixture
async def scene() -> Iterator[Scene]:  # type: ignore[misc]
    scene = Scene()
    yield scene
    scene.lookout.stop()


async def test_while_something_happens_it_looks_often(scene: Scene) -> None:
    scene.calm = False
    scene.lookout.start()
    first, second, third = [await scene.next() for _ in range(3)]
    assert lookout.OFTEN_S <= second - first < lookout.SELDOM_S
    assert lookout.OFTEN_S <= third - second < lookout.SELDOM_S


async def test_while_nothing_happens_it_looks_seldom(scene: Scene) -> None:
    scene.lookout.start()
    assert await scene.next() + lookout.SELDOM_S <= await scene.next()


async def test_what_begins_is_seen_soon_and_only_once(scene: Scene) -> None:
    scene.lookout.start()
    first = await scene.next()
    for _ in range(3):
        scene.lookout.stir()
    second, third = await scene.next(), await scene.next()
    assert lookout.OFTEN_S <= second - first < lookout.SELDOM_S
    assert third - second >= lookout.SELDOM_S


async def test_what_nobody_is_to_wait_for_is_looked_at_at_once(scene: Scene) -> None:
    scene.lookout.start()
    first = await scene.next()
    scene.lookout.now()
    second = await scene.next()
    assert second - first < lookout.OFTEN_S
    assert await scene.next() - second >= lookout.SELDOM_S, "and then as before"


async def test_after_the_end_nothing_stirs_it(scene: Scene) -> None:
    scene.lookout.start()
    await scene.next()
    scene.lookout.stop()
    scene.lookout.stir()
    scene.lookout.now()
    await asyncio.sleep(2 * lookout.OFTEN_S)
    assert scene.looks.empty()
