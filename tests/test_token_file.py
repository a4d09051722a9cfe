"""The token of a device: in a file that somebody else writes, or in systemd's credential."""

from pathlib import Path

import pytest

from device.channel.errors import LOGIN_FAILED, ChannelError
from device.token_file import TokenFile


def test_without_a_file_and_without_a_credential_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert (TokenFile("").read(), TokenFile("").news()) == (None, None)


def test_another_one_is_news_once_and_what_is_being_written_is_none(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first\n")
    file = TokenFile(str(path))
    assert (file.read(), file.news()) == ("first", None)
    path.write_text("")
    assert file.news() is None
    path.write_text("second\n")
    assert (file.news(), file.news()) == ("second", None)
    path.unlink()
    assert file.news() is None
    path.write_text("second\n")
    assert file.news() is None


def test_one_that_cannot_be_read_is_an_error_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"geheim \xff")
    with pytest.raises(ChannelError, match="it is no text") as error:
        TokenFile(str(path)).read()
    assert error.value.code == LOGIN_FAILED and "geheim" not in repr(error.value)


def test_one_that_is_kept_from_it_says_who_has_to_be_let(closed: str) -> None:
    with pytest.raises(ChannelError, match="Permission denied; the user that intercomd runs as") as error:
        TokenFile(closed).read()
    assert error.value.code == LOGIN_FAILED
