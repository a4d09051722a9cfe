"""An address has its share of each turn of the loop, and those who have used least of it go first."""

from dataclasses import dataclass, field

import pytest

from device.hub.turns import HALF_LIFE_S, QUANTUM_S, Account, Share


@dataclass
class Loop:
    """Turns of 10 ms, and who was served in the last one."""

    now_s: float = 0.0
    asked: list[Share] = field(default_factory=list)
    served: list[str] = field(default_factory=list)

    def share(self) -> Share:
        return Share(self.asked.append)

    def turn(self) -> list[str]:
        asked, self.asked[:] = self.asked.copy(), []
        self.served.clear()
        self.now_s += 0.01
        for share in asked:
            share.next_turn()
        return self.served.copy()

    def send(self, share: Share, name: str, account: Account, costs_s: float) -> None:
        """Something comes from this one, as a connection takes it."""

        def serve() -> None:
            self.served.append(name)
            share.spent(account, costs_s, self.now_s)

        serve() if share.may_go_on() else share.wait(account, serve, self.now_s)


def test_who_costs_little_is_never_made_to_wait() -> None:
    loop = Loop()
    share, account = loop.share(), Account()
    for _ in range(10):
        for _ in range(9):
            loop.send(share, "call", account, QUANTUM_S / 10)
        assert loop.served == ["call"] * 9
        assert loop.turn() == [] and share.may_go_on()
    assert loop.turn() == [] and loop.asked == [], "an idle hub has nothing to do"


def test_what_is_beyond_the_share_of_a_turn_waits_for_the_next_ones() -> None:
    loop = Loop()
    share, other = loop.share(), loop.share()
    for name in "abcdef":
        loop.send(share, name, Account(), QUANTUM_S / 2)
    loop.send(other, "elsewhere", Account(), QUANTUM_S / 2)
    assert loop.served == ["a", "b", "elsewhere"]
    assert loop.turn() == ["c", "d"]
    loop.send(share, "g", Account(), 0.0)
    assert loop.turn() == ["e", "f"]
    assert loop.turn() == ["g"] and loop.turn() == [] and loop.asked == []


def test_a_call_beside_a_flood_from_the_same_address_goes_first() -> None:
    loop = Loop()
    share, call, floods = loop.share(), Account(), [Account() for _ in range(50)]
    for flood in floods:
        loop.send(share, "flood", flood, QUANTUM_S)
    for _ in range(60):
        loop.turn()
    for flood in floods:
        loop.send(share, "flood", flood, QUANTUM_S)
    for _ in range(5):
        loop.send(share, "call", call, QUANTUM_S / 50)
        assert loop.turn()[0] == "call"


def test_what_was_used_is_forgotten_by_and_by() -> None:
    account = Account()
    account.add(0.004, 10.0)
    assert account.used_s(10.0 + HALF_LIFE_S) == pytest.approx(0.002)
    account.add(0.002, 10.0 + HALF_LIFE_S)
    assert account.used_s(10.0 + 2 * HALF_LIFE_S) == pytest.approx(0.002)
    assert account.used_s(10.0 + 20 * HALF_LIFE_S) < 1e-8
