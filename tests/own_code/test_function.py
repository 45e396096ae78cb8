"""A declared function of one's own: where it is, what comes along with it, and what it imports."""

import importlib
import sys
from pathlib import Path

import pytest

from novaline.findings import NovalineError
from novaline.own_code import own_function
from novaline.own_code.function import WrongReference

GOOD = (
    "from novaline.rewards import Rollout\n\n\ndef score(rollout: Rollout, least: int = 1) -> float:\n    return 1.0\n"
)


def write(root: Path, files: dict[str, str]) -> Path:
    for place, text in files.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_the_file_comes_alone_when_it_imports_nothing_beside_it(tmp_path):
    root = write(tmp_path, {"rewards/tone.py": GOOD, "rewards/other.py": "x = 1", "secret.txt": "x"})
    found = own_function(root, "rewards/tone.py:score")
    assert found.reference == "tone:score"
    assert dict(found.files) == {"tone.py": GOOD}
    assert found.libraries == {}


def test_modules_beside_it_come_along_directly_or_not_and_packages_whole(tmp_path):
    root = write(
        tmp_path,
        {
            "rewards/tone.py": "import words\n" + GOOD,
            "rewards/words.py": "def split():\n    from lists.german import words\n",
            "rewards/lists/__init__.py": "from . import german",
            "rewards/lists/german.py": "import tone",
            "rewards/lists/deep/__init__.py": "",
            "rewards/unused.py": "import nothing_that_exists",
        },
    )
    found = own_function(root, "rewards/tone.py:score")
    assert set(found.files) == {
        "tone.py", "words.py", "lists/__init__.py", "lists/german.py", "lists/deep/__init__.py",
    }  # fmt: skip


def test_what_was_bundled_can_be_imported_and_scores(tmp_path, monkeypatch):
    root = write(
        tmp_path / "project",
        {"rewards/mine_tone.py": "import mine_words\n" + GOOD.replace("1.0", "mine_words.ONE"),
         "rewards/mine_words.py": "ONE = 0.25"},
    )  # fmt: skip
    found = own_function(root, "rewards/mine_tone.py:score")
    asset = write(tmp_path / "asset", dict(found.files))
    monkeypatch.syspath_prepend(str(asset))
    module, _, name = found.reference.partition(":")
    try:
        assert getattr(importlib.import_module(module), name)(None) == 0.25
    finally:
        for each in ("mine_tone", "mine_words"):
            sys.modules.pop(each, None)


@pytest.mark.parametrize(
    ("line", "library"),
    [
        ("import numpy", "numpy"),
        ("from nltk.tokenize import words", "nltk"),
        ("def f():\n    import torch.nn", "torch"),
    ],
)
def test_a_library_is_reported_with_its_place_for_whoever_pins_nothing(tmp_path, line, library):
    root = write(tmp_path, {"tone.py": f"{line}\n{GOOD}"})
    libraries = own_function(root, "tone.py:score").libraries
    assert set(libraries) == {library}
    assert libraries[library].line == line.count("\n") + 1
    assert "requirements" in libraries[library].hint


@pytest.mark.parametrize(
    "line",
    [
        "import json, os.path, xml.etree.ElementTree",
        "import boto3",
        "from novaline.rewards import Score, Unscorable",
        "import novaline.rewards.contract",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy",
        "try:\n    import numpy\nexcept ImportError:\n    numpy = None",
    ],
)
def test_what_is_there_anyway_needs_no_library(tmp_path, line):
    assert own_function(write(tmp_path, {"tone.py": f"{line}\n{GOOD}"}), "tone.py:score").libraries == {}


def test_a_module_that_may_be_missing_comes_along_when_it_is_there(tmp_path):
    text = "try:\n    import extra\nexcept ImportError:\n    extra = None\n"
    root = write(tmp_path, {"tone.py": text + GOOD, "extra.py": ""})
    assert set(own_function(root, "tone.py:score").files) == {"tone.py", "extra.py"}


@pytest.mark.parametrize(
    ("files", "about"),
    [
        ({"tone.py": "from . import words\n" + GOOD}, "a relative import needs a package"),
        ({"tone.py": "from novaline.rehearsal import session\n" + GOOD}, "novaline.rehearsal is not part"),
        ({"tone.py": "from novaline import runs\n" + GOOD}, "novaline.runs is not part"),
        ({"tone.py": "import novaline.rewards.laboratory\n" + GOOD}, "novaline.rewards.laboratory is not part"),
        ({"tone.py": "import json\n" + GOOD, "json.py": ""}, "would hide the module json of Python's own"),
        ({"tone.py": "import novaline\n" + GOOD, "novaline/__init__.py": ""}, "would hide the module novaline"),
        ({"tone.py": "import words\n" + GOOD, "words.py": "def ("}, "this is no Python"),
    ],
)
def test_what_could_not_run_in_the_function_is_refused(tmp_path, files, about):
    with pytest.raises(NovalineError, match=about):
        own_function(write(tmp_path, files), "tone.py:score")


@pytest.mark.parametrize("name", ["json", "boto3", "nova_reward"])
def test_a_file_with_the_name_of_a_module_that_is_needed_is_refused(tmp_path, name):
    with pytest.raises(NovalineError, match=f"a file named {name}.py would hide"):
        own_function(write(tmp_path, {f"{name}.py": GOOD}), f"{name}.py:score")


@pytest.mark.parametrize(
    ("declared", "about", "hint"),
    [
        ("rewards/tone.py", "is no file and function", "rewards/tone.py:score"),
        ("rewards/tone:score", "is no file and function", "rewards/tone.py:score"),
        ("rewards/tone.py:a b", "is no file and function", "rewards/tone.py:score"),
        ("/etc/tone.py:score", "lies outside", "rewards/tone.py:score"),
        ("../tone.py:score", "lies outside", "rewards/tone.py:score"),
        ("rewards/my-tone.py:score", "cannot be imported", "letters, digits and _"),
        ("rewards/tune.py:score", "there is no file rewards/tune.py", "did you mean rewards/tone.py?"),
        ("elsewhere/x.py:score", "there is no file elsewhere/x.py", "it is looked for in"),
    ],
)
def test_a_declaration_that_names_no_file_and_function_is_explained(tmp_path, declared, about, hint):
    root = write(tmp_path, {"rewards/tone.py": GOOD, "rewards/my-tone.py": GOOD})
    with pytest.raises(WrongReference, match=about) as caught:
        own_function(root, declared)
    assert hint in caught.value.hint


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path):
    write(tmp_path, {"outside/tone.py": GOOD, "project/environments/dev.yaml": ""})
    (tmp_path / "project" / "tone.py").symlink_to(tmp_path / "outside" / "tone.py")
    with pytest.raises(WrongReference, match="leads outside"):
        own_function(tmp_path / "project", "tone.py:score")


def test_options_are_held_against_what_the_function_takes(tmp_path):
    own = own_function(write(tmp_path, {"tone.py": GOOD.replace("least: int = 1", "least: int")}), "tone.py:score")
    assert own.refused_options({"least": 2}) == []
    assert own.refused_options({"leest": 2}) == [
        ("leest", "tone:score takes no option 'leest'", "did you mean least?"),
        ("least", "tone:score needs the option 'least'", "write `options: {least: …}`"),
    ]


@pytest.mark.parametrize(
    ("annotation", "right", "wrong"),
    [
        ("str", ["a"], [1, ["a"], None]),
        ("int", [1], [1.5, True, "1"]),
        ("float", [1, 1.5], [True, "1.5"]),
        ("bool", [True], [1, "yes"]),
        ("tuple[str, ...]", [["a", "b"], []], ["please", [1], {"a": 1}]),
        ("tuple[int, str]", [[1, "a"]], [[1], ["a", 1], [1, "a", 2]]),
        ("list[float]", [[1, 2.5]], [["a"], 1]),
        ("collections.abc.Sequence[str]", [["a"]], ["a"]),
        ("dict[str, float]", [{"a": 1}], [{"a": "b"}, ["a"]]),
        ("Mapping", [{}], [[]]),
        ("'list[str] | None'", [["a"], None], ["a"]),
        ("Optional[int]", [1, None], ["1"]),
        ("Literal['sum', 'product']", ["sum"], ["least"]),
        ("Decimal", ["1", 1, None], []),
        ("Annotated[str, 5]", ["a", 1], []),
    ],
)
def test_an_option_is_of_the_type_that_the_function_names(tmp_path, annotation, right, wrong):
    source = GOOD.replace("least: int = 1", f"least: {annotation}")
    own = own_function(write(tmp_path, {"tone.py": source}), "tone.py:score")
    for value in right:
        assert own.refused_options({"least": value}) == []
    for value in wrong:
        ((option, message, _),) = own.refused_options({"least": value})
        assert option == "least"
        assert message.startswith(f"the option 'least' of tone:score is {value!r}, expected ")
