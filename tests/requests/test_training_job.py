"""Training jobs are asked for as Amazon's SDKs ask for them."""

import pytest

from novaline.requests.training_job import (
    RECIPE_PATH,
    Job,
    ModelPackage,
    Vpc,
    distillation_job,
    evaluation_job,
    fine_tuning_job,
    image_by_digest,
)

IMAGE = "708977205387.dkr.ecr.us-east-1.amazonaws.com/nova-fine-tune-repo:SM-TJ-SFT-V2-latest"
TYPE = "amazon.nova-2-lite-v1:0:256k"
REWARD = "arn:aws:lambda:us-east-1:123456789012:function:SageMakerReward"
GROUP = "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/mpg"
PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/mpg/1"


def job(**changes):
    values = {
        "image": IMAGE, "instance_type": "ml.p5.48xlarge", "instance_count": 4,
        "role_arn": "arn:aws:iam::111111111111:role/exec", "output_uri": "s3://bkt/out",
        "key_arn": "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000",
        "recipe_uri": "s3://bkt/recipe.yaml", "max_runtime_seconds": 3600, "tags": {"novaline:run": "r"},
    }  # fmt: skip
    return Job(**(values | changes))


@pytest.fixture
def tuned(training_job):
    """The request for a fine-tuning job, with changes to the job (`on`) or to what is asked."""

    def request(*, on=None, **changes):
        asked = {"model_type": TYPE, "base_model": "nova-lite-2/prod", "train_uri": "s3://bkt/train.jsonl"}
        return training_job(fine_tuning_job(job(**(on or {})), **(asked | changes)))

    return request


@pytest.fixture
def evaluated(training_job):
    def request(*, on=None, **changes):
        asked = {"model_type": TYPE, "base_model": "nova-lite-2/prod", "data_uri": "s3://bkt/gen_qa.jsonl"}
        return training_job(evaluation_job(job(**(on or {})), **(asked | changes)))

    return request


def channels(request):
    return {
        item["ChannelName"]: (
            item["DataSource"]["S3DataSource"]["S3DataType"],
            item["DataSource"]["S3DataSource"]["S3Uri"],
            item.get("InputMode"),
        )
        for item in request["InputDataConfig"]
    }


@pytest.mark.parametrize("technique", ["sft", "rft"])
def test_hyperparameters_are_the_union_of_what_both_sdks_send(tuned, captured, technique):
    v2, v3 = (captured[f"{version}:{technique}"]["HyperParameters"] for version in ("v2", "v3"))
    reward = REWARD if technique == "rft" else None
    assert tuned(technique=technique, reward_lambda_arn=reward)["HyperParameters"] == {**v2, **v3}


@pytest.mark.parametrize("technique", ["sft", "rft"])
def test_channels_have_the_types_that_both_sdks_send(tuned, captured, technique):
    reward = REWARD if technique == "rft" else None
    ours, v3 = (
        channels(tuned(technique=technique, reward_lambda_arn=reward)),
        channels(captured[f"v3:{technique}"]),
    )
    assert ours["train"] == v3["train"] == channels(captured[f"v2:{technique}"])["train"]
    assert (ours["recipe"][0], ours["recipe"][2]) == (v3["recipe"][0], v3["recipe"][2])
    assert ours["recipe"][1].endswith("/recipe.yaml")


@pytest.mark.parametrize("technique", ["sft", "rft"])
def test_all_else_that_version_3_sends_is_sent_too(tuned, captured, technique):
    v3 = dict(captured[f"v3:{technique}"])
    ours = tuned(
        on={"vpc": Vpc(security_group_ids=("sg-1",), subnet_ids=("subnet-1",)), "network_isolation": True},
        technique=technique,
        reward_lambda_arn=REWARD if technique == "rft" else None,
    )
    assert v3.keys() <= ours.keys() | {"TrainingJobName"}
    for same in ("AlgorithmSpecification", "StoppingCondition", "VpcConfig", "EnableNetworkIsolation"):
        assert v3.get(same, ours[same]) == ours[same]
    assert v3["OutputDataConfig"].items() <= ours["OutputDataConfig"].items()


def test_validation_data_has_the_type_of_the_training_data(tuned):
    for technique, expected in (("sft", "Converse"), ("dpo", "Converse"), ("rft", "S3Prefix")):
        request = tuned(
            technique=technique,
            validation_uri="s3://bkt/val.jsonl",
            reward_lambda_arn=REWARD if technique == "rft" else None,
        )
        found = channels(request)
        assert found["train"][0] == found["validation"][0] == expected


def test_a_stage_that_follows_another_leaves_its_model_open_until_a_checkpoint_exists(tuned):
    assert tuned(base_model=None)["HyperParameters"].keys() == {"model_type", "sagemaker_recipe_local_path"}
    checkpoint = "s3://customer-escrow-123456789012-smtj-1/x/0/"
    assert tuned(base_model=checkpoint)["HyperParameters"]["base_model_location"] == checkpoint


def test_a_reward_function_is_given_to_rft_and_to_nothing_else(tuned):
    with pytest.raises(ValueError, match="rft needs one"):
        tuned(technique="rft")
    with pytest.raises(ValueError, match="others take none"):
        tuned(technique="dpo", reward_lambda_arn=REWARD)


@pytest.mark.parametrize(
    "arn",
    [f"{REWARD}:1", f"{REWARD}:live", "SageMakerReward", REWARD.replace(":function:", ":layer:"), REWARD[:-15], ""],
)
def test_a_function_without_a_plain_arn_never_gets_into_a_request(tuned, evaluated, arn):
    with pytest.raises(ValueError, match="without version and alias"):
        tuned(technique="rft", reward_lambda_arn=arn)
    with pytest.raises(ValueError, match="without version and alias"):
        evaluated(processor_arn=arn)


def test_a_model_package_is_where_a_job_starts_and_where_its_model_goes(tuned):
    package = ModelPackage(group_arn=GROUP, source_arn=PACKAGE)
    request = tuned(on={"model_package": package}, base_model=None)
    assert request["ModelPackageConfig"] == {"ModelPackageGroupArn": GROUP, "SourceModelPackageArn": PACKAGE}
    assert "base_model" not in request["HyperParameters"]
    assert tuned(on={"model_package": ModelPackage(group_arn=GROUP)})["ModelPackageConfig"] == {
        "ModelPackageGroupArn": GROUP
    }
    assert "ModelPackageConfig" not in tuned()


def test_a_job_starts_from_one_model(tuned):
    package = ModelPackage(group_arn=GROUP, source_arn=PACKAGE)
    with pytest.raises(ValueError, match="not from both"):
        tuned(on={"model_package": package})
    with pytest.raises(ValueError, match=r"Job\.model_package"):
        tuned(base_model=PACKAGE)


def test_an_evaluation_reads_its_rows_as_a_prefix_its_checkpoint_by_location_and_its_processor_by_arn(
    evaluated, captured
):
    request = evaluated(
        on={"instance_count": 1},
        base_model="s3://customer-escrow-123/abc",
        processor_arn="arn:aws:lambda:us-east-1:123456789012:function:NovaEval",
    )
    v2 = captured["v2:eval"]
    assert channels(request)["train"] == channels(v2)["train"]
    assert request["HyperParameters"] == {**v2["HyperParameters"], "sagemaker_recipe_local_path": RECIPE_PATH}
    assert request["ResourceConfig"]["InstanceCount"] == v2["ResourceConfig"]["InstanceCount"]


def test_a_benchmark_has_no_data_and_no_channel_but_its_recipe(evaluated):
    assert channels(evaluated(data_uri=None)).keys() == {"recipe"}


def test_an_evaluation_of_a_model_to_come_names_none(evaluated):
    assert evaluated(base_model=None)["HyperParameters"].keys() == {"model_type", "sagemaker_recipe_local_path"}


def test_distillation_gives_the_container_its_role_and_key_and_names_no_base_model(training_job):
    # Version 2 of the SDK sends exactly these, with an empty key where the recipe has none.
    cpu = job(instance_type="ml.r5.24xlarge", instance_count=1)
    request = training_job(
        distillation_job(cpu, model_type="amazon.nova-pro-v1:0:300k", train_uri="s3://bkt/prompts.jsonl")
    )
    assert request["HyperParameters"] == {
        "model_type": "amazon.nova-pro-v1:0:300k",
        "distillation_data": "true",
        "role_arn": cpu.role_arn,
        "kms_key": cpu.key_arn,
        "sagemaker_recipe_local_path": RECIPE_PATH,
    }
    assert channels(request)["train"] == ("Converse", "s3://bkt/prompts.jsonl", None)


def test_output_is_encrypted_compressed_and_bounded_in_time(tuned):
    request = tuned()
    assert request["OutputDataConfig"] == {
        "S3OutputPath": "s3://bkt/out",
        "KmsKeyId": job().key_arn,
        "CompressionType": "GZIP",
    }
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert request["EnableInterContainerTrafficEncryption"] is True
    assert tuned(on={"encrypt_between_instances": False})["EnableInterContainerTrafficEncryption"] is False


def test_a_vpc_and_isolation_are_sent_when_they_are_asked_for(tuned):
    vpc = Vpc(security_group_ids=("sg-1",), subnet_ids=("subnet-1", "subnet-2"))
    request = tuned(on={"vpc": vpc, "network_isolation": True})
    assert request["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}
    assert request["EnableNetworkIsolation"] is True
    assert "VpcConfig" not in tuned()
    assert tuned()["EnableNetworkIsolation"] is False


def test_a_volume_key_is_sent_only_where_sagemaker_takes_one(tuned):
    assert "VolumeKmsKeyId" not in tuned()["ResourceConfig"]
    assert "VolumeKmsKeyId" not in tuned(on={"instance_type": "ml.g6.12xlarge"})["ResourceConfig"]
    assert tuned(on={"instance_type": "ml.r5.24xlarge"})["ResourceConfig"]["VolumeKmsKeyId"] == job().key_arn


def test_a_digest_takes_the_place_of_the_tag_and_no_other_word_does():
    digest = "sha256:" + "0a" * 32
    pinned = f"708977205387.dkr.ecr.us-east-1.amazonaws.com/nova-fine-tune-repo@{digest}"
    assert image_by_digest(IMAGE, digest) == image_by_digest(pinned, digest) == pinned
    for wrong in ("latest", "sha256:0a", digest.upper(), f"{digest}0"):
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            image_by_digest(IMAGE, wrong)
