"""How IAM is written: guarded principals, named statements, findings acknowledged by their id."""

import pytest
from aws_cdk import Fn, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from nova_constructs.statements import allow, grant, grant_unscoped, guarded_service


@pytest.fixture
def role(stack):
    principal = guarded_service("sagemaker.amazonaws.com", account="111111111111", source_arn="arn:aws:sagemaker:::x")
    return iam.Role(stack, "Role", assumed_by=principal)


def acknowledged(construct) -> set[str]:
    key = Validations.ACKNOWLEDGED_RULES_METADATA_KEY
    ids = {name for entry in construct.node.metadata if entry.type == key for name in entry.data}
    return {name.split("::", 1)[1] for name in ids}


def test_the_guard_stands_in_the_statement_of_the_principal(stack, role):
    (found,) = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    (statement,) = found["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111111111111"},
        "ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:::x"},
    }


def test_an_open_resource_with_a_reason_is_acknowledged_by_the_id_of_its_finding(stack, role):
    bucket = s3.Bucket(stack, "Bucket")
    elsewhere = s3.Bucket.from_bucket_name(stack, "Elsewhere", Fn.import_value("other:Bucket"))
    grant(
        role,
        allow("Own", ["s3:GetObject"], [bucket.arn_for_objects("data/*")], open_because="a"),
        allow("Other", ["s3:GetObject"], [elsewhere.arn_for_objects("runs/*")], open_because="b"),
        allow("Plain", ["s3:GetObject"], ["arn:aws:s3:::c/*", "arn:aws:s3:::c/exact"], open_because="c"),
        allow("Bare", ["s3:GetObject"], ["arn:aws:s3:::d/*"]),
    )
    logical_id = stack.get_logical_id(bucket.node.default_child)
    ids = acknowledged(role.node.find_child("DefaultPolicy"))
    assert {name.split("Resource::")[1].rstrip("]") for name in ids} == {
        f"<{logical_id}.Arn>/data/*",
        "arn:<AWS::Partition>:s3:::other:Bucket/runs/*",
        "arn:aws:s3:::c/*",
    }


def test_what_has_no_resource_stands_in_a_policy_of_its_own(stack, role):
    grant(role, allow("Read", ["s3:GetObject"], ["arn:aws:s3:::c/exact"]))
    grant_unscoped(role, "Login", allow("LogIn", ["ecr:GetAuthorizationToken"], ["*"]), reason="no resource")
    assert acknowledged(role.node.find_child("DefaultPolicy")) == set()
    assert len(acknowledged(role.node.find_child("Login"))) == 1
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    sids = sorted(s["Sid"] for p in policies for s in p["Properties"]["PolicyDocument"]["Statement"])
    assert sids == ["LogIn", "Read"]
