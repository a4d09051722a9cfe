"""What README shows is run as it stands there."""

import asyncio
import json
import re
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from device.hub.webhooks import signatures
from device.hubapp import Hub
from tests import unprivileged
from tests.box import folder
from tests.daemon import APP_ID, ROOT, free_port
from tests.hub.guest import guest
from tests.hub.office import SECRET, office
from tests.soundcard import quality, speech
from tests.timing import seconds


def block(language: str, about: str = "") -> str:
    """The first one in this language that has this word."""
    found = re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    return str(next(text for text in found if about in text))


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """Where a hub may write that is not root."""
    with folder() as path:
        yield path


def test_what_people_type_to_try_the_library_makes_two_hear_each_other(own_folder: Path) -> None:
    """As it stands there, but for the port."""
    (own_folder / "example.py").write_text(block("python", "asyncio"))
    lines = block("sh", "example.py").replace("8802", str(free_port()))
    lines = lines.replace(" & HUB=$!\n", " & HUB=$!\nsleep 2\n")  # what typing the next line takes
    (own_folder / ".venv").symlink_to(sys.prefix)
    subprocess.run(
        [*unprivileged.drop(), "bash", "-euc", lines], cwd=own_folder, check=True, timeout=seconds(60),
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    with wave.open(str(own_folder / "said.wav")) as file:
        said = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    saved = sorted(path.name.partition("-")[0] for path in own_folder.glob("*-*.wav"))
    assert saved == ["back", "front"]
    sentence = speech.speech(3).sentences[1]  # who comes later misses something of the first
    for path in own_folder.glob("*-*.wav"):
        with wave.open(str(path)) as file:
            heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert quality.compare(sentence.text, said[sentence.first_frame : sentence.end_frame], heard).stoi > 0.9


@pytest.mark.parametrize(
    ("app_id", "said"),
    [("f" * 32, "this hub does not serve this App ID"), ("kitchen", "Invalid appId")],
)
async def test_the_example_ends_in_one_line_where_the_app_id_is_wrong(tmp_path: Path, app_id: str, said: str) -> None:
    (tmp_path / "example.py").write_text(block("python", "asyncio"))
    async with Hub("127.0.0.1:0", app_ids=[APP_ID]) as hub:
        running = await asyncio.create_subprocess_exec(
            sys.executable, "example.py", hub.url, app_id, "said.wav", "heard",
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
        )  # fmt: skip
        _, told = await asyncio.wait_for(running.communicate(), seconds(20))
    *log, line = told.decode().splitlines()
    assert running.returncode == 1 and line.startswith(f"example.py: {said}")
    assert all(hub.url in logged for logged in log), "no traceback"


def test_the_example_with_too_few_arguments_says_how_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(block("python", "asyncio"))
    said = subprocess.run(
        [sys.executable, "example.py", "ws://127.0.0.1:1"], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=seconds(30),
    )  # fmt: skip
    assert said.returncode == 1 and said.stderr == "usage: example.py HUB APP_ID SAID.wav HEARD\n"


async def test_H11_H12_what_administrators_type_does_what_it_says(tmp_path: Path) -> None:
    """As it stands there, but for sudo, the port, and where secret and configuration are."""
    (tmp_path / "intercom.toml").write_text(f'[channel]\napp_id = "{APP_ID}"\n')
    async with office(tmp_path) as hub, guest(hub.url) as someone:
        await someone.join(7)
        lines = block("bash", "kicking-rule").replace("http://127.0.0.1:8801", hub.api_url)
        first, ban, back = lines.rpartition("\nask ")
        lines = f"{first}\nsleep 1{ban}{back}"  # an hour later, say
        lines = lines.replace("sudo ", "").replace("/etc/intercomd/api.secret", f"{tmp_path}/{SECRET}.file")
        lines = lines.replace("/etc/intercomd/intercom.toml", f"{tmp_path}/intercom.toml")
        typing = await asyncio.create_subprocess_exec(
            "bash", "-euc", lines.replace("ask http", "echo; ask http"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(typing.communicate(), seconds(20))
        assert typing.returncode == 0, said.decode()
        there, banned, back = (json.loads(line) for line in said.decode().split("\n")[1:])
        assert there["data"]["broadcasters"] == [7]
        assert banned == back == {"status": "success", "id": 1}
        assert (await someone.closed())[0] == 4003


def test_H12_H13_the_keys_that_administrators_write_are_keys(tmp_path: Path) -> None:
    from device import config

    file, secrets = tmp_path / "intercom.toml", tmp_path / "x.secret"
    secrets.write_text("0123456789abcdef0123456789abcdef")
    text = re.sub(r"/etc/intercomd/\w+\.secret", str(secrets), block("toml", "api_listen"))
    file.write_text(text)
    hub = config.load(file, needs_app_id=False).hub
    assert (hub.api_listen, hub.webhook_url) == ("127.0.0.1:8801", "https://example.org/intercom")


def test_H13_the_check_of_a_signature_knows_ours_and_no_other() -> None:
    names: dict[str, object] = {}
    exec(block("python", "Agora-Signature"), names)
    check, body, secret = (
        names["is_from_our_hub"],
        json.dumps(json.loads(block("json", "noticeId"))).encode(),
        b"a secret",
    )
    assert callable(check)
    assert check(body, signatures(secret, body), secret + b"\n"), "as a file has it"
    assert not check(body, {}, secret)
    assert not check(body + b" ", signatures(secret, body), secret)
    assert not check(body, signatures(b"another", body), secret)
