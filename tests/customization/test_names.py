"""Names keep within AWS's limits, whatever the customization is called."""

import re

from hypothesis import given
from hypothesis import strategies as st

from novaline.customization.names import content_hash, custom_model_name, job_base_name, run_name

BEDROCK = re.compile(r"([0-9a-zA-Z][_-]?){1,63}")
SAGEMAKER = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
names = st.from_regex(r"\A([0-9a-zA-Z][_-]?){1,63}\Z").filter(lambda name: len(name) <= 63)
parts = st.from_regex(r"\A[a-z0-9](-?[a-z0-9]){0,20}\Z").filter(lambda name: len(name) <= 24)
digests = st.from_regex(r"\A[0-9a-f]{64}\Z")


@given(names, parts, digests)
def test_every_attempt_of_a_job_has_a_name_that_sagemaker_takes(name, part, digest):
    base = job_base_name(name=name, job=f"{part}-candidate", run="r", digest=digest)
    attempt = f"{base}-r99-d999"
    assert len(attempt) <= 63
    assert SAGEMAKER.fullmatch(attempt)


@given(names, digests)
def test_a_custom_models_name_is_one_that_bedrock_takes(name, digest):
    model = custom_model_name(name=name, digest=digest)
    assert len(model) <= 63
    assert BEDROCK.fullmatch(model)


@given(names, parts)
def test_a_runs_name_in_a_recipe_fits_and_ends_with_the_job(name, part):
    rendered = run_name(name=name, job=f"{part}-base")
    assert len(rendered) <= 34
    assert rendered.endswith(f"{part}-base")


def test_two_runs_of_the_same_content_never_share_a_job_name():
    digest = content_hash({"a": 1})
    first = job_base_name(name="n", job="sft", run="run-1", digest=digest)
    assert first != job_base_name(name="n", job="sft", run="run-2", digest=digest)
    assert first == job_base_name(name="n", job="sft", run="run-1", digest=digest)
