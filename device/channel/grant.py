"""What a token allows its holder in one channel, and until when.

All times are seconds since 1970. Something is allowed until just before its end: at the end it is over.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

FOREVER = math.inf
# The longest life of a token of 006 and 007, and of a privilege in it that has an end, whatever they say of themselves.
DAY_S = 86_400


class Privilege(IntEnum):
    """What the published builders call the privileges of a channel, with their numbers in 006 and 007."""

    JOIN = 1
    PUBLISH_AUDIO = 2
    PUBLISH_VIDEO = 3
    PUBLISH_DATA = 4


PRIVILEGES: Mapping[int, Privilege] = {int(privilege): privilege for privilege in Privilege}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a hub may let the holder do.

    usable_until_s: until when it opens the door; who is in stays after that. ends_s: the end of each privilege that
    was given, FOREVER for one without.
    """

    usable_until_s: float
    ends_s: Mapping[Privilege, float]

    def until_s(self, privilege: Privilege) -> float:
        """The end of a privilege; 0 for one that was not given."""
        return self.ends_s.get(privilege, 0.0)

    def may(self, privilege: Privilege, now_s: float) -> bool:
        return now_s < self.until_s(privilege)

    @property
    def joined_until_s(self) -> float:
        """When the holder is to be put out."""
        return self.until_s(Privilege.JOIN)

    @property
    def publish_until_s(self) -> float:
        """When the holder is not to be heard any more; only with co-host authentication does a hub look at it."""
        return self.until_s(Privilege.PUBLISH_AUDIO)


# Where an App has no certificate, its App ID suffices.
WITHOUT_CERTIFICATE = Grant(FOREVER, dict.fromkeys(Privilege, FOREVER))
