"""Requests that wait for their answer."""

from device import jsonrpc
from device.channel.requests import MAX_WAITING, Call, Requests


def call(number: int, until: float = 10.0, caller: bool = True) -> Call:
    return Call(number, "publish", {}, until, caller)


def test_an_answer_is_taken_once_by_its_number_alone() -> None:
    requests = Requests()
    requests.add(call(1))
    assert requests.take("1") is None
    assert requests.take(None) is None
    assert requests.take(2) is None
    assert requests.take(1) == call(1)
    assert requests.take(1) is None


def test_what_has_waited_too_long_comes_out_and_the_next_deadline_stays() -> None:
    requests = Requests()
    for number, until in ((1, 10.0), (2, 12.0), (3, 11.0)):
        requests.add(call(number, until))
    assert requests.expires_at() == 10.0
    assert requests.expired(9.9) == []
    assert [late.number for late in requests.expired(11.0)] == [1, 3]
    assert requests.expires_at() == 12.0
    assert [rest.number for rest in requests.clear()] == [2]
    assert requests.expires_at() == float("inf")


def test_only_callers_fill_it_and_only_theirs_survive_a_new_connection() -> None:
    requests = Requests()
    for number in range(MAX_WAITING):
        requests.add(call(number, caller=False))
    assert not requests.full()
    for number in range(MAX_WAITING):
        requests.add(call(1_000 + number))
    assert requests.full()
    requests.drop_own()
    assert len(requests.waiting) == MAX_WAITING
    assert requests.full()


def test_a_request_has_its_text() -> None:
    assert jsonrpc.parse(call(4).text) == jsonrpc.Request(4, "publish", {})
