"""Real-time priority: what lets sound be in time beside whatever else runs."""

import os

# Above everything ordinary, below the kernel's own interrupt threads (50).
PRIORITY = 10


def ask() -> bool:
    """SCHED_FIFO for the calling thread, where the system allows it; returns whether it does."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except PermissionError:
        return False
    return True


def give_back() -> None:
    """The calling thread is an ordinary one again."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
