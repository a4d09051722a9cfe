"""What all processes there were have said, by what they were."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Protocol

# Devices say everything, for who looks into a failure; counted is what they say at the shipped level.
NOT_SHIPPED = " DEBUG "
LAST_LINES = 100


class Talker(Protocol):
    """log: grows while it lives."""

    log: list[str]


class Logbook:
    """A process that comes in place of another one goes on under its name."""

    def __init__(self) -> None:
        self._logs: dict[str, list[list[str]]] = defaultdict(list)
        self._told = dict[int, int]()

    def know(self, talkers: Mapping[str, Talker]) -> None:
        """Those that there are now."""
        for name, talker in talkers.items():
            if not any(log is talker.log for log in self._logs[name]):
                self._logs[name].append(talker.log)

    def news(self) -> dict[str, list[str]]:
        """Each one's lines at the shipped level since this was asked last."""
        return {name: [line for log in logs for line in self._news(log)] for name, logs in self._logs.items()}

    def _news(self, log: list[str]) -> list[str]:
        told, self._told[id(log)] = self._told.get(id(log), 0), len(log)
        return [line for line in log[told : self._told[id(log)]] if NOT_SHIPPED not in line]

    def ends(self) -> dict[str, list[str]]:
        """The last lines of each."""
        return {name: [line for log in logs for line in log][-LAST_LINES:] for name, logs in self._logs.items()}

    def tracebacks(self) -> list[str]:
        """Whose log has one."""
        return [
            f"{name}: a traceback in its log"
            for name, logs in self._logs.items()
            if any("Traceback" in line for log in logs for line in log)
        ]
