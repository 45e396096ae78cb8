"""The record of a validation, and the number of the rules that it was made by."""

import hashlib
import re
from pathlib import Path

import pytest

from novaline.customization.model import StageTechnique, Task
from novaline.datasets.engine import any_rows
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.validated import RULE_SET, Validated, format_of

DOCS = Path(__file__).parents[2] / "docs"
REFUSING = {1: "656a2c7bc5c3"}
"""Rule set → the digest of the codes that refuse rows, as the pages list them."""


def refusing_codes() -> set[str]:
    """The codes of errors: all of the page on formats but its warnings, and those of the page on datasets."""
    formats = (DOCS / "dataset-formats.md").read_text(encoding="utf-8").split("## What is looked for")[1]
    found = set(re.findall(r"^\| `([a-z-]+)` \| (?!warning:)", formats, re.MULTILINE))
    datasets = (DOCS / "datasets.md").read_text(encoding="utf-8")
    for codes, severity in re.findall(r"^\| (`[^|]+`) \| ((?:error|warning)[^|]*) \|", datasets, re.MULTILINE):
        found |= set(re.findall(r"`([a-z-]+)`", codes)) if "error" in severity else set()
    return found


def test_rules_that_refuse_other_rows_than_before_are_another_rule_set():
    """When this fails: raise RULE_SET if rows that passed before may be refused now, and write the digest down here."""
    codes = refusing_codes()
    assert len(codes) > 60
    assert {"unreadable-json", "no-candidates"} <= codes
    assert "media-format-unsure" not in codes
    assert max(REFUSING) == RULE_SET
    assert REFUSING[RULE_SET] == hashlib.sha256(" ".join(sorted(codes)).encode()).hexdigest()[:12]


def test_every_format_that_a_job_reads_is_one_that_can_be_validated():
    jobs = [*StageTechnique.__args__, *Task.__args__]
    read = {format_of(job) for job in jobs} - {None}
    assert read == set(FORMATS) - {"multi-turn-rft"}
    assert {job for job in jobs if job in FORMATS} == {job for job in jobs if format_of(job) == job}
    assert format_of(any_rows.NAME) is None


def test_a_record_is_read_as_it_was_written():
    record = Validated(format="sft", model=None, rows=3, errors=0, warnings=1, inspection="validate-1")
    assert Validated.from_json(record.as_json()) == record


@pytest.mark.parametrize("document", [None, [], "x", {}, {"format": "sft"}])
def test_what_is_no_record_is_refused_in_words(document):
    with pytest.raises(ValueError, match="validation"):
        Validated.from_json(document)


def test_all_objections_are_told_at_once():
    record = Validated(format="dpo", model="nova-pro", rows=0, errors=2, warnings=0, rule_set=0)
    assert len(list(record.objections(rows_of="sft", model="nova-micro"))) == 5
    assert list(record.objections(rows_of=None, model="nova-pro"))[-1].startswith("it was validated by rule set 0")
