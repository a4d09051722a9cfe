"""The file with a secret."""

from pathlib import Path

import pytest

from device.hub import secret


def test_white_space_around_it_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b" 0123456789abcdef\n")
    assert secret.load(file) == b"0123456789abcdef"


@pytest.mark.parametrize("content", [b"", b"\n" * 20, b"planted-secret", b"planted" * 800])
def test_what_is_too_short_or_too_long_is_refused_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="bytes, not 16 to 1024") as refused:
        secret.load(file)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize("content", [b"planted-secret\nof two lines", b"planted\xffsecret of bytes"])
def test_what_no_header_can_carry_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="more than one line of plain characters"):
        secret.load(file)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        secret.load(tmp_path / "nowhere")
