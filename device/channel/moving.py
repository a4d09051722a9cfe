"""When a seat that is fine where it is looks for a better place: at an earlier hub, or where the others are. PURE.

A look is one attempt beside the connection there is. Only a hub that answers it with a seat is moved to; whatever else
comes of it changes nothing. There are three reasons to look.

The hub says so (`update-url`): its process makes room for the next one, or another hub of the list is to be used. Then
at once, and again every second. Of the list it has to be: a hub cannot send us to an address that nobody has
configured. After half a minute the hub is not believed any more.

The seat is at a hub that is not the first of the list. Participants at two hubs do not hear each other, and whoever
starts now goes to the first, so what an earlier hub costs while it is away has to be weighed against somebody alone
there: one attempt every 5 s, a packet where nobody answers, against at most 6 s alone. It does not grow, as silence
costs no more on the second day; a hub that answers with a no is left alone for as long as `dialling` says: a look that
falls into that time is left out, and the next one is at the next hub. The first look comes after 1 s already: a
connection that failed while the hub was well has put us somewhere alone.

We are alone: nobody speaks where we are but us. Then later hubs are looked at, too, for company (company.py). Who has
followed the others to one goes back when they do: an empty first hub is no better place, so by himself he looks there
after 10 minutes only.

Together again: who moves gives its seat up where it was, and whoever sees somebody leave looks at once. So the first
one to find an earlier hub takes everybody along within some round trips, however their times fell. Whoever looks and
finds nothing has what he waited for before still ahead of him.

No flapping: a hub whose seat was lost within a minute is worth a longer wait each time, 10 s doubling to a minute.
Whoever starts meanwhile at the first is alone there for some 6 s, and then comes to us.
Unless we are alone where we are: then there is no conversation to disturb, and the others may be there, as it was our
own way that failed. Whoever comes meanwhile has us wait after all. And unless somebody is missing here who spoke where
the seat was lost: he may be back at that hub, and not know that he is alone, as it believes us there for up to 20 s.
Who is gone for good is missing at this seat only: the next one compares with who spoke here. Who is at the first hub
each time it is there is missing each time, and then nobody is wary: to be interrupted is less than to be apart.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from random import Random

from device.channel import address
from device.channel.address import Address
from device.channel.company import Company
from device.channel.dialling import varied

FIRST_LOOK_S, LOOK_S = 1.0, 5.0
# Everybody hears of the same thing at the same moment.
SPREAD_S = 0.05
# What an attempt needs on a long path, before there is another for the same reason.
AGAIN_S = 1.0
BELIEVED_S = 30.0
STEADY_S = 60.0
WARY_S, WARIEST_S = 10.0, 60.0
# A hub that has sent us to a later one does not want us back at once.
SENT_AWAY_S = 60.0
# Whoever has followed the others goes back when they do; this is for when none of them ever tries.
FOLLOWED_S = 600.0
_NEVER = float("inf")


class Moving:
    """hubs: the list, in order of preference.

    Looks at earlier hubs, or at the one that we are told, have this schedule; those for company have their own.
    """

    def __init__(self, hubs: Sequence[Address], random: Random) -> None:
        self._hubs = tuple(hubs)
        self._random = random
        self._hub = 0
        self._alone = False
        self._missing = set[int]()
        self._lost = False
        self._company = Company(range(0), random)
        self._told: int | None = None
        self._told_until = -_NEVER
        self._look_at = _NEVER
        self._looked_at = -_NEVER
        self._turn = 0
        self._wary_s = 0.0
        self._wary_until = -_NEVER

    def due_at(self) -> float:
        """When to look, infinity for never."""
        return self._look_at if self._told is not None else min(self._look_at, self._company.due_at)

    def look(self, now: float) -> int:
        """The hub to look at now."""
        self._looked_at, self._company.looked_at = now, None
        hub, self._told = self._told, None
        if hub is not None and now < self._told_until:
            self._told, self._look_at = hub, now + AGAIN_S
            return hub
        if hub is None and self._company.due_at < self._look_at:
            return self._company.look(now)
        if hub is None:
            hub, self._turn = self._turn % self._hub, self._turn + 1
        wary_until = now if self._alone or self._missing else self._wary_until
        self._look_at = max(now + varied(LOOK_S, self._random), wary_until) if self._hub else _NEVER
        return hub

    def is_better(self, hub: int, company: bool) -> bool:
        """Whether to stay at this hub, which was looked at and gives a seat. company: somebody speaks there."""
        return hub != self._company.looked_at or (company and self._alone)

    def seated(self, hub: int, alone: bool, now: float, missing: AbstractSet[int] = frozenset()) -> None:
        """There is a seat, at this hub. alone: nobody speaks there but us.

        missing: who spoke where we were, and does not here; whom we have left behind by a move comes after us.
        """
        sent_away_s = SENT_AWAY_S if self._told == hub != self._hub else 0.0
        followed_s = FOLLOWED_S if self._company.looked_at == hub and not alone else 0.0
        self._hub, self._alone, self._told, self._turn = hub, alone, None, 0
        self._wary_until = now + varied(max(FIRST_LOOK_S, self._wary_s, sent_away_s, followed_s), self._random)
        self._missing, self._lost = set(missing) if self._lost else set(), False
        at_once = self._missing or (alone and not sent_away_s)
        look_at = now + varied(FIRST_LOOK_S, self._random) if at_once else self._wary_until
        self._look_at = look_at if hub else _NEVER
        self._company = Company(range(hub + 1, len(self._hubs)), self._random)
        if alone:
            self._company.miss(self._wary_until if sent_away_s else now)

    def lost(self, seated_at: float, now: float) -> None:
        """The seat, or its connection, is lost."""
        steady = now - seated_at >= STEADY_S
        self._wary_s = 0.0 if steady else min(max(WARY_S, 2 * self._wary_s), WARIEST_S)
        self.left()
        self._lost = True

    def left(self) -> None:
        """There is nothing to move."""
        self._told, self._look_at, self._lost = None, _NEVER, False
        self._company = Company(range(0), self._random)

    def told(self, url: str, now: float) -> bool:
        """The hub sends us to one of the list, "" for itself. Returns whether it is one of the list."""
        hub = self._index(url)
        if hub is None:
            return False
        self._told, self._told_until = hub, now + BELIEVED_S
        self._look_at = min(self._look_at, self._soon(now))
        return True

    def somebody_came(self, uid: int) -> None:
        """There is a conversation here."""
        self._alone = False
        self._missing.discard(uid)
        self._company.stop()
        if self._told is None and not self._missing:
            self._look_at = max(self._look_at, self._wary_until)

    def somebody_left(self, alone: bool, now: float) -> None:
        """Perhaps because an earlier hub is back. alone: nobody speaks here any more but us."""
        self._alone = alone
        if alone:
            self._company.miss(now)
        else:
            self._company.stop()
        if self._told is None and self._hub:
            self._look_at = min(self._look_at, self._soon(now))

    def _index(self, url: str) -> int | None:
        if not url:
            return self._hub
        try:
            wanted = str(address.read(url))
        except ValueError:
            return None
        return next((index for index, hub in enumerate(self._hubs) if str(hub) == wanted), None)

    def _soon(self, now: float) -> float:
        return max(now + self._random.uniform(0, SPREAD_S), self._looked_at + AGAIN_S)
