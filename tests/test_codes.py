"""The page of errors in README is that of the table."""

from device.channel import errors
from tests import codes, diagram


def test_readme_has_every_code_as_the_table_has_it() -> None:
    page = diagram.README.read_text("utf-8")
    shown = page.partition(codes.BEGIN)[2].partition(codes.END)[0]
    assert shown == codes.document(), "scripts/diagram --write puts it right"
    assert codes.put_into(page) == page


def test_every_row_says_what_happens_and_what_is_left_to_do() -> None:
    for code, meaning in errors.TABLE.items():
        row = next(row for row in codes.rows() if row.startswith(f"| {code} `{meaning.name}` |"))
        assert all(cell.strip() for cell in row.strip("|").split("|"))
