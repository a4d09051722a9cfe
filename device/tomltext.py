"""TOML as people write it: what is wrong with a text, in words, and what was probably meant. PURE."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from typing import Any


def parse(text: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises ValueError with where it is none, and why."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).rstrip(")").rpartition(" (at ")
        where = where.replace("end of document", f"line {text.count(chr(10)) + 1}, the end")
        raise ValueError(f"{where}: is not TOML: {what}") from error
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise ValueError(f"is no TOML that can be read: {error}") from error


def toml(value: object) -> str:
    """A value as TOML writes it: as JSON does, but for DEL, which TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def masked(url: str) -> str:
    """A hub's URL as people may see it."""
    return re.sub(r"\?.*", "?***", re.sub(r"//[^/]*@", "//***@", url))


_KINDS = {bool: "true or false", int: "a whole number", str: "text in quotes", list: "a list of texts"}


def _anything(_: Any) -> None:
    """A check that refuses nothing."""


def check_type(
    default: object,
    value: object,
    check: Callable[[Any], object] = _anything,
    mend: Callable[[str], str] = str,
) -> None:
    """Raises ValueError with what is wrong with the type of a value, and what was probably meant.

    check: raises ValueError for a value that nobody can have meant, as it would be the next mistake. mend: makes one
    of a list's texts of what stands there without brackets.
    """
    kind = type(default)
    if type(value) is kind and not (isinstance(value, list) and any(type(item) is not str for item in value)):
        return
    meant: object = None
    if kind is str and type(value) in (int, float):
        meant = str(value)
    elif kind is int and re.fullmatch(r"-?\d{1,10}(\.0*)?", str(value)):
        meant = int(float(str(value)))
    elif kind is list and isinstance(value, str):
        meant = [mend(value)]
    told = ""
    if meant is not None and _passes(check, meant):
        told = f"; did you mean {toml([masked(text) for text in meant] if isinstance(meant, list) else meant)}?"
    raise ValueError(f"must be {_KINDS[kind]}{told}")


def _passes(check: Callable[[Any], object], value: object) -> bool:
    try:
        check(value)
    except ValueError:
        return False
    return True


def did_you_mean(word: str, known: Iterable[str], shape: str = "{}") -> str:
    """What to add to a message about a word that is not known; "" where nothing like it is."""
    import difflib  # only a mistake needs it, and every start would pay for it

    known = list(known)
    close = difflib.get_close_matches(word, known, 1) or [name for name in known if name.startswith(f"{word}_")]
    return f"; did you mean {shape.format(close[0])}?" if close else ""


def one_line(text: str) -> str:
    """A message that quotes what somebody has written: nothing in it begins a line or moves a cursor."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
