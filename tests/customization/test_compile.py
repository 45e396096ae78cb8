"""A compiled run: requests that AWS takes, a claim that names everything, the same bytes each time."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from stage_kinds import DEV, KINDS, write_kind

from novaline.customization.checks import check_file
from novaline.customization.compile import CHECKPOINT_TOKEN, compile_run
from novaline.customization.plan import make_plan
from novaline.datasets.validated import RULE_SET
from novaline.environments import load_environment
from novaline.findings import NovalineError
from novaline.requests.conformance import check_request
from novaline.requests.resources import Resources

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = Resources.placeholder(DEV)
REWARD = "arn:aws:lambda:us-east-1:111111111111:function:novaline-dev-SageMaker-classification"
PACKAGE_GROUP = "arn:aws:sagemaker:us-east-1:111111111111:model-package-group/earlier"
RUN = "support-intents-20261120-120000-abc123"
FOLDER = f"s3://{RESOURCES.artifact_bucket}/runs/{RUN}"


def compiled(path, run=RUN):
    return compile_run(check_file(path), environment=DEV, resources=RESOURCES, run=run, created="2026-11-20T12:00:00Z")


def of_kind(folder, kind, environment=DEV):
    """The run of one kind of customization."""
    checked = check_file(write_kind(folder, kind), environment=environment)
    return compile_run(checked, environment=environment, resources=RESOURCES, run=RUN, created="2026-11-20T12:00:00Z")


def recipe_of(run, job):
    """A rendered recipe, as the container reads it."""
    (content,) = [body for name, body in run.files.items() if name.startswith(f"recipes/{job}/")]
    return yaml.safe_load(content)


def channels_of(request):
    return {item["ChannelName"]: item["DataSource"]["S3DataSource"] for item in request["InputDataConfig"]}


def uris_of(job):
    """What a job's channels read; nothing for one without channels, or without a request."""
    request = job.get("request", {})
    return {source["S3Uri"] for source in channels_of(request).values()} if "InputDataConfig" in request else set()


def scrubbed(value, key=None):
    """A claim without digests and figures."""
    if isinstance(value, dict):
        return {name: scrubbed(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(inner, key) for inner in value]
    if isinstance(value, str):
        return re.sub(r"-[0-9a-f]{8}$", "-<8 hex>", re.sub(r"[0-9a-f]{64}", "<sha256>", value))
    return "<number>" if key in {"bytes", "expected_usd", "worst_case_usd", "warnings"} else value


def test_the_claim_of_what_runs_today_is_the_one_that_the_workflow_knows():
    """The file was written by the version that the deployed workflow was made for."""
    environment = load_environment(ROOT / "environments" / "dev.yaml")
    checked = check_file(ROOT / "examples" / "support-intents" / "customization.yaml", environment=environment)
    resources = Resources.placeholder(environment)
    run = compile_run(
        checked, environment=environment, resources=resources, run="the-run", created="2026-11-20T12:00:00Z"
    )
    known = json.loads((Path(__file__).parent / "claim.json").read_text(encoding="utf-8"))
    assert scrubbed(run.claim) == known


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
    assert channels_of(candidate["request"])["recipe"]["S3Uri"] == candidate["recipe"]


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
    digest = hashlib.sha256(train.source.read_bytes()).hexdigest()
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


def test_the_claim_says_of_each_dataset_how_it_was_validated(write):
    run = compiled(write())
    data = {item["what"]: item for item in run.claim["objects"] if not item["uri"].startswith(FOLDER)}
    train, held_out = (data[what]["validated"] for what in ("train data of stage sft", "data of evaluation holdout"))
    assert train | {"warnings": 0} == {
        "format": "sft", "model": "nova-micro", "rows": 300, "errors": 0, "warnings": 0, "rule_set": RULE_SET,
        "inspection": None,
    }  # fmt: skip
    assert (held_out["format"], held_out["rows"]) == ("gen_qa", 50)
    assert json.loads(run.files["datasets.json"])["train data of stage sft"]["validated"] == train
    assert all("validated" not in item for item in run.claim["objects"] if item["uri"].startswith(FOLDER))


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


# ---- every kind ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_compiles_alike_each_time_and_carries_no_example_of_amazons(tmp_path, kind):
    first, second = of_kind(tmp_path, kind), of_kind(tmp_path, kind)
    assert (first.claim, first.files) == (second.claim, second.files)
    json.dumps(first.claim, allow_nan=False)
    for name, content in first.files.items():
        if name.startswith("recipes/"):
            text = content.decode()
            assert not re.search(r"my-bucket|example-bucket|<[a-z-]+>|escrow_bucket|\$\{", text), name
            assert text.count(CHECKPOINT_TOKEN) == name.endswith(".template.yaml"), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_claim_names_every_recipe_and_dataset_that_a_job_reads(tmp_path, kind):
    claim = of_kind(tmp_path, kind).claim
    named = {item["uri"] for item in claim["objects"]}
    jobs = [stage["job"] for stage in claim["stages"] if "job" in stage]
    jobs += [item[subject] for item in claim["evaluations"] for subject in ("base", "candidate")]
    for job in jobs:
        filled = {job.get("recipe")} if "recipe_template" in job else set()
        assert uris_of(job) - filled <= named
        assert job.get("recipe_template", job.get("recipe")) in {None, *named}


def test_a_stage_that_starts_from_another_leaves_its_model_to_the_run(tmp_path):
    run = of_kind(tmp_path, "sft, then rft")
    job = run.claim["stages"][1]["job"]
    assert run.claim["stages"][1]["start"] == "first"
    assert not job["request"]["HyperParameters"].keys() & {"base_model", "base_model_location"}
    assert recipe_of(run, "second")["run"]["model_name_or_path"] == CHECKPOINT_TOKEN
    assert job["recipe_template"] == f"{FOLDER}/recipes/second/recipe.template.yaml"
    assert channels_of(job["request"])["recipe"]["S3Uri"] == job["recipe"] == f"{FOLDER}/recipes/second/recipe.yaml"
    assert list(job["open"]) == ["HyperParameters.base_model_location"]
    assert "stage first" in job["open"]["HyperParameters.base_model_location"]["what"]


def test_a_stage_starts_from_a_checkpoint_or_a_model_package(tmp_path):
    checkpoint = of_kind(tmp_path, "sft from a checkpoint")
    uri = recipe_of(checkpoint, "first")["run"]["model_name_or_path"]
    request = checkpoint.claim["stages"][0]["job"]["request"]
    assert uri.startswith("s3://customer-escrow-")
    assert request["HyperParameters"]["base_model_location"] == uri
    package = of_kind(tmp_path, "sft from a model package")
    request = package.claim["stages"][0]["job"]["request"]
    arn = recipe_of(package, "first")["run"]["model_name_or_path"]
    assert request["ModelPackageConfig"] == {"ModelPackageGroupArn": PACKAGE_GROUP, "SourceModelPackageArn": arn}
    assert not request["HyperParameters"].keys() & {"base_model", "base_model_location"}


def test_both_places_of_the_reward_name_the_environments_function(tmp_path):
    run = of_kind(tmp_path, "rft")
    recipe = recipe_of(run, "first")
    assert recipe["run"]["reward_lambda_arn"] == REWARD
    assert recipe["training_config"]["rollout"]["rewards"]["api_endpoint"]["lambda_arn"] == REWARD
    assert run.claim["stages"][0]["job"]["request"]["HyperParameters"]["reward_lambda_arn"] == REWARD
    evaluation = of_kind(tmp_path, "rft_eval")
    assert recipe_of(evaluation, "holdout-candidate")["rl_env"]["reward_lambda_arn"] == REWARD
    assert evaluation.claim["evaluations"][0]["base"]["invokes"] == [REWARD]


def test_metrics_of_ones_own_are_computed_by_the_processor_that_the_file_names(tmp_path):
    run = of_kind(tmp_path, "own metrics")
    function = "arn:aws:lambda:us-east-1:111111111111:function:metrics"
    processor = recipe_of(run, "holdout-base")["processor"]
    assert (processor["lambda_arn"], processor["lambda_type"]) == (function, "custom_metrics")
    assert processor["aggregation"] == "max"
    assert (processor["preprocessing"]["enabled"], processor["postprocessing"]["enabled"]) == (False, True)
    for subject in ("base", "candidate"):
        request = run.claim["evaluations"][0][subject]["request"]
        assert request["HyperParameters"]["eval_lambda_arn"] == function
    assert "eval_lambda_arn" not in run.claim["evaluations"][1]["base"]["request"]["HyperParameters"]


def test_a_benchmark_takes_no_data_and_names_a_subtask_only_where_it_has_some(tmp_path):
    run = of_kind(tmp_path, "benchmark")
    evaluation = run.claim["evaluations"][0]
    assert (evaluation["data_uri"], evaluation["rows"]) == (None, None)
    assert set(channels_of(evaluation["base"]["request"])) == {"recipe"}
    told = recipe_of(run, "holdout-base")["evaluation"]
    assert told == {"task": "mmlu", "strategy": "zs_cot", "metric": "accuracy", "subtask": "anatomy"}
    whole = of_kind(tmp_path, "benchmark without subtasks")
    told = recipe_of(whole, "holdout-candidate")["evaluation"]
    assert told == {"task": "ifeval", "strategy": "zs", "metric": "accuracy"}


def test_data_of_a_task_has_the_name_that_its_container_looks_for(tmp_path):
    for kind, name in (("judge", "llm_judge.jsonl"), ("rft_eval", "rft_eval.jsonl"), ("sft", "gen_qa.jsonl")):
        assert of_kind(tmp_path, kind).claim["evaluations"][0]["data_uri"].endswith(f"/{name}")
    path = write_kind(tmp_path, "judge")
    path.write_text(path.read_text().replace("llm_judge", "mm_llm_judge"))
    assert compiled(path).claim["evaluations"][0]["data_uri"].endswith("/llm_judge.jsonl")


def test_a_distillation_says_bucket_and_key_as_text_and_says_the_key_twice(tmp_path):
    run = of_kind(tmp_path, "distillation")
    config = recipe_of(run, "first")["training_config"]
    assert (config["customer_bucket"], config["kms_key"]) == (RESOURCES.artifact_bucket, RESOURCES.key_arn)
    assert all(isinstance(value, str) for value in config.values())
    request = run.claim["stages"][0]["job"]["request"]
    assert request["HyperParameters"]["kms_key"] == RESOURCES.key_arn
    assert request["HyperParameters"]["role_arn"] == RESOURCES.training_role_arn
    path = write_kind(tmp_path, "distillation")
    own = "arn:aws:kms:us-east-1:111111111111:key/22222222-2222-2222-2222-222222222222"
    text = path.read_text().replace("teacher: nova-pro", f"teacher: nova-pro, overrides: {{kms_key: '{own}'}}")
    path.write_text(text)
    run = compiled(path)
    assert recipe_of(run, "first")["training_config"]["kms_key"] == own
    assert run.claim["stages"][0]["job"]["request"]["HyperParameters"]["kms_key"] == own


def test_a_hyperpod_stage_is_a_recipe_with_its_paths_and_no_request(tmp_path):
    run = of_kind(tmp_path, "hyperpod rft")
    (stage,) = run.claim["stages"]
    assert "job" not in stage
    recipe = recipe_of(run, "first")["run"]
    assert recipe["data_s3_path"].startswith(f"s3://{RESOURCES.data_bucket}/data/")
    assert recipe["output_s3_path"].startswith(FOLDER)
    assert recipe["reward_lambda_arn"] == REWARD
    for subject in ("base", "candidate"):
        assert "request" not in run.claim["evaluations"][0][subject]
        assert recipe_of(run, f"holdout-{subject}")["run"]["data_s3_path"].endswith("/gen_qa.jsonl")


def test_the_instances_of_a_ppo_recipe_are_its_actors(tmp_path):
    recipe = recipe_of(of_kind(tmp_path, "hyperpod ppo"), "first")
    assert recipe["run"]["actor_train_replicas"] == recipe["ppo_actor_train"]["trainer"]["num_nodes"] == 2


def test_bedrocks_job_is_named_by_each_attempt_and_told_what_the_file_says(tmp_path):
    first, second = (stage["job"] for stage in of_kind(tmp_path, "bedrock sft, twice").claim["stages"])
    for job in (first, second):
        assert not job["request"].keys() & {"jobName", "clientRequestToken"}
        assert job["request"]["hyperParameters"]["learningRate"] == "0.00001"
    assert first["request"]["baseModelIdentifier"].endswith("foundation-model/amazon.nova-micro-v1:0:128k")
    assert "baseModelIdentifier" not in second["request"]
    assert list(second["open"]) == ["baseModelIdentifier"]
    assert first["request"]["customModelName"] != second["request"]["customModelName"]


def test_a_serverless_job_is_told_its_pace_as_text_and_resolves_its_model_first(tmp_path):
    stage = of_kind(tmp_path, "serverless sft").claim["stages"][0]
    told = stage["job"]["request"]["HyperParameters"]
    assert told.keys() >= {"name", "learning_rate", "global_batch_size", "max_steps"}
    assert all(isinstance(value, str) for value in told.values())
    assert [item["action"] for item in stage["prepare"]] == ["DescribeHubContent"]
    assert "BaseModelArn" not in stage["job"]["request"]["ServerlessJobConfig"]
    rewarded = of_kind(tmp_path, "serverless rft").claim["stages"][0]
    document = next(
        item["request"]["HubContentDocument"] for item in rewarded["prepare"] if "Register" in item["state"]
    )
    assert REWARD in document
    assert rewarded["job"]["request"]["ServerlessJobConfig"]["EvaluatorArn"].endswith("/JsonDoc/classification/0.0.1")


def test_a_candidate_that_no_job_can_read_is_left_out_and_said_so(tmp_path):
    for kind, reason in (("bedrock sft", "stays in Bedrock"), ("distillation", "no model to evaluate")):
        candidate = of_kind(tmp_path, kind).claim["evaluations"][0]["candidate"]
        assert list(candidate) == ["note"]
        assert reason in candidate["note"]


def test_validation_data_of_nova_2_is_named_in_the_recipe_too(tmp_path):
    path = write_kind(tmp_path, "sft of nova-2-lite")
    path.write_text(path.read_text().replace("train: sft.jsonl", "train: sft.jsonl, validation: validation.jsonl"))
    run = compiled(path)
    channel = channels_of(run.claim["stages"][0]["job"]["request"])["validation"]
    assert recipe_of(run, "first")["run"]["validation_data_s3_path"] == channel["S3Uri"]


# ---- images ----------------------------------------------------------------------------------------------------

IMAGE = "nova-fine-tune-repo:SM-TJ-SFT-latest"
DIGEST = f"sha256:{'ab' * 32}"


def test_an_image_that_the_environment_pins_is_pulled_by_digest_and_its_tag_is_recorded(tmp_path):
    loose, pinned = (
        of_kind(tmp_path, "sft"),
        of_kind(tmp_path, "sft", DEV.model_copy(update={"images": {IMAGE: DIGEST}})),
    )
    image = pinned.claim["stages"][0]["job"]["request"]["AlgorithmSpecification"]["TrainingImage"]
    assert image == f"708977205387.dkr.ecr.us-east-1.amazonaws.com/nova-fine-tune-repo@{DIGEST}"
    recorded = json.loads(pinned.files["requests.json"])["images"]
    assert recorded["first"] == {"name": IMAGE, "uri": image, "digest": DIGEST}
    assert recorded["holdout-base"]["digest"] is None
    assert json.loads(pinned.files["plan.json"])["images"] == recorded
    names = [run.claim["stages"][0]["job"]["base_name"] for run in (loose, pinned)]
    assert names[0] != names[1]
