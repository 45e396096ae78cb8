"""Whether a file's function keeps the contract of a reward: read off its definition, never by running it."""

from pathlib import Path

import pytest

from novaline.findings import NovalineError
from novaline.own_code.signature import signature
from novaline.own_code.source import read_source

IMPORT = "from novaline.rewards import Rollout, Score\n"
FOR_CHECKERS = """\
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from novaline.rewards import Rollout
def score(rollout: "Rollout") -> float: ...
"""


def source_of(tmp_path: Path, text: str):
    path = tmp_path / "tone.py"
    path.write_text(text, encoding="utf-8")
    return read_source(path)


def taken(tmp_path: Path, text: str, name: str = "score"):
    return signature(source_of(tmp_path, text), name)


def findings_of(tmp_path: Path, text: str, name: str = "score"):
    with pytest.raises(NovalineError) as caught:
        taken(tmp_path, text, name)
    return caught.value.findings


@pytest.mark.parametrize(
    "definition",
    [
        IMPORT + "def score(rollout: Rollout) -> float: ...",
        IMPORT + "def score(rollout: Rollout) -> int: ...",
        IMPORT + "def score(rollout: Rollout, /) -> Score: ...",
        IMPORT + "def score(rollout: 'Rollout') -> 'float | Score': ...",
        IMPORT + "from typing import Union\ndef score(r: Rollout) -> Union[float, Score]: ...",
        "from novaline.rewards import Rollout as R\ndef score(r: R) -> float: ...",
        "import novaline.rewards\ndef score(r: novaline.rewards.Rollout) -> novaline.rewards.Score: ...",
        "import novaline.rewards as nr\ndef score(r: nr.Rollout) -> nr.Score: ...",
        "from novaline import rewards\ndef score(r: rewards.Rollout) -> float: ...",
        "from novaline.rewards.contract import Rollout\ndef score(r: Rollout) -> float: ...",
        FOR_CHECKERS,
        "import functools\n" + IMPORT + "@functools.cache\ndef score(rollout: Rollout) -> float: ...",
        IMPORT
        + "def score(rollout: Rollout) -> float:\n    def numbers():\n        yield 1\n    return sum(numbers())",
    ],
)
def test_every_way_to_write_the_contract_is_taken(tmp_path, definition):
    assert taken(tmp_path, definition).required == frozenset()


def test_options_are_the_parameters_after_the_rollout(tmp_path):
    text = IMPORT + "def score(rollout: Rollout, words: int, least: int = 1, *, most: int, case=True) -> float: ..."
    found = taken(tmp_path, text)
    assert found.required == {"words", "most"}
    assert found.optional == {"least", "case"}
    assert not found.any_option
    assert taken(tmp_path, IMPORT + "def score(r: Rollout = None, **options) -> float: ...").any_option


@pytest.mark.parametrize(
    ("definition", "about", "place"),
    [
        ("def score() -> float: ...", "takes no rollout", (2, 1)),
        ("def score(*, rollout: Rollout) -> float: ...", "takes no rollout", (2, 1)),
        ("def score(rollout) -> float: ...", "the first parameter, rollout, has no type", (2, 11)),
        ("def score(rollout: dict) -> float: ...", "the first parameter, rollout, is dict, not Rollout", (2, 20)),
        ("def score(rollout: Rollout | None) -> float: ...", "is Rollout | None, not Rollout", (2, 20)),
        ("def score(rollout: Rollout, other, /) -> float: ...", "other can be given by position only", (2, 29)),
        ("def score(rollout: Rollout, *rest) -> float: ...", "*rest takes what is never given", (2, 30)),
        ("def score(rollout: Rollout): ...", "does not say what it answers", (2, 1)),
        ("def score(rollout: Rollout) -> str: ...", "answers str, and a reward is a float or a Score", (2, 32)),
        ("def score(rollout: Rollout) -> float | None: ...", "answers None", (2, 40)),
        ("def score(rollout: Rollout) -> bool: ...", "answers bool", (2, 32)),
        ("def score(rollout: Rollout) -> list[float]: ...", "answers list[float]", (2, 32)),
        ("async def score(rollout: Rollout) -> float: ...", "is an async function", (2, 1)),
        ("def score(rollout: Rollout) -> float:\n    yield 1", "yields", (3, 5)),
        ("score = lambda rollout: 1.0", "is not defined by `def`", (2, 1)),
        ("class score: ...", "is not defined by `def`", (2, 1)),
        ("def scores(rollout: Rollout) -> float: ...", "defines no function score", (1, 1)),
        ("if True:\n    def score(rollout: Rollout) -> float: ...", "defines no function score", (1, 1)),
    ],
)
def test_what_breaks_the_contract_is_found_with_its_place(tmp_path, definition, about, place):
    (finding,) = findings_of(tmp_path, IMPORT + definition)
    assert about in finding.message
    assert (finding.line, finding.column) == place
    assert finding.file == str(tmp_path / "tone.py")
    assert finding.hint


def test_a_rollout_of_another_library_is_none(tmp_path):
    (finding,) = findings_of(tmp_path, "from games import Rollout\ndef score(rollout: Rollout) -> float: ...")
    assert "not Rollout" in finding.message


def test_all_that_is_wrong_with_a_function_is_found_at_once(tmp_path):
    findings = findings_of(tmp_path, "async def score(rollout) -> str: ...")
    assert [finding.code for finding in findings] == ["own-function", "own-parameter", "own-answer"]


def test_a_misspelt_function_is_told_the_nearest(tmp_path):
    (finding,) = findings_of(tmp_path, IMPORT + "def score(rollout: Rollout) -> float: ...", "scor")
    assert finding.hint == "did you mean 'score'?"


def test_of_two_definitions_the_last_counts_as_in_python(tmp_path):
    text = IMPORT + "def score(a): ...\ndef score(rollout: Rollout) -> float: ..."
    assert taken(tmp_path, text).required == frozenset()


def test_a_column_counts_characters_and_not_bytes(tmp_path):
    (finding,) = findings_of(tmp_path, IMPORT + "def score(rollout: Rollout, ä='ä', *äö) -> float: ...")
    assert finding.excerpt[finding.column - 1 :].startswith("äö")


def test_the_file_is_not_executed(tmp_path):
    mark = tmp_path / "mark"
    text = IMPORT + f"open({str(mark)!r}, 'w').close()\ndef score(rollout: Rollout) -> float: ..."
    taken(tmp_path, text)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("raw", "about"),
    [
        (b"def score(:\n", "this is no Python"),
        (b"x = 1\nname = '\xff'\n", "not UTF-8"),
        (b"a\x00b", "this is no Python"),
        (b"x = " + b"(" * 5000, "this is no Python"),
    ],
)
def test_a_file_that_cannot_be_parsed_is_explained(tmp_path, raw, about):
    (tmp_path / "tone.py").write_bytes(raw)
    with pytest.raises(NovalineError, match=about):
        read_source(tmp_path / "tone.py")
