"""LOG: what the client does, in the lines and levels of the documented SDK, on top of the module logging.

    LOG.on_log = print                      also spelt onLog, and onlog as its documentation has it
    LOG.set_log_level(-1)                   also spelt setLogLevel

Until one of the two is used nothing of logging is changed. From then on lines go to `on_log`, and to the handlers that
the program has given to logging, if any; `set_log_level` also is the level of the logger "device.channel".
"""

import logging
import time
from collections import deque
from collections.abc import Callable

from device.channel.handlers import run

LOGGER = logging.getLogger("device.channel")

# By level of the SDK: the level of logging from which on lines are told. -1 is "blind", which tells everything.
_FROM = {-1: 1, 0: logging.DEBUG, 1: logging.INFO, 2: logging.WARNING, 3: logging.ERROR, 4: logging.CRITICAL + 1}
DEFAULT = 3
# The SDK keeps 50,000 lines; a device has less memory, and these are half an hour of its worst.
KEPT_LINES = 2_000
BATCH_LINES = 500

OnLog = Callable[[str], object]


class _Log(logging.Handler):
    """There is one, `LOG`; `levels` and lines are those of the SDK."""

    def __init__(self) -> None:
        super().__init__(_FROM[DEFAULT])
        self._on_log: OnLog | None = None
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._telling = False
        self.setFormatter(_Formatter())

    @property
    def on_log(self) -> OnLog | None:
        """Called with each line, None for nobody. What it logs itself is not told to it."""
        return self._on_log

    @on_log.setter
    def on_log(self, on_log: OnLog | None) -> None:
        self._on_log = on_log
        LOGGER.addHandler(self)

    onLog = onlog = on_log

    def set_log_level(self, level: int) -> None:
        """-1 everything, 0 debug, 1 info, 2 warnings, 3 errors (the default), 4 nothing. Raises ValueError."""
        if isinstance(level, bool) or not isinstance(level, int) or level not in _FROM:
            raise ValueError("Invalid level")
        self.setLevel(_FROM[level])
        LOGGER.addHandler(self)
        LOGGER.setLevel(_FROM[level])

    setLogLevel = set_log_level

    def upload_logs(self, upload: Callable[[list[str]], object]) -> None:
        """Hand the lines since the last time over, the oldest first, in batches of at most 500.

        There is no service that they would go to: where they go is up to `upload`. The last 2,000 are kept for it.
        """
        lines = list(self._lines)
        self._lines.clear()
        for first in range(0, len(lines), BATCH_LINES):
            upload(lines[first : first + BATCH_LINES])

    uploadLogs = upload_logs

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        if self._telling:
            return
        self._telling = True
        try:
            line = self.format(record)
            self._lines.append(line)
            if self._on_log is not None:
                run("LOG", self._on_log, line)
        finally:
            self._telling = False


class _Formatter(logging.Formatter):
    """date[LEVEL]: text"""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        self.converter = time.gmtime
        super().__init__("%(asctime)s[%(level)s]: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line, the level as the SDK calls it."""
        record.level = "WARN" if record.levelno == logging.WARNING else record.levelname
        return super().format(record)


LOG = _Log()
