"""When whoever is alone looks where the others are. PURE.

To be alone is to have a seat where nobody speaks but us. Then the hubs after ours are looked at, too, in turn; `moving`
looks at the earlier ones anyhow. A later one is a better place only if somebody speaks there, and still nobody here; if
not, its seat is given back, as it is worth no more than ours.

From the first hub the first of these looks comes after 5 s, not sooner: whoever is alone at the second looks here after
1 s, and the two must not change places. From the second it comes after 10 s, as whoever is alone at the third looks
here after 1 s or 6 s, and so on. Then they come less and less often, down to one in 10 minutes: mostly nobody is
anywhere, and a hub that answers has to give a seat, and tell of it, each time. It costs little: whoever starts looks
soon, and so does whoever sees somebody leave; and those at a later hub look here every 5 s unless they have no way, or
are wary and miss nobody.
"""

from random import Random

from device.channel.dialling import varied

FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 600.0
_NEVER = float("inf")


class Company:
    """later: the hubs after ours. `looked_at`: the one that is looked at for company only, if there is one."""

    def __init__(self, later: range, random: Random) -> None:
        self._later, self._random = later, random
        self.looked_at: int | None = None
        self.due_at = _NEVER
        self._turn = 0
        self._pause_s = FIRST_PAUSE_S

    def miss(self, since: float) -> None:
        """We are alone from now on, or once more. What is due sooner stays so."""
        self._pause_s = FIRST_PAUSE_S * self._later.start
        if self._later:
            self.due_at = min(self.due_at, since + varied(self._pause_s, self._random))

    def look(self, now: float) -> int:
        """The hub to look at now."""
        self.looked_at, self._turn = self._later[self._turn % len(self._later)], self._turn + 1
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self.due_at = now + varied(self._pause_s, self._random)
        return self.looked_at

    def stop(self) -> None:
        """There is somebody. A look that is under way is still one for company."""
        self.due_at = _NEVER
