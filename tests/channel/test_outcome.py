"""What a call comes to, for whoever awaits it and for callbacks."""

import asyncio
import logging
from typing import Any

import pytest

from device.channel import errors
from device.channel.errors import ChannelError
from device.channel.outcome import Done, Outcome, failed
from tests.timing import seconds


async def turn() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


def pending() -> "asyncio.Future[Any]":
    return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(("value", "arguments"), [(None, ()), (7, (7,)), (("url", 0), ("url", 0)), ("url", ("url",))])
async def test_A28_on_success_gets_the_value_and_whoever_awaits_gets_it_too(value: Any, arguments: Any) -> None:
    future, got = pending(), list[Any]()
    outcome: Outcome[Any] = Outcome("join", future, lambda *given: got.append(given), None)
    assert not outcome.done()
    future.set_result(value)
    assert got == [], "later, on the loop"
    assert await outcome == value
    assert outcome.done()
    await turn()
    assert got == [arguments]


async def test_A28_on_failure_gets_the_error_and_whoever_awaits_gets_it_too(caplog: pytest.LogCaptureFixture) -> None:
    got = list[ChannelError]()
    outcome: Outcome[Any] = Outcome("join", failed(ChannelError(errors.LOGIN_FAILED)), None, got.append)
    with pytest.raises(ChannelError):
        await outcome
    await turn()
    assert [error.code for error in got] == [errors.LOGIN_FAILED]
    assert caplog.records == []


async def test_A28_a_failure_that_nobody_hears_of_is_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    Outcome("publish", failed(ChannelError(errors.OUT_OF_ORDER, "join first")), None, None)
    await turn()
    assert [record.getMessage() for record in caplog.records] == ["publish: join first (434)"]


async def test_A28_one_that_is_awaited_by_way_of_another_task_is_not(caplog: pytest.LogCaptureFixture) -> None:
    outcome: Outcome[Any] = Outcome("publish", failed(ChannelError(errors.OUT_OF_ORDER)), None, None)
    assert isinstance((await asyncio.gather(outcome, return_exceptions=True))[0], ChannelError)
    await turn()
    assert caplog.records == []


async def test_A28_a_callback_that_raises_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    future = pending()
    outcome: Outcome[Any] = Outcome("leave", future, lambda: 1 / 0, None)
    future.set_result(None)
    await outcome
    await turn()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "leave: on_success" in caplog.text


async def test_A28_one_that_is_cancelled_tells_nobody() -> None:
    told, future = list[Any](), pending()
    outcome: Outcome[Any] = Outcome("join", future, told.append, told.append)
    outcome.cancel()
    await turn()
    assert told == [] and future.cancelled()


async def test_A28_cancelling_who_awaits_it_cancels_it() -> None:
    future = pending()
    outcome: Outcome[Any] = Outcome("join", future, None, None)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds(0.01)):
            await outcome
    assert future.cancelled()


def test_A28_what_needs_no_loop_is_done_at_once() -> None:
    told = list[str]()
    done = Done("init", lambda: told.append("init"))
    assert done.done() and told == ["init"]
    done.cancel()


async def test_A28_and_may_be_awaited() -> None:
    await Done("init", None)
