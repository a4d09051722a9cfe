"""How a command ends."""

import ast

import pytest

from device import ending
from tests.test_layers import FILES, tree


@pytest.mark.parametrize(("code", "told"), [((), 1), ((ending.WRONG,), 2)])
def test_it_ends_with_one_line_and_its_code(
    capsys: pytest.CaptureFixture[str], code: tuple[int, ...], told: int
) -> None:
    with pytest.raises(SystemExit) as ended:
        ending.end("no intercom is running", *code)
    assert ended.value.code == told
    assert capsys.readouterr() == ("", "intercomd: no intercom is running\n")


def test_no_command_has_exit_codes_of_its_own() -> None:
    """They are documented once, in README, and written once."""
    names, commands = {"DONE", "FAILED", "WRONG"}, [file for file in FILES if "/" not in file]
    writers = {
        file for file in commands for node in ast.walk(tree(file))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in names
    }  # fmt: skip
    assert writers == {"ending.py"}
