"""Requests find the services that Novaline adds, after IAM has agreed, and MiniStack's own where none is added."""

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.account import ACCOUNT, allow, unique

PROMPT = [{"role": "user", "content": [{"text": "Where is my card?"}]}]
MICRO = "amazon.nova-micro-v1:0"


def test_added_operations_are_answered(aws):
    assert aws.client("sagemaker").list_training_jobs(NameContains=unique("none"))["TrainingJobSummaries"] == []
    assert aws.client("bedrock").list_custom_model_deployments()["modelDeploymentSummaries"] is not None
    assert aws.client("bedrock-runtime").converse(modelId=MICRO, messages=PROMPT)["output"]["message"]


def test_other_operations_of_bedrock_are_the_emulators_own(aws):
    assert aws.client("bedrock").list_foundation_models()["modelSummaries"]


def test_other_operations_of_sagemaker_are_refused_by_name(aws):
    with pytest.raises(ClientError, match=r"UnknownOperation.*ListModels is not part of the rehearsal"):
        aws.client("sagemaker").list_models()


def test_a_caller_without_permission_is_told_in_the_words_of_iam(aws):
    with pytest.raises(ClientError) as caught:
        aws.as_role("sagemaker").describe_training_job(TrainingJobName="Some-Job")
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    assert "not authorized to perform: sagemaker:DescribeTrainingJob on resource: arn:aws:sagemaker" in error["Message"]
    assert error["Message"].endswith("no identity-based policy allows the sagemaker:DescribeTrainingJob action")
    with pytest.raises(ClientError, match="bedrock:InvokeModel"):
        aws.as_role("bedrock-runtime").converse(modelId=MICRO, messages=PROMPT)
    forbidden = aws.as_role("bedrock", allow("*"), {**allow("bedrock:*"), "Effect": "Deny"})
    with pytest.raises(ClientError, match="explicit deny"):
        forbidden.list_custom_model_deployments()


def test_a_caller_with_permission_gets_as_far_as_the_service(aws):
    jobs = allow("sagemaker:DescribeTrainingJob", on=f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job/*")
    with pytest.raises(ClientError, match="Requested resource not found"):
        aws.as_role("sagemaker", jobs).describe_training_job(TrainingJobName="Some-Job")


def test_a_bad_request_is_refused_as_validation_does(aws):
    with pytest.raises(ClientError, match="ValidationException"):
        aws.client("sagemaker").describe_training_job(TrainingJobName="bad name!")
