"""What scripts/install says to wrong flags, and how it changes a configuration, without installing anything."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests import unprivileged
from tests.daemon import ROOT
from tests.timing import seconds


def install(*flags: str) -> subprocess.CompletedProcess[str]:
    """scripts/install, run by an ordinary user: it cannot go on to change this machine."""
    command = [*unprivileged.drop(), str(ROOT / "scripts" / "install"), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds(30))


@pytest.mark.parametrize(
    ("flags", "mistake"),
    [
        (["--hubb", "ws://x"], "--hubb: there is no such flag"),
        (["kitchen"], "kitchen: there is no such flag"),
        (["--label"], "--label needs a value"),
        (["--label", ""], "--label needs a value"),
        (["--with-hub", "--uninstall"], "--with-hub and --uninstall exclude each other"),
        (["--uninstall", "--label", "x"], "--uninstall takes no other flags"),
        (["--hub-only", "--hub", "ws://x"], "with --hub-only this box is the hub: --hub and --ca are for the others"),
    ],
)
def test_a_wrong_flag_is_answered_with_what_there_is(flags: list[str], mistake: str) -> None:
    said = install(*flags)
    assert (said.returncode, said.stdout) == (2, "")
    first, second, *_ = said.stderr.splitlines()
    assert first == f"scripts/install: {mistake}"
    assert second.startswith("usage: sudo scripts/install [--with-hub |")


def test_help_is_about_the_script_and_names_every_flag() -> None:
    said = install("--help")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("Makes this machine an intercom")
    usage = install("--nothing").stderr
    for flag in {word.strip("[].;") for word in usage.splitlines()[1:] for word in word.split() if "--" in word}:
        assert flag in said.stdout or flag == "--help"


def test_an_ordinary_user_is_told_the_command_that_works() -> None:
    said = install("--label", "two words", "--with-hub")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "This needs root:    sudo scripts/install --label two\\ words --with-hub\n"


def configure(folder: Path, script: str) -> str:
    """What a piece of bash prints in scripts/configure, where $draft is folder/draft."""
    lines = f"set -eEuo pipefail; etc={folder} draft={folder}/draft; declare -A given=(); . scripts/configure; {script}"
    done = subprocess.run(
        ["bash", "-c", lines], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds(30)
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


FILE = """\
# mine
[channel]
  app_id="00000000000000000000000000000000"   # of the house
hub = [
    "ws://one:8800",
    "ws://two:8800",
]
name = 'lobby'

# The kitchen's card.
[audio]  # sound
capture = "default"
"""


@pytest.mark.parametrize(
    ("section", "key", "text"),
    [
        ("channel", "app_id", "f" * 32),
        ("channel", "hub", "ws://three:8800"),
        ("channel", "name", "a b!#$%&()+-:;<=.>?@[]^_{}|~,"),
        ("channel", "label", 'K\u00fcche "links" \\ rechts & mehr'),
        ("audio", "capture", "plughw:CARD=Device"),
        ("audio", "playback", "plughw:CARD=Device"),
        ("hub", "listen", "0.0.0.0:8800"),
    ],
)
def test_one_key_changes_and_everything_else_stays(tmp_path: Path, section: str, key: str, text: str) -> None:
    draft = tmp_path / "draft"
    draft.write_text(FILE)
    configure(tmp_path, f"set_key {section} {key} \"$(toml '{text}')\"")
    expected = tomllib.loads(FILE)
    expected.setdefault(section, {})[key] = text
    assert tomllib.loads(draft.read_text()) == expected
    kept = [line for line in FILE.splitlines() if line and key not in line and not line.startswith(("    ", "]"))]
    assert [line for line in draft.read_text().splitlines() if line in kept] == kept
    once = draft.read_text()
    configure(tmp_path, f"set_key {section} {key} \"$(toml '{text}')\"")
    assert draft.read_text() == once


@pytest.mark.parametrize(
    ("cards", "chosen", "said"),
    [
        ({"vc4hdmi0": ["pcm0p"], "Device": ["pcm0c", "pcm0p"]}, "Device", "The sound card is Device."),
        ({"vc4hdmi0": ["pcm0p"]}, "", "It takes the default sound card; --card chooses one, of those here: none yet"),
        (
            {"A": ["pcm0c", "pcm0p"], "B": ["pcm0c", "pcm0p"]},
            "",
            "It takes the default sound card; --card chooses one, of those here: A B",
        ),
    ],
)
def test_the_only_card_that_hears_and_speaks_is_chosen(
    tmp_path: Path, cards: dict[str, list[str]], chosen: str, said: str
) -> None:
    for number, (name, pcms) in enumerate(cards.items()):
        for pcm in pcms:
            (tmp_path / f"card{number}" / pcm).mkdir(parents=True)
        (tmp_path / f"card{number}" / "id").write_text(f"{name}\n")
    printed = configure(tmp_path, f"asound={tmp_path}; choose_card; echo ${{given[card]-}}")
    assert printed.splitlines() == [said, chosen]
