"""What one check came to. PURE."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


_WORDS = {Verdict.OK: "ok", Verdict.WARN: "warn", Verdict.FAIL: "FAIL"}


@dataclass(frozen=True, slots=True)
class Finding:
    """check: what was looked at. found: what was seen. remedy: what to do, "" where nothing is to be done.

    figures: numbers and names that a program may want, with their units in their names.
    """

    check: str
    verdict: Verdict
    found: str
    remedy: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> str:
        """As people read it: one line, whatever is in it."""
        text = f"{self.check}: {self.found}" + (f"; {self.remedy}" if self.remedy else "")
        return f"{_WORDS[self.verdict]:<4}  " + "".join(letter if letter.isprintable() else "?" for letter in text)

    def members(self) -> dict[str, Any]:
        """As programs read it."""
        return {
            "check": self.check, "verdict": self.verdict.value, "found": self.found, "remedy": self.remedy,
            **self.figures,
        }  # fmt: skip


def exit_code(findings: Sequence[Finding]) -> int:
    """0 when nothing failed, 1 when something did."""
    return int(any(finding.verdict is Verdict.FAIL for finding in findings))
