"""What is said of a token: never what is in it, but for its times. The tokens are published test vectors of theirs."""

from pathlib import Path

import pytest

from device.doctor import token
from device.doctor.finding import Verdict

OF_006 = (
    "006970CA35de60c44645bbae8a215061b33IACV0fZUBw+72cVoL9eyGGh3Q6Poi8bgjwVLnyKSJyOXR7dIfRBXoFHlEAABAAAAR"
    "/QQAAEAAQCvKDdW"
)
OF_007 = (
    "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3"
    "b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCaiTj"
)
OF_005 = "005AQAoAEJERTJDRDdFNkZDNkU0ODYxNkYxQTYwOUVFNTM1M0U5ODNCQjFDNDQQAJcMo13mDERkW7roohUGGzOwKDdW9buDA68oN1YAAA=="


@pytest.mark.parametrize(
    ("text", "until_s"),
    [(OF_006, 1_111_111), (OF_007, 1_111_711), (OF_005, 1_446_455_772), ("006planted-secret", None)],
)
def test_until_when_it_says_it_is_valid(text: str, until_s: int | None) -> None:
    assert token.valid_until_s(text) == until_s


@pytest.mark.parametrize("text", ["006", "007", "006" + "a" * 32, OF_006[:60], OF_007[:60], "007====", "008x", "007ä"])
def test_what_cannot_be_read_is_no_defect(text: str) -> None:
    assert token.valid_until_s(text) is None


def test_one_that_has_ended_fails_and_one_that_has_not_is_fine() -> None:
    found = token.judge(OF_007, "", 1_111_712.0)
    assert (found.verdict, found.figures["valid_for_s"]) == (Verdict.FAIL, -1)
    found = token.judge(OF_007, "", 1_111_000.0)
    assert found.verdict is Verdict.OK and "valid until 1970-01-13 20:48 UTC" in found.found
    unreadable = token.judge("planted-secret", "", 0.0)
    assert unreadable.found == "there is one; until when it is valid cannot be told here"


def test_none_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    assert token.judge(*token.look("", tmp_path / "none"), 0.0).found == "none is configured"
    assert "the file is missing" in token.judge(*token.look(str(tmp_path / "none")), 0.0).found
    (tmp_path / "folder").mkdir()
    assert token.judge(*token.look(str(tmp_path / "folder")), 0.0).verdict is Verdict.WARN
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert "it is no text" in token.judge(*token.look(str(tmp_path / "bytes")), 0.0).found


def test_that_of_the_service_is_found_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "service").write_text("of-service\n")
    assert token.look("", tmp_path / "service") == ("of-service", "")
    (tmp_path / "token").write_text("of-credential")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert token.look("", tmp_path / "service") == ("of-credential", "")
