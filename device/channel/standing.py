"""The role and the token that a seat is to have, when they are not those of its join any more. PURE.

Each is asked for by a request, whose answer settles it; until then it is asked for again at the next seat. A seat that
a hub makes anew is asked for with both. A refusal ends the wish: the role, or the token, is the one of before.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from device import jsonrpc
from device.channel import messages
from device.channel.messages import Join
from device.channel.rules import Role

_MEMBER = {messages.SET_ROLE: "role", messages.RENEW_TOKEN: "token"}


@dataclass(slots=True)
class _Wish:
    """settled: what the hub has agreed to, None where nothing was ever asked. wanted: the same, or what was asked since
    and is not answered."""

    settled: Any = field(default=None, repr=False)
    wanted: Any = field(default=None, repr=False)


class Standing:
    """One for each seat."""

    def __init__(self) -> None:
        self._wishes = {method: _Wish() for method in _MEMBER}

    def asks(self, join: Join) -> Join:
        """How to ask for the seat, which was asked for like this at first."""
        role, token = (self._wishes[method].wanted for method in _MEMBER)
        return replace(
            join, role=join.role if role is None else Role(role), token=join.token if token is None else token
        )

    def wished(self, method: str, params: jsonrpc.Params) -> None:
        """This request is made; of no concern here if it is about neither."""
        if method in _MEMBER:
            self._wishes[method].wanted = params[_MEMBER[method]]

    def agreed(self, method: str, params: jsonrpc.Params) -> None:
        """The hub has carried it out."""
        if method in _MEMBER:
            self._wishes[method].settled = params[_MEMBER[method]]

    def refused(self, method: str, params: jsonrpc.Params) -> None:
        """The hub will not."""
        if method in _MEMBER and self._wishes[method].wanted == params[_MEMBER[method]]:
            self._wishes[method].wanted = self._wishes[method].settled

    def again(self) -> list[tuple[str, jsonrpc.Params]]:
        """The requests to make at a seat: what was asked for and not agreed to."""
        return [
            (method, {_MEMBER[method]: wish.wanted})
            for method, wish in self._wishes.items()
            if wish.wanted != wish.settled
        ]

    @property
    def steps_down(self) -> bool:
        """Whether the seat is about to be an audience's, which publishes nothing."""
        role = self._wishes[messages.SET_ROLE]
        return bool(role.wanted != role.settled and role.wanted == Role.AUDIENCE)
