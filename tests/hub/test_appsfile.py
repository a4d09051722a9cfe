"""An apps file on the disk: certificates beside it, and what cannot be read. What stands in it: test_apps.py."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device.hub import appsfile
from device.hub.apps import App, AppsError
from tests import unprivileged
from tests.hub.house import APP
from tests.hub.passes import CERTIFICATE

NAMED = f'[[app]]\napp_id = "{APP}"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    path = tmp_path / "apps.toml"
    path.write_text(f'{NAMED}certificate_file = "main.cert"\n')
    return path


@contextmanager
def as_nobody() -> Iterator[None]:
    """This process may read only what everybody may, also where it is root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(unprivileged.NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_certificate_may_stand_in_a_file_beside_it_or_anywhere(file: Path) -> None:
    (file.parent / "main.cert").write_text(f"{CERTIFICATE}\n")
    app = App(APP, (CERTIFICATE,), listed=True)
    assert appsfile.load(file).find(APP) == app
    file.write_text(f'{NAMED}certificate_file = "{file.parent / "main.cert"}"\n')
    assert appsfile.load(file).find(APP) == app


def test_each_line_begins_with_the_name_of_the_file(file: Path) -> None:
    file.write_text("[[app]]\nprofile = 7\n")
    with pytest.raises(AppsError) as refused:
        appsfile.load(file)
    assert str(refused.value).splitlines() == [
        f"{file}: [[app]] 1 profile: must be text in quotes",
        f"{file}: [[app]] 1 app_id: is missing; make one: openssl rand -hex 16",
    ]


def test_what_is_not_there_or_no_text_is_a_mistake(file: Path) -> None:
    with pytest.raises(AppsError, match="1 certificate_file: cannot be read: No such file"):
        appsfile.load(file)
    (file.parent / "main.cert").write_bytes(b"\xff" * 32)
    with pytest.raises(AppsError, match=r"1 certificate_file: is not UTF-8 text \(byte 0\)"):
        appsfile.load(file)
    with pytest.raises(AppsError, match=r"none\.toml: cannot be read: No such file"):
        appsfile.load(file.parent / "none.toml")


def test_what_this_process_may_not_read_is_no_mistake_of_the_file(file: Path) -> None:
    secret = file.parent / "main.cert"
    secret.touch()
    for closed in (secret, file):
        closed.chmod(0)
        with as_nobody(), pytest.raises(PermissionError) as refused:
            appsfile.load(file)
        assert refused.value.filename == str(closed)
