"""Real-time priority of a thread, where this machine grants it; what is said of it is in ../doctor/test_realtime.py."""

import os
import threading

from device.audio import realtime


def allowed() -> bool:
    """Whether this machine lets a thread of ours have it, whatever ours does to get it."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def test_it_is_of_the_calling_thread_alone_and_can_be_given_back() -> None:
    seen: list[tuple[bool, bool, int, int]] = []

    def work() -> None:
        may = allowed()
        granted = realtime.ask()
        during = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        realtime.give_back()
        seen.append((may, granted, during, os.sched_getscheduler(0)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    ((may, granted, during, after),) = seen
    assert granted is may
    assert during == (os.SCHED_FIFO if granted else os.SCHED_OTHER)
    assert after & ~os.SCHED_RESET_ON_FORK == os.SCHED_OTHER
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
