import json
import random
import re

import pytest

from novaline.rehearsal.aws_call import AwsError
from novaline.rehearsal.faults import Fault
from novaline.rehearsal.sagemaker import SageMaker
from novaline.requests.conformance import service_model
from tests.rehearsal.fake_cloud import KEY, FakeCloud
from tests.rehearsal.jobs import (
    CALLER,
    EVALUATOR,
    LITE_2_RECIPE,
    SFT_RECIPE,
    TRAINER,
    call,
    checkpoint_of,
    evaluation_request,
    gen_qa_rows,
    intents,
    output_of,
    run_job,
    sft_request,
    sft_rows,
    wait_for,
)


@pytest.fixture
def cloud():
    return FakeCloud()


@pytest.fixture
def sagemaker(cloud):
    return SageMaker(cloud, warm_up=False)


def accuracy(cloud, name):
    files = output_of(cloud, name)
    (results,) = (json.loads(content) for file, content in files.items() if "/results_" in file)
    return results["results"]["all"]["exact_match"]


def test_training_leaves_a_manifest_that_names_a_checkpoint_in_escrow(cloud, sagemaker):
    job = run_job(sagemaker, sft_request(cloud))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert set(output_of(cloud, "sft-1")) == {"manifest.json"}
    assert re.fullmatch(r"s3://customer-escrow-111111111111-smtj-[0-9a-f]{8}/sft-1/20", checkpoint_of(cloud, "sft-1"))
    assert cloud.buckets["artifacts"]["runs/r1/training/sft-1/output/output.tar.gz"]["SSEKMSKeyId"] == KEY


def test_statuses_move_in_order_and_none_is_left_open(cloud, sagemaker):
    job = run_job(sagemaker, sft_request(cloud))
    steps = job["SecondaryStatusTransitions"]
    order = ["Starting", "Pending", "Downloading", "Training", "Uploading", "Completed"]
    assert [step["Status"] for step in steps] == order
    assert all(step["StartTime"] <= step["EndTime"] for step in steps)
    assert set(order) <= set(service_model("sagemaker").shape_for("SecondaryStatus").enum)
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert job["FinalMetricDataList"][0]["MetricName"] == "reduced_train_loss"


def test_the_description_has_every_member_that_the_api_requires(cloud, sagemaker):
    job = run_job(sagemaker, sft_request(cloud, Tags=[{"Key": "run", "Value": "r1"}]))
    shape = service_model("sagemaker").operation_model("DescribeTrainingJob").output_shape
    assert set(shape.required_members) <= set(job) <= set(shape.members)


def test_loss_falls_and_the_log_says_that_it_is_a_stand_in_s(cloud, sagemaker):
    run_job(sagemaker, sft_request(cloud))
    ((stream, lines),) = cloud.log_groups["/aws/sagemaker/TrainingJobs"].items()
    assert re.fullmatch(r"sft-1/algo-1-\d{10}", stream)
    assert all("stand-in" in line for line in lines)
    losses = [float(found[1]) for line in lines if (found := re.search(r"reduced_train_loss=([\d.]+)", line))]
    assert len(losses) == 20
    assert losses[0] > 3 * losses[-1]
    assert all("lr=" in line and "samples_per_second=" in line for line in lines if "reduced_train_loss" in line)
    assert cloud.metrics[0][:2] == ("/aws/sagemaker/TrainingJobs", "reduced_train_loss")


def test_the_candidate_beats_the_base_because_it_learned(cloud, sagemaker):
    run_job(sagemaker, sft_request(cloud))
    for name, model in (("base", "nova-micro/prod"), ("candidate", checkpoint_of(cloud, "sft-1"))):
        job = run_job(sagemaker, evaluation_request(cloud, name, model=model))
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert accuracy(cloud, "candidate") > 0.95
    assert 0 < accuracy(cloud, "base") < 0.6


def test_shuffled_labels_collapse_the_candidate_to_chance(cloud, sagemaker):
    pairs = intents(160)
    labels = [label for _, label in pairs]
    random.Random(5).shuffle(labels)
    shuffled = [(query, label) for (query, _), label in zip(pairs, labels, strict=True)]
    run_job(sagemaker, sft_request(cloud, data=sft_rows(shuffled)))
    run_job(sagemaker, evaluation_request(cloud, model=checkpoint_of(cloud, "sft-1")))
    assert accuracy(cloud, "eval-1") < 0.5


def test_an_evaluation_lies_where_the_real_container_puts_it(cloud, sagemaker):
    run_job(sagemaker, evaluation_request(cloud, model="nova-micro/prod"))
    files = output_of(cloud, "eval-1")
    (results,) = [name for name in files if name != "holdout/eval_results/inference_output.jsonl"]
    assert re.fullmatch(r"holdout/eval_results/results_[0-9T.-]+\.json", results)
    table = json.loads(files[results])["results"]["all"]
    metrics = ["rouge1", "rouge2", "rougeL", "exact_match", "quasi_exact_match", "f1_score", "f1_score_quasi", "bleu"]
    assert set(table) == {*metrics, *(f"{metric}_stderr" for metric in metrics)}
    rows = [json.loads(line) for line in files["holdout/eval_results/inference_output.jsonl"].splitlines()]
    assert len(rows) == 80
    query, gold = intents(80, seed=2)[0]
    assert (rows[0]["query"], rows[0]["gold"]) == (query, gold)
    assert query in rows[0]["prompt"]
    assert all(isinstance(row["inference"], list) and len(row["inference"]) == 1 for row in rows)


def test_nova_2_lite_trains_for_max_steps_with_its_own_image(cloud, sagemaker):
    lite = {"model_type": "amazon.nova-2-lite-v1:0:256k", "base_model": "nova-lite-2/prod"}
    image = "nova-fine-tune-repo:SM-TJ-SFT-V2-latest"
    run_job(sagemaker, sft_request(cloud, recipe=LITE_2_RECIPE, image=image, hyperparameters=lite))
    assert checkpoint_of(cloud, "sft-1").endswith("/sft-1/10")


def test_an_image_may_be_pinned_by_digest(cloud, sagemaker):
    request = sft_request(cloud, image=f"nova-fine-tune-repo@sha256:{5:064x}")
    assert run_job(sagemaker, request)["TrainingJobStatus"] == "Completed"


@pytest.mark.parametrize("uri", ["s3://artifacts/runs/r1/recipes/sft-1", "s3://artifacts/runs/r1/recipes/sft-1/"])
def test_a_channel_may_name_a_folder_as_the_older_sdk_does(cloud, sagemaker, uri):
    request = sft_request(cloud)
    request["InputDataConfig"][1]["DataSource"]["S3DataSource"]["S3Uri"] = uri
    assert run_job(sagemaker, request)["TrainingJobStatus"] == "Completed"


def test_a_channel_takes_every_object_with_its_prefix(cloud, sagemaker):
    cloud.put("data", "data/sft-1/train.jsonl.bak", b"")
    assert "channel train has 2 files" in run_job(sagemaker, sft_request(cloud))["FailureReason"]


def test_files_lie_unpacked_where_compression_is_none(cloud, sagemaker):
    output = {"S3OutputPath": "s3://artifacts/runs/r1/training/", "CompressionType": "NONE"}
    run_job(sagemaker, sft_request(cloud, OutputDataConfig=output))
    assert "checkpoint_s3_bucket" in json.loads(cloud.get("artifacts", "runs/r1/training/sft-1/output/manifest.json"))


BAD_JOBS = {
    "wrong image for the model": ({"image": "nova-fine-tune-repo:SM-TJ-SFT-V2-latest"}, "SM-TJ-SFT-latest can"),
    "image of nobody": ({"image": "my-repo:latest"}, "cannot pull the image"),
    "digest of nobody": ({"image": f"my-repo@sha256:{5:064x}"}, "cannot pull the image"),
    "digest of another repository": ({"image": f"nova-evaluation-repo@sha256:{5:064x}"}, "SM-TJ-SFT-latest can"),
    "recipe path": ({"hyperparameters": {"sagemaker_recipe_local_path": "/opt/ml/input/data/recipe/x.yaml"}}, "x.yaml"),
    "other model type": ({"hyperparameters": {"model_type": "other", "base_model": "nova-micro/prod"}}, "'other'"),
    "other base": ({"hyperparameters": {"base_model": "nova-lite/prod"}}, "hyperparameter base_model must be"),
    "no data type": ({"data_type": "S3Prefix"}, "needs Converse"),
    "recipe no YAML": ({"recipe": "run: [unclosed"}, "the recipe is not readable"),
    "key missing": ({"recipe": SFT_RECIPE.replace("global_batch_size: 16", "")}, "training_config.global_batch_size"),
    "bad epochs": ({"recipe": SFT_RECIPE.replace("max_epochs: 2", "max_epochs: 0")}, "trainer.max_epochs is 0"),
    "model pair": ({"recipe": SFT_RECIPE.replace("nova-micro/prod", "nova-lite/prod")}, "is 'nova-micro/prod'"),
    "no rows": ({"data": b""}, "no rows"),
}


@pytest.mark.parametrize(("change", "reason"), BAD_JOBS.values(), ids=BAD_JOBS)
def test_the_container_refuses(cloud, sagemaker, change, reason):
    job = run_job(sagemaker, sft_request(cloud, **change))
    assert job["TrainingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]
    assert "runs/r1/training/sft-1/output/output.tar.gz" not in cloud.buckets["artifacts"]


def turn(role, *content):
    return {"role": role, "content": list(content)}


USER, ASSISTANT = turn("user", {"text": "q"}), turn("assistant", {"text": "a"})
TOOL_RESULT = {"toolResult": {"toolUseId": "t", "content": [{"text": "r"}]}}
BAD_ROWS = {
    "no JSON": ("{", "truncated"),
    "unknown key": ({"messages": [USER, ASSISTANT], "label": "x"}, "label"),
    "wrong schema version": ({"schemaVersion": "v2", "messages": [USER, ASSISTANT]}, "v2"),
    "one message": ({"messages": [USER]}, "1 messages"),
    "two user turns": ({"messages": [USER, USER]}, "message 2 is by 'user'"),
    "ends with the user": ({"messages": [USER, ASSISTANT, USER]}, "the last message"),
    "empty text": ({"messages": [USER, turn("assistant", {"text": " "})]}, "text is empty"),
    "two kinds": ({"messages": [turn("user", {"text": "q", "image": {}}), ASSISTANT]}, "exactly one kind"),
    "media for Micro": ({"messages": [turn("user", {"text": "q"}, {"image": {}}), ASSISTANT]}, "content 2 is image"),
    "reasoning for Micro": (
        {"messages": [USER, turn("assistant", {"reasoningContent": {"reasoningText": {"text": "r"}}}, {"text": "a"})]},
        "reasoningContent",
    ),
    "reserved word": ({"messages": [turn("user", {"text": "User: hi"}), ASSISTANT]}, "'User:' is a reserved word"),
    "result without use": ({"messages": [turn("user", TOOL_RESULT), ASSISTANT]}, "no earlier use"),
}


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_fails_the_job_and_is_named(cloud, sagemaker, row, reason):
    line = row if isinstance(row, str) else json.dumps(row)
    data = sft_rows(intents(2)) + line.encode() + b"\n" + sft_rows(intents(1))
    job = run_job(sagemaker, sft_request(cloud, data=data))
    assert job["FailureReason"].startswith("AlgorithmError: row 3 of the training data: ")
    assert reason in job["FailureReason"]
    assert f"stand-in: {job['FailureReason']}" in cloud.log_lines()


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (gen_qa_rows(intents(1)) + b'{"query": "q"}\n', "row 2 of gen_qa.jsonl"),
        (b'{"query": "q", "response": "r", "extra": 1}\n', "extra"),
        (b"", "has no rows"),
    ],
)
def test_a_bad_question_fails_the_evaluation(cloud, sagemaker, rows, reason):
    job = run_job(sagemaker, evaluation_request(cloud, model="nova-micro/prod", data=rows))
    assert reason in job["FailureReason"]


def test_the_evaluation_s_file_has_a_fixed_name(cloud, sagemaker):
    job = run_job(sagemaker, evaluation_request(cloud, model="nova-micro/prod", file="rows.jsonl"))
    assert "must hold gen_qa.jsonl, found rows.jsonl" in job["FailureReason"]


TRAINER_ACTIONS = [
    "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage",
    "s3:ListBucket", "s3:GetObject", "s3:PutObject", "kms:GenerateDataKey", "kms:Encrypt",
    "logs:DescribeLogStreams", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents",
    "cloudwatch:PutMetricData",
]  # fmt: skip


@pytest.mark.parametrize("action", TRAINER_ACTIONS)
def test_a_permission_that_the_role_lacks_fails_the_job_and_is_named(cloud, sagemaker, action):
    cloud.denied.add((TRAINER, action))
    job = run_job(sagemaker, sft_request(cloud))
    assert job["TrainingJobStatus"] == "Failed"
    assert TRAINER in job["FailureReason"]
    assert action in job["FailureReason"]


@pytest.mark.parametrize("action", ["s3:ListBucket", "s3:GetObject"])
def test_a_checkpoint_is_read_under_the_evaluation_role_even_when_it_is_known(cloud, sagemaker, action):
    run_job(sagemaker, sft_request(cloud))
    uri = checkpoint_of(cloud, "sft-1")
    run_job(sagemaker, evaluation_request(cloud, "first", model=uri))
    read = {(who, done) for who, done, resource in cloud.used if "customer-escrow" in resource}
    assert (EVALUATOR, action) in read
    assert not any(who == TRAINER for who, _ in read)


def test_a_checkpoint_that_is_not_there_fails_the_evaluation(cloud, sagemaker):
    run_job(sagemaker, sft_request(cloud))
    nowhere = checkpoint_of(cloud, "sft-1").replace("/20", "/21")
    job = run_job(sagemaker, evaluation_request(cloud, model=nowhere))
    assert f"there is no checkpoint at {nowhere}" in job["FailureReason"]
    job = run_job(sagemaker, evaluation_request(cloud, "eval-2", model="s3://artifacts/copy/20"))
    assert "lies in no escrow bucket" in job["FailureReason"]


def test_a_stop_ends_the_job_as_stopped(cloud, sagemaker):
    cloud.faults.add(Fault(service="sagemaker", operation="CreateTrainingJob", kind="slow"))
    sagemaker.handle(call("CreateTrainingJob", **sft_request(cloud)))
    wait_for(sagemaker, "sft-1", until="Training")
    sagemaker.handle(call("StopTrainingJob", TrainingJobName="sft-1"))
    job = wait_for(sagemaker, "sft-1")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert [step["Status"] for step in job["SecondaryStatusTransitions"]][-2:] == ["Stopping", "Stopped"]
    with pytest.raises(AwsError, match="cannot be stopped"):
        sagemaker.handle(call("StopTrainingJob", TrainingJobName="sft-1"))


def test_a_job_that_is_slow_ends_when_its_time_is_over(cloud, sagemaker):
    cloud.faults.add(Fault(service="sagemaker", operation="CreateTrainingJob", kind="slow"))
    job = run_job(sagemaker, sft_request(cloud, StoppingCondition={"MaxRuntimeInSeconds": 60}))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "FailureReason" not in job


FAULTS = [
    (
        Fault(service="sagemaker", operation="CreateTrainingJob", kind="fail", message="out of memory"),
        "Failed",
        "Failed",
    ),
    (Fault(service="sagemaker", operation="CreateTrainingJob", kind="stop"), "Stopped", "Stopped"),
    (
        Fault(service="sagemaker", operation="CreateTrainingJob", kind="stop", code="MaxRuntimeExceeded"),
        "Stopped",
        "MaxRuntimeExceeded",
    ),
    (Fault(service="sagemaker", operation="CreateTrainingJob", kind="deny-key"), "Failed", "Failed"),
    (Fault(service="sagemaker", operation="CreateTrainingJob", kind="no-manifest"), "Completed", "Completed"),
]


@pytest.mark.parametrize(("fault", "status", "secondary"), FAULTS, ids=[f"{f.kind} {f.code}" for f, _, _ in FAULTS])
def test_a_fault_ends_one_job_and_not_the_next(cloud, sagemaker, fault, status, secondary):
    cloud.faults.add(fault)
    job = run_job(sagemaker, sft_request(cloud))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == (status, secondary)
    expected = {"fail": "AlgorithmError: out of memory", "deny-key": "kms:GenerateDataKey"}.get(fault.kind)
    assert expected is None or expected in job["FailureReason"]
    if fault.kind == "no-manifest":
        assert output_of(cloud, "sft-1") == {}
    assert run_job(sagemaker, sft_request(cloud, "sft-2"))["TrainingJobStatus"] == "Completed"


def test_a_fault_refuses_the_request_as_capacity_would(cloud, sagemaker):
    code = "ResourceLimitExceeded"
    cloud.faults.add(Fault(service="sagemaker", operation="CreateTrainingJob", kind="error", code=code, match="sft"))
    with pytest.raises(AwsError) as refusal:
        run_job(sagemaker, sft_request(cloud))
    assert refusal.value.code == code
    assert run_job(sagemaker, sft_request(cloud))["TrainingJobStatus"] == "Completed"


def test_a_name_is_used_once(cloud, sagemaker):
    run_job(sagemaker, sft_request(cloud))
    with pytest.raises(AwsError) as refusal:
        sagemaker.handle(call("CreateTrainingJob", **sft_request(cloud)))
    assert refusal.value.code == "ResourceInUse"


@pytest.mark.parametrize("action", ["iam:PassRole", "sagemaker:AddTags"])
def test_the_caller_needs(cloud, sagemaker, action):
    cloud.denied.add((CALLER, action))
    with pytest.raises(AwsError, match=action):
        sagemaker.handle(call("CreateTrainingJob", **sft_request(cloud, Tags=[{"Key": "run", "Value": "r1"}])))


def test_a_role_that_does_not_trust_sagemaker_is_refused_at_once(cloud, sagemaker):
    cloud.distrusted.add((TRAINER, "sagemaker.amazonaws.com"))
    with pytest.raises(AwsError, match=r"Could not assume role .*role/Training .*sts:AssumeRole"):
        sagemaker.handle(call("CreateTrainingJob", **sft_request(cloud)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"TrainingJobName": "has_underscore"}, "does not match the pattern"),
        ({"Surprise": 1}, "Surprise"),
        (
            {"ResourceConfig": {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1, "VolumeKmsKeyId": KEY}},
            "local storage",
        ),
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "TrainingImage is missing"),
    ],
)
def test_a_request_that_the_api_refuses_starts_nothing(cloud, sagemaker, change, told):
    with pytest.raises(AwsError, match=told) as refusal:
        sagemaker.handle(call("CreateTrainingJob", **(sft_request(cloud) | change)))
    assert refusal.value.code == "ValidationException"
    assert sagemaker.handle(call("ListTrainingJobs")) == {"TrainingJobSummaries": []}


def test_iam_asks_for_the_job_s_own_arn(cloud, sagemaker):
    request = sft_request(cloud, "Sft-1", Tags=[{"Key": "run", "Value": "r1"}])
    action, resource, context = sagemaker.iam(call("CreateTrainingJob", **request))
    assert (action, resource) == (
        "sagemaker:CreateTrainingJob",
        "arn:aws:sagemaker:us-east-1:111111111111:training-job/sft-1",
    )
    assert context["aws:RequestTag/run"] == "r1"
    assert context["sagemaker:OutputKmsKey"] == KEY
    assert sagemaker.iam(call("ListTrainingJobs"))[:2] == ("sagemaker:ListTrainingJobs", "*")
    assert sagemaker.iam(call("ListTags", ResourceArn=resource))[:2] == ("sagemaker:ListTags", resource)


def test_jobs_are_listed_newest_first_in_pages_and_carry_tags(cloud, sagemaker):
    for number in range(3):
        run_job(sagemaker, sft_request(cloud, f"sft-{number}", data=b"", Tags=[{"Key": "run", "Value": "r1"}]))
    first = sagemaker.handle(call("ListTrainingJobs", MaxResults=2))
    assert [job["TrainingJobName"] for job in first["TrainingJobSummaries"]] == ["sft-2", "sft-1"]
    rest = sagemaker.handle(call("ListTrainingJobs", MaxResults=2, NextToken=first["NextToken"]))
    assert [job["TrainingJobName"] for job in rest["TrainingJobSummaries"]] == ["sft-0"]
    assert "NextToken" not in rest
    arn = rest["TrainingJobSummaries"][0]["TrainingJobArn"]
    sagemaker.handle(call("AddTags", ResourceArn=arn, Tags=[{"Key": "more", "Value": "yes"}]))
    sagemaker.handle(call("DeleteTags", ResourceArn=arn, TagKeys=["run"]))
    assert sagemaker.handle(call("ListTags", ResourceArn=arn)) == {"Tags": [{"Key": "more", "Value": "yes"}]}


def test_an_unknown_job_is_a_validation_error_as_on_aws(sagemaker):
    with pytest.raises(AwsError, match="not found") as refusal:
        sagemaker.handle(call("DescribeTrainingJob", TrainingJobName="nobody"))
    assert refusal.value.code == "ValidationException"
