"""The templates of dev, reviewed line by line when they change.

`python tests/stacks/test_snapshots.py` writes them anew; the review is the diff of that commit.
"""

import json
import sys
import tempfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "snapshots"
STACKS = ("Foundation", "Customization", "Datasets")


def text_of(assembly, stack: str) -> str:
    from synthesized import scrubbed

    template = scrubbed(assembly.template("dev", stack))
    return json.dumps(template, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("stack", STACKS)
def test_the_template_is_the_one_that_was_reviewed(assembly, stack):
    reviewed = (FOLDER / f"dev-{stack}.json").read_text(encoding="utf-8")
    assert text_of(assembly, stack).splitlines() == reviewed.splitlines(), (
        "run `python tests/stacks/test_snapshots.py` and review the difference"
    )


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(root), str(root / "constructs"), str(root / "tests" / "support")]
    from synthesized import synthesize_app

    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        made = synthesize_app(Path(scratch))
        for name in STACKS:
            (FOLDER / f"dev-{name}.json").write_text(text_of(made, name), encoding="utf-8")
