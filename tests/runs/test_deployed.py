from types import SimpleNamespace

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from fake_aws import ACCOUNT, refusal

from novaline.findings import NovalineError
from novaline.runs.deployed import require_account, resources_of

DEV = SimpleNamespace(name="dev", account=ACCOUNT, region="us-east-1")
OUTPUTS = {
    "dev-Foundation": ["DataBucketName", "ArtifactBucketName", "KeyArn", "LedgerTableName", "TopicArn"],
    "dev-Customization": [
        "StateMachineArn",
        "TrainingRoleArn",
        "EvaluationRoleArn",
        "ImportRoleArn",
        "RewardFunctionArnClassification",
        "VerifyFunctionArn",
    ],
}


class CloudFormation:
    """Two stacks whose every output has its own name as its value."""

    def __init__(self, *, without: str = "", status: str = "CREATE_COMPLETE", account: str = ACCOUNT):
        self.without, self.status, self.account = without, status, account

    def describe_stacks(self, *, StackName):  # noqa: N803 - AWS's parameter name
        if self.without in StackName and self.without.startswith("dev"):
            raise refusal("ValidationError", f"Stack with id {StackName} does not exist")
        outputs = [{"OutputKey": key, "OutputValue": key} for key in OUTPUTS[StackName] if key != self.without]
        stack_id = f"arn:aws:cloudformation:us-east-1:{self.account}:stack/{StackName}/1"
        return {"Stacks": [{"StackId": stack_id, "StackStatus": self.status, "Outputs": outputs}]}


def test_the_resources_are_the_outputs_of_the_two_stacks():
    found = resources_of(CloudFormation(), DEV)
    assert (found.data_bucket, found.state_machine_arn, found.account) == ("DataBucketName", "StateMachineArn", ACCOUNT)


@pytest.mark.parametrize(
    ("cloudformation", "words"),
    [
        (CloudFormation(without="dev-Foundation"), "the environment dev is not deployed"),
        (CloudFormation(without="dev-Customization"), "there is no stack dev-Customization in account 111111111111"),
        (CloudFormation(without="KeyArn"), "has no output KeyArn"),
        (CloudFormation(status="ROLLBACK_COMPLETE"), "ROLLBACK_COMPLETE"),
        (CloudFormation(status="UPDATE_IN_PROGRESS"), "UPDATE_IN_PROGRESS"),
        (CloudFormation(account="222222222222"), "account 222222222222, the environment dev says 111111111111"),
    ],
)
def test_an_environment_that_cannot_carry_a_run_is_named_with_what_to_do(cloudformation, words):
    with pytest.raises(NovalineError, match=words) as caught:
        resources_of(cloudformation, DEV)
    assert caught.value.findings[0].hint


def test_credentials_of_another_account_are_named_beside_the_expected_one():
    sts = SimpleNamespace(
        get_caller_identity=lambda: {"Account": "999999999999", "Arn": "arn:aws:iam::999999999999:root"}
    )
    with pytest.raises(NovalineError, match=r"account 999999999999 .* is account 111111111111"):
        require_account(sts, DEV)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (NoCredentialsError(), "no-credentials"),
        (EndpointConnectionError(endpoint_url="https://sts"), "no-connection"),
        (refusal("ExpiredToken", "The security token is expired"), "credentials-expired"),
        (refusal("InvalidClientTokenId"), "credentials-expired"),
        (refusal("AccessDenied", "not authorized to perform: sts:GetCallerIdentity"), "access-denied"),
        (refusal("Throttling"), "throttled"),
        (refusal("InternalFailure"), "aws-refused"),
    ],
)
def test_every_way_in_which_aws_fails_is_told_in_words(problem, code):
    def fail():
        raise problem

    with pytest.raises(NovalineError) as caught:
        require_account(SimpleNamespace(get_caller_identity=fail), DEV)
    assert caught.value.findings[0].code == code
    assert "asking AWS whose credentials these are" in caught.value.findings[0].message
