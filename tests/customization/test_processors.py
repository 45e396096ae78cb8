"""Metrics of one's own: a processor that the environment declares by its name, or any function by its ARN."""

import pytest
import yaml
from stage_kinds import DEV, write_kind

from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.customization.runnable import not_runnable
from novaline.findings import NovalineError
from novaline.requests.resources import Resources

ARN = "arn:aws:lambda:us-east-1:111111111111:function:novaline-dev-SageMaker-decisions-processor"
ELSEWHERE = "arn:aws:lambda:us-east-1:111111111111:function:metrics"


def written(folder, processor):
    path = write_kind(folder, "declared metrics")
    path.write_text(path.read_text().replace("processor: decisions", f"processor: {processor}"))
    return path


def compiled(folder, processor, *, environment=DEV):
    checked = check_file(written(folder, processor), environment=environment)
    return compile_run(
        checked, environment=environment, resources=Resources.placeholder(environment), run="the-run", created="now"
    )


def refused(path, environment=DEV):
    with pytest.raises(NovalineError) as refusal:
        check_file(path, environment=environment)
    (finding,) = refusal.value.findings
    return finding


@pytest.mark.parametrize("processor", ["decisions", "{name: decisions}"])
def test_a_name_becomes_the_environments_function_in_recipe_and_hyperparameter(tmp_path, processor):
    run = compiled(tmp_path, processor)
    for subject, file in (("base", "recipe.yaml"), ("candidate", "recipe.template.yaml")):
        recipe = yaml.safe_load(run.files[f"recipes/holdout-{subject}/{file}"])
        assert recipe["processor"]["lambda_arn"] == ARN
        assert recipe["processor"]["lambda_type"] == "custom_metrics"
        assert run.claim["evaluations"][0][subject]["request"]["HyperParameters"]["eval_lambda_arn"] == ARN


def test_kind_and_preprocessing_are_the_environments_to_say(tmp_path):
    settings = DEV.processors["decisions"].model_copy(update={"kind": "rft", "prompt": "Decide: {prompt}"})
    environment = DEV.model_copy(update={"processors": {"decisions": settings}})
    run = compiled(tmp_path, "{name: decisions, aggregation: min}", environment=environment)
    recipe = yaml.safe_load(run.files["recipes/holdout-base/recipe.yaml"])["processor"]
    assert (recipe["lambda_type"], recipe["aggregation"]) == ("rft", "min")
    assert recipe["preprocessing"]["enabled"] is True


def test_a_function_is_still_named_by_its_arn_and_runs_nowhere_yet(tmp_path):
    path = written(tmp_path, f"{{function: '{ELSEWHERE}', kind: rft}}")
    checked = check_file(path, environment=DEV)
    (finding,) = not_runnable(checked)
    assert "processors that the environment declares" in finding.message
    run = compile_run(checked, environment=DEV, resources=Resources.placeholder(DEV), run="the-run", created="now")
    recipe = yaml.safe_load(run.files["recipes/holdout-base/recipe.yaml"])["processor"]
    assert (recipe["lambda_arn"], recipe["lambda_type"]) == (ELSEWHERE, "rft")


def test_a_processor_that_the_environment_lacks_is_told_with_the_nearest_name(tmp_path):
    finding = refused(written(tmp_path, "decision"))
    assert finding.code == "unknown-processor"
    assert "the environment dev has no processor 'decision'; it declares decisions" in finding.message
    assert finding.hint == "did you mean `decisions`?"
    assert "decision" in finding.excerpt


def test_an_environment_without_processors_says_where_to_declare_one(tmp_path):
    finding = refused(written(tmp_path, "decisions"), DEV.model_copy(update={"processors": {}}))
    assert "it declares none" in finding.message
    assert "`processors`" in finding.hint


def test_a_reward_that_the_environment_lacks_is_told_with_the_nearest_name(tmp_path):
    path = write_kind(tmp_path, "rft")
    path.write_text(path.read_text().replace("reward: classification", "reward: clasification"))
    finding = refused(path)
    assert (finding.code, finding.hint) == ("unknown-reward", "did you mean `classification`?")


def test_without_an_environment_a_name_is_taken_as_it_is(tmp_path):
    checked = check_file(written(tmp_path, "anything-else"))
    assert checked.evaluations["holdout"].values["processor.lambda_arn"] == "anything-else"


@pytest.mark.parametrize(
    ("processor", "code", "words"),
    [
        ("Decisions!", "wrong-value", "the name of a processor"),
        ("{name: decisions, kind: rft}", "contradiction", "as custom_metrics, not as rft"),
        (f"{{name: decisions, function: '{ELSEWHERE}'}}", "wrong-value", "one of the two"),
        ("{aggregation: max}", "wrong-value", "one of the two"),
        ("{function: decisions}", "wrong-value", "ARN"),
        ("3", "wrong-type", "a mapping"),
    ],
)
def test_a_mistake_in_a_processor_is_one_finding(tmp_path, processor, code, words):
    finding = refused(written(tmp_path, processor))
    assert (finding.code, words in finding.message) == (code, True), finding
