"""Training jobs are asked for as Amazon's SDKs ask for them."""

import json
from pathlib import Path

from novaline.requests.conformance import check_request
from novaline.requests.training_job import Job, evaluation_job, fine_tuning_job

CAPTURED = json.loads((Path(__file__).parent / "captured.json").read_text(encoding="utf-8"))["requests"]
IMAGE = "708977205387.dkr.ecr.us-east-1.amazonaws.com/nova-fine-tune-repo:SM-TJ-SFT-V2-latest"


def job(**changes):
    values = {
        "image": IMAGE, "instance_type": "ml.p5.48xlarge", "instance_count": 4,
        "role_arn": "arn:aws:iam::111111111111:role/exec", "output_uri": "s3://bkt/out",
        "key_arn": "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000",
        "recipe_uri": "s3://bkt/recipe.yaml", "max_runtime_seconds": 3600, "tags": {"novaline:run": "r"},
    }  # fmt: skip
    return Job(**(values | changes))


def sft(**changes):
    return fine_tuning_job(
        job(**changes),
        model_type="amazon.nova-2-lite-v1:0:256k",
        base_model="nova-lite-2/prod",
        train_uri="s3://bkt/train.jsonl",
    )


def channels(request):
    return {
        item["ChannelName"]: (
            item["DataSource"]["S3DataSource"]["S3DataType"],
            item["DataSource"]["S3DataSource"]["S3Uri"],
            item.get("InputMode"),
        )
        for item in request["InputDataConfig"]
    }


def test_hyperparameters_are_the_union_of_what_both_sdks_send():
    v2, v3 = CAPTURED["v2:sft"]["HyperParameters"], CAPTURED["v3:sft"]["HyperParameters"]
    assert sft()["HyperParameters"] == {**v2, **v3}


def test_channels_have_the_types_that_both_sdks_send():
    ours, v3 = channels(sft()), channels(CAPTURED["v3:sft"])
    assert ours["train"] == v3["train"]
    assert (ours["recipe"][0], ours["recipe"][2]) == (v3["recipe"][0], v3["recipe"][2])
    assert ours["recipe"][1].endswith("/recipe.yaml")


def test_an_evaluation_reads_its_rows_as_a_prefix_and_its_checkpoint_by_location():
    request = evaluation_job(
        job(instance_count=1),
        model_type="amazon.nova-2-lite-v1:0:256k",
        base_model="s3://customer-escrow-123/abc",
        data_uri="s3://bkt/gen_qa.jsonl",
    )
    captured = CAPTURED["v2:eval"]
    assert channels(request)["train"] == channels(captured)["train"]
    assert request["HyperParameters"]["base_model_location"] == captured["HyperParameters"]["base_model_location"]
    assert "base_model" not in request["HyperParameters"]


def test_an_evaluation_of_a_model_to_come_names_none():
    request = evaluation_job(job(), model_type="t", base_model=None, data_uri="s3://bkt/gen_qa.jsonl")
    assert request["HyperParameters"].keys() == {"model_type", "sagemaker_recipe_local_path"}


def test_output_is_encrypted_compressed_and_bounded_in_time():
    request = sft()
    assert request["OutputDataConfig"] == {
        "S3OutputPath": "s3://bkt/out",
        "KmsKeyId": job().key_arn,
        "CompressionType": "GZIP",
    }
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert request["EnableInterContainerTrafficEncryption"] is True


def test_a_volume_key_is_sent_only_where_sagemaker_takes_one():
    assert "VolumeKmsKeyId" not in sft()["ResourceConfig"]
    assert "VolumeKmsKeyId" not in sft(instance_type="ml.g6.12xlarge")["ResourceConfig"]
    assert sft(instance_type="ml.r5.24xlarge")["ResourceConfig"]["VolumeKmsKeyId"] == job().key_arn


def test_requests_conform_once_they_have_a_name():
    assert check_request("sagemaker", "CreateTrainingJob", {"TrainingJobName": "n", **sft()}) == ()
