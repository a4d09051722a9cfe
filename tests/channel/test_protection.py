"""What is sent beside a packet, by how many are lost."""

import pytest

from device.channel.protection import LESS_AFTER_S, Protected, Protection


@pytest.mark.parametrize(
    ("percent", "protected"),
    [(0, Protected()), (1, Protected(10, 0)), (4, Protected(10, 0)), (5, Protected(0, 1)), (19, Protected(0, 1)),
     (20, Protected(0, 2)), (100, Protected(0, 2))],
)  # fmt: skip
def test_more_losses_more_of_it(percent: int, protected: Protected) -> None:
    assert Protection().looked(percent, 0.0) == protected


def test_more_comes_at_once_and_less_one_step_at_a_time() -> None:
    protection = Protection()
    protection.looked(2, 0.0)
    assert protection.looked(30, 1.0) == Protected(0, 2)
    told = [protection.looked(0, 2.0 + second) for second in range(40)]
    assert list(dict.fromkeys(told)) == [Protected(0, 2), Protected(0, 1), Protected(10, 0), Protected()]
    assert told.count(Protected(0, 1)) == LESS_AFTER_S


def test_one_loss_more_and_it_stays() -> None:
    protection = Protection()
    for second in range(100):
        assert protection.looked(6 if second % 9 == 0 else 0, float(second)) == Protected(0, 1)


@pytest.mark.parametrize(
    ("protected", "bitrate"),
    [(Protected(), 28_000), (Protected(10), 32_000), (Protected(0, 1), 20_000), (Protected(0, 2), 16_000)],
)
def test_what_is_sent_more_than_once_is_sent_in_fewer_bits_but_never_in_fewer_than_opus_has(
    protected: Protected, bitrate: int
) -> None:
    assert protected.bitrate(28_000) == bitrate
    assert protected.bitrate(6_000) >= 6_000
