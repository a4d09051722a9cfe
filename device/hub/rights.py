"""What a seat may do, and until when: its role, and what its token gives it. PURE.

Tokens are dated by the wall clock. It is looked at once, when a token is taken; from then on the monotonic clock
counts, so that nobody in a call notices what is done to the other one.

    WILL_EXPIRE_S before the right to join ends    token-privilege-will-expire
    when it ends                                   token-privilege-did-expire
    EXPIRED_GRACE_S later                          the seat is given up, unless a new token has come

The end of the token itself changes nothing for who is in: it only opens no door any more. The right to publish counts
where its App asks for it (co_host), and the stream ends with it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from device import jsonrpc
from device.channel import messages
from device.channel.rules import Role

# As long before the end as the documented SDKs say it.
WILL_EXPIRE_S = 30.0
# Who hears that it has expired asks for a new token somewhere, renews, and is still in his seat: time for a new
# connection to a far server, and too little to matter to whoever wanted the end.
EXPIRED_GRACE_S = 5.0
# The same token looked at a second time ends at the same time, as far as two clocks tell.
_SAME_S = 1.0


@dataclass(frozen=True, slots=True)
class Rights:
    """Of one seat. join_until, publish_until: in monotonic seconds, infinity for ever. told: which of the two notices
    its holder has had."""

    role: Role = Role.BROADCASTER
    join_until: float = math.inf
    publish_until: float = math.inf
    told: str = ""

    def or_better(self, admit: Callable[[], "Rights"], now: float) -> "Rights":
        """Those of who comes back to his seat with a token: of the token where it gives more, else those that he has.

        Raises JsonRpcError, that of `admit`, where he has none any more and the token is not good.
        """
        try:
            new = replace(admit(), role=self.role)
        except jsonrpc.JsonRpcError:
            if not self.may_stay(now):
                raise
            return self
        longer = new.join_until > self.join_until + _SAME_S or new.publish_until > self.publish_until + _SAME_S
        return new if longer else self

    def may_stay(self, now: float) -> bool:
        """Whether the right to join goes on."""
        return now < self.join_until

    def may_publish(self, now: float) -> bool:
        """Whether the token says so; the role is another matter."""
        return now < self.publish_until

    def are_over(self, now: float) -> bool:
        """Whether the seat is to be given up."""
        return now >= self.join_until + EXPIRED_GRACE_S

    def notice(self, now: float) -> str:
        """What its holder is to be told now, "" for nothing."""
        if not self.may_stay(now):
            return "" if self.told == messages.TOKEN_DID_EXPIRE else messages.TOKEN_DID_EXPIRE
        if now >= self.join_until - WILL_EXPIRE_S and not self.told:
            return messages.TOKEN_WILL_EXPIRE
        return ""
