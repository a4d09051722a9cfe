"""How many files this process may have open: each connection is one."""

import logging
import resource

logger = logging.getLogger(__name__)

# Beside one for each connection: the listening socket, the loop, the log, connections that are on their way out.
SPARE_FILES = 200


def allow(connections: int) -> None:
    """Have room for so many. Systems allow 1,024 by default and more on request; who is not given it is told."""
    wanted = connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < wanted:
            logger.warning("this system allows %d open files: a full hub needs %d", allowed, wanted)
