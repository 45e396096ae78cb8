"""A compiled run: requests that AWS takes, a claim that names everything, the same bytes each time."""

import hashlib
import json
from dataclasses import replace

import pytest
import yaml

from novaline.customization.checks import check_file
from novaline.customization.compile import CHECKPOINT_TOKEN, compile_run
from novaline.customization.plan import make_plan
from novaline.environments import Environment
from novaline.findings import NovalineError
from novaline.requests.conformance import check_request
from novaline.requests.resources import Resources

DEV = Environment.model_validate(
    {
        "name": "dev", "account": "111111111111", "region": "us-east-1", "retain": False, "noncurrent_days": 7,
        "termination_protection": False, "log_retention_days": 30, "budget_usd_per_run": 5000.0,
    }
)  # fmt: skip
RESOURCES = Resources.placeholder(DEV)
RUN = "support-intents-20261120-120000-abc123"
FOLDER = f"s3://{RESOURCES.artifact_bucket}/runs/{RUN}"


def compiled(path, run=RUN):
    return compile_run(check_file(path), environment=DEV, resources=RESOURCES, run=run, created="2026-11-20T12:00:00Z")


def test_the_claim_holds_what_the_workflow_needs(write):
    claim = compiled(write()).claim
    (stage,) = claim["stages"]
    (evaluation,) = claim["evaluations"]
    assert (claim["schema"], claim["run"], claim["environment"], claim["model"]) == (1, RUN, "dev", "nova-micro")
    assert claim["worst_case_usd"] == pytest.approx(379.78)
    assert claim["worst_case_usd"] <= claim["budget_usd"]
    assert (stage["name"], stage["technique"]) == ("sft", "sft")
    assert (evaluation["name"], evaluation["task"], evaluation["rows"]) == ("holdout", "gen_qa", 50)
    assert claim["gate"] == {
        "evaluation": "holdout", "metric": "exact_match", "against": "base", "margin": 0.02, "confidence": 0.95
    }  # fmt: skip
    assert claim["deployment"] == {"target": "bedrock-on-demand", "name": "support-intents", "time_to_live_hours": 72}
    assert claim["custom_model_name"].startswith("support-intents-")


def test_a_deployment_that_stays_says_so_and_none_says_none(write):
    assert compiled(write(("time_to_live: 72h", "keep: true"))).claim["deployment"]["keep"] is True
    none = write(("target: bedrock-on-demand, name: support-intents, time_to_live: 72h", "target: none"))
    assert compiled(none).claim["deployment"] == {"target": "none"}


@pytest.mark.parametrize("model", ["nova-micro", "nova-2-lite"])
def test_every_request_of_the_run_conforms_to_awss_own_model(write, model):
    changes = (
        [] if model == "nova-micro" else [("nova-micro", model), ("max_epochs: 3", "max_steps: 60"), ("1000", "4000")]
    )
    path = write(*changes)
    checked = check_file(path)
    run = compile_run(checked, environment=DEV, resources=RESOURCES, run=RUN, created="2026-11-20T12:00:00Z")
    plan = make_plan(checked, run, environment=DEV, resources=RESOURCES)
    assert [(request.state, request.action) for request in plan.requests] == [
        ("Train", "CreateTrainingJob"),
        ("Evaluate base", "CreateTrainingJob"),
        ("Evaluate candidate", "CreateTrainingJob"),
        ("Import model", "CreateCustomModel"),
        ("Find deployment", "ListCustomModelDeployments"),
        ("Create deployment", "CreateCustomModelDeployment"),
        ("Update deployment", "UpdateCustomModelDeployment"),
        ("Verify", "Converse"),
    ]
    for request in plan.requests:
        assert check_request(request.service, request.action, request.parameters) == ()
    json.dumps(plan.as_json(), allow_nan=False)


def test_a_request_that_aws_would_refuse_is_a_defect_that_stops_the_plan(write):
    checked = check_file(write())
    wrong = replace(RESOURCES, training_role_arn="nobody")
    run = compile_run(checked, environment=DEV, resources=wrong, run=RUN, created="2026-11-20T12:00:00Z")
    with pytest.raises(NovalineError, match=r"Train .*RoleArn"):
        make_plan(checked, run, environment=DEV, resources=wrong)


def test_the_candidates_model_is_left_open_for_the_checkpoint(write):
    run = compiled(write())
    candidate = run.claim["evaluations"][0]["candidate"]
    assert not candidate["request"]["HyperParameters"].keys() & {"base_model", "base_model_location"}
    template = run.files["recipes/holdout-candidate/recipe.template.yaml"].decode()
    assert template.count(CHECKPOINT_TOKEN) == 1
    assert yaml.safe_load(template)["run"]["model_name_or_path"] == CHECKPOINT_TOKEN
    assert candidate["recipe_template"] == f"{FOLDER}/recipes/holdout-candidate/recipe.template.yaml"
    assert candidate["recipe"] == f"{FOLDER}/recipes/holdout-candidate/recipe.yaml"
    channels = {
        item["ChannelName"]: item["DataSource"]["S3DataSource"] for item in candidate["request"]["InputDataConfig"]
    }
    assert channels["recipe"]["S3Uri"] == candidate["recipe"]


def test_recipes_hold_overrides_machines_and_names(write):
    run = compiled(write())
    recipe = yaml.safe_load(run.files["recipes/sft/recipe.yaml"])
    assert recipe["run"]["name"] == "support-intents-sft"
    assert recipe["run"]["replicas"] == 2
    assert recipe["training_config"]["model"]["optim"]["lr"] == 5e-6
    assert recipe["training_config"]["trainer"]["max_epochs"] == 3
    base = yaml.safe_load(run.files["recipes/holdout-base/recipe.yaml"])
    assert base["run"]["model_name_or_path"] == "nova-micro/prod"
    assert base["run"]["data_s3_path"] == ""


def test_data_lies_under_its_digest_with_the_name_that_the_container_expects(write):
    uploads = {upload.what: upload for upload in compiled(write()).uploads}
    train, held_out = uploads["train data of stage sft"], uploads["data of evaluation holdout"]
    digest = hashlib.sha256(train.path.read_bytes()).hexdigest()
    assert train.key == f"data/{digest}/train.jsonl"
    assert held_out.key == f"data/{held_out.sha256}/gen_qa.jsonl"


def test_the_claim_names_every_object_that_a_request_reads(write):
    run = compiled(write())
    claim = run.claim
    named = {item["uri"] for item in claim["objects"]}
    jobs = [claim["stages"][0]["job"], claim["evaluations"][0]["base"], claim["evaluations"][0]["candidate"]]
    read = {
        channel["DataSource"]["S3DataSource"]["S3Uri"] for job in jobs for channel in job["request"]["InputDataConfig"]
    }
    made_later = {claim["evaluations"][0]["candidate"]["recipe"]}
    assert read - made_later <= named
    for item in claim["objects"]:
        assert item["version_id"] is None
        if item["uri"].startswith(FOLDER):
            content = run.files[item["uri"].removeprefix(f"{FOLDER}/")]
            assert (item["sha256"], item["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))


def test_the_same_input_gives_the_same_run_and_another_run_other_names(write):
    path = write()
    first, second, other = compiled(path), compiled(path), compiled(path, run=f"{RUN[:-6]}ffffff")
    assert first.claim == second.claim
    assert first.files == second.files
    names = {run.claim["stages"][0]["job"]["base_name"] for run in (first, other)}
    assert len(names) == 2


def test_validation_data_becomes_a_channel(write):
    path = write(("{train: train.jsonl}", "{train: train.jsonl, validation: train.jsonl}"))
    request = compiled(path).claim["stages"][0]["job"]["request"]
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["train", "validation", "recipe"]
