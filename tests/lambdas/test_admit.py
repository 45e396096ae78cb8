import copy
import hashlib
import json

import pytest
from memory_stores import MemoryS3

from nova_admit.checks import ClaimRefused, Settings
from nova_admit.handler import admit

RUN = "intents-20261120-101500-ab12cd"
FOLDER = f"s3://artifacts/runs/{RUN}"
SETTINGS = Settings(
    environment="dev",
    data_bucket="data",
    artifact_bucket="artifacts",
    key_arn="arn:aws:kms:us-east-1:111111111111:key/k",
    training_role_arn="arn:aws:iam::111111111111:role/training",
    evaluation_role_arn="arn:aws:iam::111111111111:role/evaluation",
    budget_usd_per_run=1000.0,
)


def request(*, role: str, output: str, data: str) -> dict:
    return {
        "RoleArn": role,
        "OutputDataConfig": {"S3OutputPath": f"{FOLDER}/{output}", "KmsKeyId": SETTINGS.key_arn},
        "InputDataConfig": [
            {"DataSource": {"S3DataSource": {"S3Uri": data}}},
            {"DataSource": {"S3DataSource": {"S3Uri": f"{FOLDER}/recipes/sft/recipe.yaml"}}},
        ],
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
    }


@pytest.fixture
def world():
    """A claim that is right in every way, and the S3 that holds what it names."""
    s3 = MemoryS3()
    rows = b'{"messages": []}\n'
    s3.put_object(Bucket="data", Key="data/d1/train.jsonl", Body=rows)
    evaluation = request(role=SETTINGS.evaluation_role_arn, output="evaluations", data="s3://data/data/d1/train.jsonl")
    claim = {
        "schema": 1,
        "run": RUN,
        "name": "intents",
        "environment": "dev",
        "model": "nova-micro",
        "budget_usd": 900.0,
        "worst_case_usd": 800.0,
        "objects": [
            {
                "uri": "s3://data/data/d1/train.jsonl",
                "version_id": "1",
                "sha256": hashlib.sha256(rows).hexdigest(),
                "bytes": len(rows),
                "what": "train data of stage sft",
            }
        ],
        "stages": [
            {
                "name": "sft",
                "job": {
                    "base_name": "intents-sft",
                    "request": request(
                        role=SETTINGS.training_role_arn, output="training", data="s3://data/data/d1/train.jsonl"
                    ),
                },
            }
        ],
        "evaluations": [
            {
                "name": "holdout",
                "base": {"base_name": "b", "request": evaluation},
                "candidate": {
                    "base_name": "c",
                    "request": copy.deepcopy(evaluation),
                    "recipe": f"{FOLDER}/recipes/c/recipe.yaml",
                    "recipe_template": f"{FOLDER}/recipes/c/recipe.template.yaml",
                },
                "data_uri": "s3://data/data/d1/gen_qa.jsonl",
            }
        ],
        "gate": {"evaluation": "holdout"},
        "deployment": {"target": "none"},
        "custom_model_name": RUN,
        "verify_rows": 5,
    }
    return claim, s3


def start(claim: dict, s3: MemoryS3, **changes):
    body = json.dumps(claim).encode()
    version = s3.put_object(Bucket="artifacts", Key=f"runs/{RUN}/claim.json", Body=body)["VersionId"]
    check = {"uri": f"{FOLDER}/claim.json", "version_id": version, "sha256": hashlib.sha256(body).hexdigest()}
    return admit({"run": RUN, "claim": {**check, **changes}}, settings=SETTINGS, s3=s3)


def test_a_sound_claim_is_admitted_with_what_the_workflow_needs(world):
    claim, s3 = world
    admitted = start(claim, s3)
    assert admitted["train"] == {"stage": "sft", **claim["stages"][0]["job"]}
    assert admitted["evaluations"] == claim["evaluations"]
    assert len(json.dumps(admitted)) < 32_000


def test_a_changed_claim_is_refused_by_its_digest(world):
    with pytest.raises(ClaimRefused, match="the file was changed or mixed up"):
        start(*world, sha256="0" * 64)


def test_a_claim_in_another_bucket_is_refused(world):
    with pytest.raises(ClaimRefused, match="reads claims from artifacts only"):
        start(*world, uri="s3://elsewhere/runs/x/claim.json")


def test_the_claim_of_another_run_is_refused(world):
    claim, s3 = world
    with pytest.raises(ClaimRefused, match="not of"):
        start({**claim, "run": "another"}, s3)


def test_an_unknown_schema_is_refused(world):
    claim, s3 = world
    with pytest.raises(ClaimRefused, match="schema 2"):
        start({**claim, "schema": 2}, s3)


def test_a_newer_version_of_a_dataset_is_refused(world):
    claim, s3 = world
    s3.put_object(Bucket="data", Key="data/d1/train.jsonl", Body=b"other")
    with pytest.raises(ClaimRefused, match="has a newer version 2"):
        start(claim, s3)


def test_a_newer_version_with_the_same_content_is_admitted(world):
    """Two runs of one dataset, prepared at the same moment, upload it twice."""
    claim, s3 = world
    s3.put_object(Bucket="data", Key="data/d1/train.jsonl", Body=s3.objects["data", "data/d1/train.jsonl"][0])
    assert start(claim, s3)["run"] == RUN


def test_a_missing_dataset_is_refused(world):
    claim, s3 = world
    s3.objects.clear()
    with pytest.raises(ClaimRefused, match=r"train data of stage sft .* is not there"):
        start(claim, s3)


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("environment",), "prod", "prepared for environment prod, this is dev"),
        (("worst_case_usd",), 950.0, r"\$950.00 exceeds the customization's budget of \$900.00"),
        (("budget_usd",), None, None),
        (("objects", 0, "sha256"), "0" * 64, "has SHA-256"),
        (("objects", 0, "bytes"), 1, "expected 1"),
        (("stages", 0, "job", "request", "RoleArn"), "arn:aws:iam::111111111111:role/admin", "names role .*admin"),
        (("stages", 0, "job", "request", "OutputDataConfig", "KmsKeyId"), None, "does not encrypt its output"),
        (("stages", 0, "job", "request", "OutputDataConfig", "S3OutputPath"), "s3://x/", "writes outside"),
        (
            ("evaluations", 0, "base", "request", "InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri"),
            "s3://payroll/all.jsonl",
            "evaluation holdout of the base reads s3://payroll",
        ),
        (
            ("evaluations", 0, "candidate", "recipe"),
            "s3://artifacts/runs/other/recipes/c/recipe.yaml",
            "as its recipe,",
        ),
        (("evaluations", 0, "candidate", "recipe"), f"{FOLDER}/recipes/../../x/recipe.yaml", "as its recipe,"),
        (("evaluations", 0, "candidate", "recipe_template"), "s3://payroll/x", "as its recipe_template,"),
        (("evaluations", 0, "data_uri"), "s3://payroll/gen_qa.jsonl", "asks about s3://payroll"),
        (("stages", 0, "job", "request", "StoppingCondition", "MaxRuntimeInSeconds"), 10**6, "may run longer"),
    ],
)
def test_each_departure_is_refused_in_words(world, path, value, says):
    claim, s3 = world
    place = claim
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    if says is None:
        assert start(claim, s3)["run"] == RUN
        return
    with pytest.raises(ClaimRefused, match=says):
        start(claim, s3)


def test_the_environments_limit_holds_where_the_budget_is_larger(world):
    claim, s3 = world
    claim |= {"budget_usd": 5000.0, "worst_case_usd": 1500.0}
    with pytest.raises(ClaimRefused, match=r"the environment's limit of \$1,000.00"):
        start(claim, s3)


def test_all_reasons_are_given_at_once(world):
    claim, s3 = world
    claim |= {"environment": "prod", "worst_case_usd": 5000.0}
    with pytest.raises(ClaimRefused) as refused:
        start(claim, s3)
    assert str(refused.value).count("; ") == 2
