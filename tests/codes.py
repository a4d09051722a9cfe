"""The page of errors in README, drawn from `errors.TABLE`, so that the two cannot disagree.

`scripts/diagram --write` puts it there, between its two markers.
"""

from collections.abc import Iterator

from device.channel import errors

BEGIN, END = "<!-- errors -->\n", "<!-- end of errors -->\n"


def rows() -> Iterator[str]:
    """A table: code, meaning, what the client does by itself, what is left for you."""
    yield "| code | meaning | the client | left for you |"
    yield "|---|---|---|---|"
    for code, meaning in sorted(errors.TABLE.items()):
        yield f"| {code} `{meaning.name}` | {meaning.reason} | {errors.acts(code)} | {errors.left_for_you(code)} |"


def document() -> str:
    """All of it, as it stands in README."""
    return "".join(f"{row}\n" for row in rows())


def put_into(page: str) -> str:
    """The page with this between its markers."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}{document()}{END}{rest.partition(END)[2]}"
