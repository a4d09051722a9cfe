"""Names and numbers: what is allowed at the edges, and a sentence for everything beyond."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.channel import rules

allowed = st.text(alphabet=sorted(rules.CHANNEL_CHARACTERS), min_size=1, max_size=64)


def test_there_are_89_characters_for_channel_names() -> None:
    assert len(rules.CHANNEL_CHARACTERS) == 89


@given(allowed)
def test_every_name_of_these_characters_is_one(name: str) -> None:
    assert rules.check_channel(name) == name


@pytest.mark.parametrize("name", ["", "x" * 65, "küche", "a/b", "a\nb", "a\\b", 'a"b'])
def test_other_channel_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="channel name"):
        rules.check_channel(name)


@pytest.mark.parametrize("app_id", ["0123456789abcdef0123456789abcdef", "0123456789ABCDEF0123456789abcdef"])
def test_app_ids_are_hexadecimal(app_id: str) -> None:
    assert rules.check_app_id(app_id) == app_id


@pytest.mark.parametrize("app_id", ["", "0" * 31, "0" * 33, "g" * 32, "\u0660" * 32])
def test_other_app_ids_are_refused(app_id: str) -> None:
    with pytest.raises(ValueError, match="32 hexadecimal"):
        rules.check_app_id(app_id)


def test_certificates_are_hexadecimal() -> None:
    assert rules.check_certificate("0123456789ABCDEF0123456789abcdef") == "0123456789ABCDEF0123456789abcdef"


@pytest.mark.parametrize("certificate", ["", "0" * 31, "1" * 33, "secretsecretsecretsecretsecretse", "\u0660" * 32])
def test_another_certificate_is_refused_and_not_repeated(certificate: str) -> None:
    with pytest.raises(ValueError, match="32 hexadecimal") as refused:
        rules.check_certificate(certificate)
    assert not certificate or certificate not in str(refused.value)


@pytest.mark.parametrize("uid", [0, 1, 2**32 - 1])
def test_uids_are_unsigned_32_bit(uid: int) -> None:
    assert rules.check_uid(uid) == uid


@pytest.mark.parametrize("uid", [-1, 2**32])
def test_other_uids_are_refused(uid: int) -> None:
    with pytest.raises(ValueError, match="uid"):
        rules.check_uid(uid)


@pytest.mark.parametrize("label", ["", "kitchen", "Küche ☎", "é" * 32])
def test_labels_are_what_people_read(label: str) -> None:
    assert rules.check_label(label) == label


@pytest.mark.parametrize("label", ["x" * 65, "é" * 33, "a\nb", "\x1b[31m", "\u202e", "\ud800"])
def test_other_labels_are_refused(label: str) -> None:
    with pytest.raises(ValueError, match="label"):
        rules.check_label(label)
