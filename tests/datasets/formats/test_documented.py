"""The pages name every code that the formats' rules can give, and that broken lines can; and no other rule."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
FORMATS = ROOT / "novaline" / "datasets" / "formats"
LINES = FORMATS / "broken_lines.py"
RULES = sorted(set(FORMATS.glob("*.py")) - {LINES})
ABOUT_LINES = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "dataset-formats.md").read_text(encoding="utf-8")


def test_every_code_is_documented_and_every_documented_code_exists():
    source = "\n".join(path.read_text(encoding="utf-8") for path in RULES)
    given = set(re.findall(r'Flaw\(\s*"([^"]+)"', source))
    assert len(given) > 60
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE.split("## What is looked for")[1], re.MULTILINE))
    assert documented | {"format-not-for-model"} == given


def test_every_code_of_a_broken_line_is_documented():
    given = set(re.findall(r'Flaw\(\s*"([^"]+)"', LINES.read_text(encoding="utf-8")))
    assert len(given) > 8
    documented = ABOUT_LINES.split("### In a line")[1].split("### ")[0]
    assert {code for code in given if f"`{code}`" not in documented} == set()
