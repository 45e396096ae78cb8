"""docs/dataset-formats.md names every code that the formats' rules can give, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
RULES = sorted((ROOT / "novaline" / "datasets" / "formats").glob("*.py"))
PAGE = (ROOT / "docs" / "dataset-formats.md").read_text(encoding="utf-8")


def test_every_code_is_documented_and_every_documented_code_exists():
    source = "\n".join(path.read_text(encoding="utf-8") for path in RULES)
    given = set(re.findall(r'Flaw\(\s*"([^"]+)"', source))
    assert len(given) > 60
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE.split("## What is looked for")[1], re.MULTILINE))
    assert documented | {"format-not-for-model"} == given
