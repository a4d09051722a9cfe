"""A certificate and its key are read, or refused with what is wrong."""

import ssl
from pathlib import Path

import pytest

from device.hub import tls


def test_a_certificate_and_its_key_are_a_context_and_neither_is_none(certificate: tuple[str, str]) -> None:
    assert isinstance(tls.context(*certificate), ssl.SSLContext)
    assert tls.context("", "") is None


@pytest.mark.parametrize("files", [("cert.pem", ""), ("", "key.pem")])
def test_one_without_the_other_is_refused(files: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="needs both"):
        tls.context(*files)


def test_what_is_no_pair_is_not_what_cannot_be_read(certificate: tuple[str, str], tmp_path: Path) -> None:
    cert, key = certificate
    with pytest.raises(ValueError, match="no certificate and its key"):
        tls.context(key, cert)
    with pytest.raises(OSError) as error:
        tls.context(cert, str(tmp_path / "key.pem"))
    assert (
        error.value.filename == f"{cert} or {tmp_path}/key.pem" and error.value.strerror == "No such file or directory"
    )
