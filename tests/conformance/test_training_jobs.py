"""Novaline asks for a training job as Amazon's SDK asks for it, given the very recipe that Novaline renders."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cases import Case, cases
from compare import complaints
from listed import JOB, LISTED
from wire import SDK, Wire

CASES = cases(sdk=SDK)


_ASKED: dict[str, Mapping[str, Mapping[str, Any]]] = {}


@pytest.fixture
def asked(case: Case, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Mapping[str, Any]]:
    """What the SDK sent for a case: the job and the recipe. It is asked once, and works in the test's own folder."""
    if case.name not in _ASKED:
        monkeypatch.chdir(tmp_path)
        recipe = tmp_path / "recipe.yaml"
        recipe.write_bytes(case.content)
        importlib.import_module(f"sdk{SDK}").ask(case, recipe)
        _ASKED[case.name] = {operation: wire.sent(operation) for operation in ("CreateTrainingJob", "PutObject")}
    return _ASKED[case.name]


def test_every_technique_of_training_jobs_has_its_cases():
    assert {case.technique for case in CASES} == {"sft", "dpo", "rft", "evaluation", "distillation"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_job_differs_from_the_sdks_only_where_it_is_meant_to(case, asked):
    listed = [difference for difference in LISTED if difference.asked == JOB[SDK]]
    labels = {case.name, case.technique}
    found = complaints(case.request, asked["CreateTrainingJob"], listed=listed, labels=labels)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_sdk_reads_in_a_recipe_what_novaline_wrote(case, asked):
    uploaded = yaml.safe_load(asked["PutObject"]["body"])
    assert json.dumps(uploaded) == json.dumps(yaml.safe_load(case.content))
