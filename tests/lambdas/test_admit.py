import copy
import hashlib
import json
from datetime import timedelta

import pytest
from memory_stores import MemoryS3

from nova_admit.checks import MAX_RUN_SECONDS, ClaimRefused, Settings
from nova_admit.handler import admit
from novaline.customization.runnable import LONGEST_RUN
from novaline.datasets.remote.inspected import InspectedObject
from novaline.datasets.remote.places import version_digest
from novaline.datasets.validated import RULE_SET, Validated

RUN = "intents-20261120-101500-ab12cd"
FOLDER = f"s3://artifacts/runs/{RUN}"
SETTINGS = Settings(
    account="111111111111",
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
        "HyperParameters": {"model_type": "amazon.nova-micro-v1:0:128k"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
    }


ROWS = b'{"messages": []}\n'


def record(**changes) -> dict:
    """What a command writes about a file that it validated."""
    right = {"format": "sft", "model": "nova-micro", "rows": 1, "errors": 0, "warnings": 2}
    return {**Validated(**right).as_json(), **changes}


def data_object(uri: str, *, version: str = "1", body: bytes = ROWS, what: str = "train data of stage sft", **more):
    digest = hashlib.sha256(body).hexdigest()
    return {"uri": uri, "version_id": version, "sha256": digest, "bytes": len(body), "what": what, **more}


@pytest.fixture
def world():
    """A claim that is right in every way, and the S3 that holds what it names."""
    s3 = MemoryS3()
    s3.put_object(Bucket="data", Key="data/d1/train.jsonl", Body=ROWS)
    s3.put_object(Bucket="data", Key="data/d2/gen_qa.jsonl", Body=ROWS)
    evaluation = request(role=SETTINGS.evaluation_role_arn, output="evaluations", data="s3://data/data/d2/gen_qa.jsonl")
    claim = {
        "schema": 1,
        "run": RUN,
        "name": "intents",
        "environment": "dev",
        "model": "nova-micro",
        "budget_usd": 900.0,
        "worst_case_usd": 800.0,
        "objects": [
            data_object("s3://data/data/d1/train.jsonl", validated=record()),
            data_object(
                "s3://data/data/d2/gen_qa.jsonl", what="data of evaluation holdout", validated=record(format="gen_qa")
            ),
        ],
        "stages": [
            {
                "name": "sft",
                "technique": "sft",
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
                "task": "gen_qa",
                "base": {"base_name": "b", "request": evaluation},
                "candidate": {
                    "base_name": "c",
                    "request": copy.deepcopy(evaluation),
                    "recipe": f"{FOLDER}/recipes/c/recipe.yaml",
                    "recipe_template": f"{FOLDER}/recipes/c/recipe.template.yaml",
                },
                "data_uri": "s3://data/data/d2/gen_qa.jsonl",
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
    assert admitted["stages"] == ["sft"]
    assert "request" not in json.dumps(admitted["stages"])
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


# ---- stages


ESCROW = "s3://customer-escrow-111111111111-smtj-0a1b2c3d/job/7/"
OPEN = {"HyperParameters.base_model_location": {"what": "the checkpoint", "sample": "s3://…"}}


@pytest.fixture
def chained(world):
    """The same run with a second stage that starts from the first."""
    claim, s3 = world
    second = copy.deepcopy(claim["stages"][0]) | {"name": "more", "start": "sft"}
    second["job"] |= {
        "base_name": "intents-more",
        "recipe": f"{FOLDER}/recipes/more/recipe.yaml",
        "recipe_template": f"{FOLDER}/recipes/more/recipe.template.yaml",
        "open": copy.deepcopy(OPEN),
    }
    claim["stages"].append(second)
    return claim, s3


def test_of_several_stages_the_workflow_gets_the_names_and_the_claim_keeps_the_requests(chained):
    claim, s3 = chained
    for number in range(6):
        claim["stages"].append(copy.deepcopy(claim["stages"][1]) | {"name": f"more-{number}"})
    admitted = start(claim, s3)
    assert admitted["stages"] == ["sft", "more", *(f"more-{number}" for number in range(6))]
    assert len(json.dumps(admitted)) < 8_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start": "later"}, "stage more waits for a checkpoint of 'later', which is no stage before it"),
        ({"start": "more"}, "waits for a checkpoint of 'more', which is no stage before it"),
        ({"start": "base"}, "waits for a checkpoint of 'base', which is no stage before it"),
        ({"name": "sft"}, "'sft' is no name of a stage, or stands twice"),
        ({"name": "../../other"}, "'../../other' is no name of a stage"),
        ({"platform": "hyperpod"}, "stage more is for hyperpod; this workflow runs SageMaker training jobs"),
    ],
)
def test_a_stage_that_cannot_follow_is_refused_in_words(chained, changes, words):
    claim, s3 = chained
    claim["stages"][1] |= changes
    assert words in admitted_but(claim, s3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"recipe": "s3://artifacts/runs/other/recipes/more/recipe.yaml"}, "as its recipe, which is not below"),
        ({"recipe_template": f"{FOLDER}/recipes/../x"}, "as its recipe_template, which is not below"),
        ({"open": {"RoleArn": {}}}, "stage more leaves RoleArn open, expected HyperParameters.base_model_location"),
    ],
)
def test_what_a_stage_leaves_open_is_its_checkpoint_alone(chained, changes, words):
    claim, s3 = chained
    claim["stages"][1]["job"] |= changes
    assert words in admitted_but(claim, s3)


def test_the_role_the_budget_and_the_folder_are_checked_of_every_stage(chained):
    claim, s3 = chained
    claim["stages"][1]["job"]["request"] |= {
        "RoleArn": "arn:aws:iam::111111111111:role/admin",
        "OutputDataConfig": {"S3OutputPath": "s3://x/"},
    }
    reasons = admitted_but(claim, s3)
    assert "stage more names role arn:aws:iam::111111111111:role/admin" in reasons
    assert "stage more writes outside" in reasons


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        (ESCROW, True),
        (ESCROW.replace("-smtj-", "-hp-"), False),
        (ESCROW.replace("1" * 12, "9" * 12), False),
        ("s3://payroll/model/", False),
        ("arn:aws:sagemaker:us-east-1:111111111111:model-package/group/1", False),
    ],
)
def test_a_first_stage_starts_from_a_checkpoint_of_this_accounts_escrow(world, uri, good):
    claim, s3 = world
    claim["stages"][0]["start"] = uri
    if uri.startswith("s3://"):
        claim["stages"][0]["job"]["request"]["HyperParameters"]["base_model_location"] = uri
    if good:
        assert start(claim, s3)["stages"] == ["sft"]
    else:
        assert f"stage sft starts from {uri}, which is not below s3://customer-escrow-1" in admitted_but(claim, s3)


def test_a_request_that_starts_from_something_else_than_its_stage_says_is_refused(world):
    claim, s3 = world
    claim["stages"][0]["job"]["request"]["HyperParameters"]["base_model_location"] = ESCROW
    assert f"stage sft starts from base, but its request from {ESCROW}" in admitted_but(claim, s3)


def test_jobs_that_take_longer_than_the_workflow_waits_are_refused(chained):
    claim, s3 = chained
    for stage in claim["stages"]:
        stage["job"]["request"]["StoppingCondition"]["MaxRuntimeInSeconds"] = 5 * 86_400
    assert start(claim, s3)["stages"] == ["sft", "more"]
    claim["stages"].append(copy.deepcopy(claim["stages"][1]) | {"name": "third"})
    assert "the jobs may take 16.0 days one after the other; this workflow waits 12" in admitted_but(claim, s3)
    assert timedelta(seconds=MAX_RUN_SECONDS) == LONGEST_RUN


def test_a_run_without_a_stage_is_refused(world):
    claim, s3 = world
    claim["stages"] = []
    assert "the run has no stage" in admitted_but(claim, s3)


# ---- data that was validated, and data that was not


def admitted_but(claim, s3):
    """The reasons against the claim."""
    with pytest.raises(ClaimRefused) as refused:
        start(claim, s3)
    return str(refused.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (None, "there is no record of a validation"),
        ("yes", "there is no record of a validation"),
        ({}, "'rows' None, expected a number"),
        (record(errors=True), "'errors' True, expected a number"),
        (record(errors=-1), "'errors' -1, expected a number"),
        (record(format=None), "names no format"),
        (record(model=7), "'model' 7, expected a name"),
        (record(errors=1), "it was validated with 1 error"),
        (record(errors=2000), "it was validated with 2,000 errors"),
        (record(rows=0), "it has no rows"),
        (record(rule_set=RULE_SET - 1), f"by rule set {RULE_SET - 1}, and rule set {RULE_SET} is in force"),
        (record(format="dpo"), "it was validated as dpo, and the job reads sft"),
        (record(format="rows"), "it was validated as rows, and the job reads sft"),
        (record(model="nova-pro"), "it was validated for nova-pro, and the run customizes nova-micro"),
        (record(model=None), "it was validated for no model"),
    ],
)
def test_data_that_was_not_validated_for_its_job_is_refused_in_words(world, said, words):
    claim, s3 = world
    claim["objects"][0]["validated"] = said
    reasons = admitted_but(claim, s3)
    assert f"train data of stage sft (s3://data/data/d1/train.jsonl): {words}" in reasons or words in reasons


def test_a_claim_of_an_older_version_without_records_is_refused_with_what_to_do(world):
    claim, s3 = world
    for item in claim["objects"]:
        del item["validated"]
    reasons = admitted_but(claim, s3)
    assert reasons.count("there is no record of a validation; start the run again with `novaline run`") == 2


def test_a_newer_rule_set_than_the_environments_is_good_enough(world):
    claim, s3 = world
    claim["objects"][0]["validated"] = record(rule_set=RULE_SET + 1)
    assert start(claim, s3)["run"] == RUN


@pytest.mark.parametrize(
    ("task", "rows_of", "good"),
    [
        ("rft_eval", "rft", True),
        ("rft_eval", "gen_qa", False),
        ("mm_llm_judge", "rows", True),
        ("gen_qa", "rft", False),
    ],
)
def test_an_evaluation_reads_rows_of_its_tasks_format(world, task, rows_of, good):
    claim, s3 = world
    claim["evaluations"][0]["task"] = task
    claim["objects"][1]["validated"] = record(format=rows_of)
    if good:
        assert start(claim, s3)["run"] == RUN
    else:
        assert f"it was validated as {rows_of}, and the job reads" in admitted_but(claim, s3)


@pytest.mark.parametrize("place", ["channel", "data_uri", "folder"])
def test_a_claim_by_hand_cannot_leave_out_the_data_that_its_jobs_read(world, place):
    claim, s3 = world
    s3.put_object(Bucket="data", Key="data/raw/train.jsonl", Body=b"never looked at")
    sources = [
        channel["DataSource"]["S3DataSource"] for channel in claim["stages"][0]["job"]["request"]["InputDataConfig"]
    ]
    if place == "channel":
        sources[0]["S3Uri"] = "s3://data/data/raw/train.jsonl"
    elif place == "folder":
        sources[0]["S3Uri"] = "s3://data/data/"
    else:
        claim["evaluations"][0]["data_uri"] = "s3://data/data/raw/train.jsonl"
    assert "which is none of the claim's objects: nobody has validated it" in admitted_but(claim, s3)


def test_an_object_that_the_job_would_read_along_with_the_data_is_refused(world):
    claim, s3 = world
    s3.put_object(Bucket="data", Key="data/d1/train.jsonl.old", Body=b"x")
    assert "1 other object(s) lie under names that begin with its name" in admitted_but(claim, s3)


@pytest.mark.parametrize("missing", ["objects", "stages", "evaluations", "model", "worst_case_usd"])
def test_a_claim_that_is_none_is_refused_and_does_not_break_the_function(world, missing):
    claim, s3 = world
    del claim[missing]
    assert admitted_but(claim, s3).startswith("claim.json is not what `novaline run` writes: KeyError")


def test_something_else_than_a_claim_is_refused(world):
    assert "is not what `novaline run` writes" in admitted_but(["no claim"], world[1])


# ---- copies of objects that were validated in S3


SOURCE = {"uri": "s3://data/sets/train.jsonl", "version_id": "v7"}
COPY = f"data/{version_digest(**SOURCE)}/train.jsonl"


@pytest.fixture
def copied(world):
    """The same run on the copy of an object that the environment has inspected; what the inspection wrote."""
    claim, s3 = world
    s3.put_object(Bucket="data", Key=COPY, Body=ROWS)
    validated = Validated(
        format="sft", model="nova-micro", rows=1, errors=0, warnings=0, inspection="validate-20261120-101500-ab12cd"
    )
    inspected = InspectedObject(
        uri=SOURCE["uri"],
        version_id=SOURCE["version_id"],
        bytes=len(ROWS),
        sha256=hashlib.sha256(ROWS).hexdigest(),
        tokens=4,
        longest_row=4,
        media=(),
        validated=validated,
    )
    write_report(s3, inspected)
    claim["objects"][0] = data_object(f"s3://data/{COPY}", validated=validated.as_json(), source=dict(SOURCE))
    (channel, _) = claim["stages"][0]["job"]["request"]["InputDataConfig"]
    channel["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://data/{COPY}"
    return claim, s3, inspected


def write_report(s3, inspected, **changes):
    document = {**inspected.as_json(), **changes}
    s3.put_object(Bucket="artifacts", Key=inspected.key, Body=json.dumps(document).encode())


def test_a_copy_of_an_inspected_version_is_admitted(copied):
    claim, s3, _ = copied
    assert start(claim, s3)["run"] == RUN


def test_a_copy_of_a_version_that_nobody_inspected_is_refused(copied):
    claim, s3, inspected = copied
    del s3.objects["artifacts", inspected.key]
    assert "this environment has no report on version v7 of s3://data/sets/train.jsonl" in admitted_but(claim, s3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version_id": "v8"}, "the environment's report has the version 'v8', and the claim 'v7'"),
        ({"uri": "s3://data/sets/other.jsonl"}, "the environment's report has the URI"),
        ({"bytes": 1}, "the environment's report has the size 1"),
        ({"sha256": "0" * 64}, "the environment's report has the SHA-256"),
        ({"validated": record(errors=3)}, "the environment's report has the result"),
    ],
)
def test_a_report_that_says_something_else_than_the_claim_is_refused(copied, changes, words):
    claim, s3, inspected = copied
    write_report(s3, inspected, **changes)
    assert words in admitted_but(claim, s3)


def test_another_inspection_than_the_claim_names_is_refused(copied):
    claim, s3, _ = copied
    claim["objects"][0]["validated"]["inspection"] = "somebody-says-so"
    assert "and the claim" in admitted_but(claim, s3)


def test_an_inspected_version_does_not_vouch_for_data_that_lies_elsewhere(copied):
    claim, s3, _ = copied
    claim["objects"][0]["uri"] = "s3://data/data/d1/train.jsonl"
    claim["stages"][0]["job"]["request"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = (
        "s3://data/data/d1/train.jsonl"
    )
    assert "it does not lie where a copy of version v7 of s3://data/sets/train.jsonl belongs" in admitted_but(claim, s3)


def test_a_copy_of_an_object_of_another_bucket_is_refused(copied):
    claim, s3, _ = copied
    claim["objects"][0]["source"]["uri"] = "s3://elsewhere/sets/train.jsonl"
    assert "which is not in the bucket data" in admitted_but(claim, s3)


def test_a_large_copy_of_which_nobody_knows_the_digest_is_held_by_version_and_size(copied):
    claim, s3, inspected = copied
    write_report(s3, inspected, sha256=None)
    claim["objects"][0]["sha256"] = None
    assert start(claim, s3)["run"] == RUN
    s3.put_object(Bucket="data", Key=COPY, Body=ROWS)
    assert "has a newer version 2" in admitted_but(claim, s3)
