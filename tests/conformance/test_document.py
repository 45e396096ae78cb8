"""docs/conformance.md prints every difference that is listed, and no other."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from compare import Difference
from listed import LISTED

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


def _table(differences: list[Difference]) -> str:
    rows = [
        f"| `{item.path}` | {_side(item.ours)} | {_side(item.theirs)} | {item.reason}{_where(item)} |"
        for item in differences
    ]
    return "\n".join(["| field | Novaline | SDK | why |", "|---|---|---|---|", *rows])


def _side(pattern: str | None) -> str:
    """A value that is spelled out, or that there is one."""
    if pattern is None:
        return "absent"
    plain = pattern.replace("\\.", ".").strip("'")
    return f"`{plain}`" if all(letter not in plain for letter in "\\[+") else "a value"


def _where(item: Difference) -> str:
    if item.only:
        return f" (only {', '.join(item.only)})"
    return f" (all but {', '.join(item.unless)})" if item.unless else ""


def test_the_page_prints_what_is_listed():
    text = PAGE.read_text(encoding="utf-8")
    expected = "\n\n".join(
        f"### {asked[0].upper()}{asked[1:]}\n\n{_table(list(items))}"
        for asked, items in groupby(LISTED, key=lambda item: item.asked)
    )
    printed = text.partition("## Where they differ\n\n")[2].strip()
    assert printed == expected, f"print this under `## Where they differ`:\n\n{expected}"
