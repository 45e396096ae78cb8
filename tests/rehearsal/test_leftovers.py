from dataclasses import dataclass, field

import pytest
from fake_aws import Pages, refusal

from novaline.rehearsal.leftovers import left_behind, leftovers, retained_by

LOG_GROUP = "/aws/sagemaker/TrainingJobs"


@dataclass
class FakeAccount:
    """One client for all services: each operation answers with one page."""

    pages: dict[str, dict] = field(default_factory=dict)
    stacks: dict[str, dict[str, str]] = field(default_factory=dict)
    key_states: dict[str, str] = field(default_factory=dict)

    def __call__(self, service):
        return self

    def get_paginator(self, operation):
        if operation == "list_stack_resources":
            return self
        return Pages([self.pages.get(operation, {})])

    def paginate(self, *, StackName):  # noqa: N803 - CloudFormation's parameter name
        if StackName not in self.stacks:
            raise refusal("ValidationError", "does not exist")
        resources = [
            {"LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceStatus": "CREATE_COMPLETE"}
            for logical, physical in self.stacks[StackName].items()
        ]
        return iter([{"StackResourceSummaries": resources}])

    def list_buckets(self):
        return {"Buckets": [{"Name": name} for name in self.pages.get("buckets", [])]}

    def describe_key(self, *, KeyId):  # noqa: N803 - KMS's parameter name
        return {
            "KeyMetadata": {"KeyId": KeyId, "KeyState": self.key_states.get(KeyId, "Enabled"), "KeyManager": "CUSTOMER"}
        }


EMPTY = {
    "list_stacks": {"StackSummaries": [{"StackName": "gone", "StackStatus": "DELETE_COMPLETE"}]},
    "list_roles": {"Roles": []},
}


def account(**pages) -> FakeAccount:
    return FakeAccount(pages={**EMPTY, **pages})


ONE_OF_EACH = {
    "buckets": ["data"],
    "list_tables": {"TableNames": ["ledger"]},
    "list_keys": {"Keys": [{"KeyId": "key-1"}]},
    "list_roles": {"Roles": [{"Arn": "arn:aws:iam::1:role/training", "RoleName": "training"}]},
    "list_functions": {"Functions": [{"FunctionName": "gate"}]},
    "describe_log_groups": {"logGroups": [{"logGroupName": "/novaline"}]},
    "list_topics": {"Topics": [{"TopicArn": "arn:aws:sns:us-east-1:1:topic"}]},
    "list_state_machines": {"stateMachines": [{"stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:m"}]},
    "list_rules": {"Rules": [{"Name": "rule"}]},
    "list_schedules": {"Schedules": [{"Name": "sweep"}]},
    "list_custom_model_deployments": {"modelDeploymentSummaries": [{"customModelDeploymentArn": "arn:d"}]},
    "list_custom_models": {"modelSummaries": [{"modelArn": "arn:m"}]},
    "list_stacks": {"StackSummaries": [{"StackName": "dev-Foundation", "StackStatus": "DELETE_FAILED"}]},
}


def test_an_empty_account_has_no_leftovers():
    assert leftovers(account()) == ()


@pytest.mark.parametrize("operation", sorted(ONE_OF_EACH))
def test_each_kind_of_resource_is_found_when_it_is_left_behind(operation):
    found = leftovers(account(**{operation: ONE_OF_EACH[operation]}))
    assert [item.why for item in found] == ["left behind"]
    assert len(left_behind(found)) == 1


def test_a_key_that_waits_for_its_deletion_is_gone():
    cloud = account(list_keys={"Keys": [{"KeyId": "key-1"}]})
    cloud.key_states["key-1"] = "PendingDeletion"
    assert leftovers(cloud) == ()


def test_what_the_bootstrap_stack_owns_is_told_apart():
    cloud = account(buckets=["cdk-assets", "other"], list_stacks={"StackSummaries": [stack("CDKToolkit")]})
    cloud.stacks["CDKToolkit"] = {"StagingBucket": "cdk-assets"}
    assert {item.name: item.why for item in leftovers(cloud)} == {
        "CDKToolkit": "CDK bootstrap",
        "cdk-assets": "CDK bootstrap",
        "other": "left behind",
    }


def test_what_the_environment_retains_is_told_apart_by_name_and_by_arn():
    cloud = account(buckets=["data", "data-2"], list_topics=ONE_OF_EACH["list_topics"])
    found = leftovers(cloud, retained={"data", "topic"})
    assert [item.why for item in found] == ["retained by the environment", "left behind", "retained by the environment"]


def test_amazons_own_bucket_and_linked_roles_are_not_the_environments():
    role = {"Arn": "arn:aws:iam::1:role/aws-service-role/x/Role", "RoleName": "Role"}
    cloud = account(buckets=["customer-escrow-1-smtj-0a"], list_roles={"Roles": [role]})
    assert {item.why for item in leftovers(cloud)} == {"belongs to AWS"}


@pytest.mark.parametrize(("shared", "why"), [(True, "belongs to AWS"), (False, "left behind")])
def test_the_log_group_of_all_training_jobs_is_left_behind_only_where_the_stacks_own_it(shared, why):
    cloud = account(describe_log_groups={"logGroups": [{"logGroupName": LOG_GROUP}]})
    assert [item.why for item in leftovers(cloud, shared_logs=shared)] == [why]


def test_what_a_template_retains_is_known_by_its_physical_id():
    cloud = account()
    cloud.stacks["dev-Foundation"] = {"Data": "data-1", "Topic": "topic-1", "Key": "key-1"}
    template = {
        "Resources": {
            "Data": {"DeletionPolicy": "Retain"},
            "Key": {"DeletionPolicy": "RetainExceptOnCreate"},
            "Topic": {"DeletionPolicy": "Delete"},
            "Role": {},
        }
    }
    assert retained_by(cloud, {"dev-Foundation": template, "dev-Gone": template}) == {"data-1", "key-1"}


def stack(name: str) -> dict[str, str]:
    return {"StackName": name, "StackStatus": "CREATE_COMPLETE"}
