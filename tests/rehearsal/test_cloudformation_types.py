"""What a stack asks for is what the embedded account gets, or the stack fails."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.account import unique

RULE = {
    "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}},
    "BucketKeyEnabled": True,
    "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
}
RESOURCES = {
    "Key": {"Type": "AWS::KMS::Key", "Properties": {"EnableKeyRotation": True, "KeyPolicy": {"Statement": []}}},
    "Bucket": {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [RULE]},
            "Tags": [{"Key": "purpose", "Value": "data"}],
            "VersioningConfiguration": {"Status": "Enabled"},
        },
    },
    "Table": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "KeySchema": [{"AttributeName": "run", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "run", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "SSESpecification": {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
            },
        },
    },
}


def deploy(aws, resources, name=None):
    cloudformation = aws.client("cloudformation")
    body = json.dumps({"Resources": resources})
    if name is None:
        name = unique("stack")
        cloudformation.create_stack(StackName=name, TemplateBody=body)
    else:
        cloudformation.update_stack(StackName=name, TemplateBody=body)
    return name, ended(aws, name)


def ended(aws, name):
    found = aws.wait_for(
        lambda: aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0],
        lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
    )
    return found["StackStatus"]


def resource(aws, stack, logical_id):
    cloudformation = aws.client("cloudformation")
    detail = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    return detail["StackResourceDetail"]["PhysicalResourceId"]


def test_a_bucket_and_a_table_are_encrypted_as_the_stack_says(aws):
    stack, status = deploy(aws, RESOURCES)
    assert status == "CREATE_COMPLETE"
    bucket, key = resource(aws, stack, "Bucket"), resource(aws, stack, "Key")
    arn = aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    found = aws.client("s3").get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert found["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    assert found["BucketKeyEnabled"] is True
    assert found["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    assert aws.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "purpose", "Value": "data"}]
    table = aws.client("dynamodb").describe_table(TableName=resource(aws, stack, "Table"))["Table"]
    assert table["SSEDescription"]["KMSMasterKeyArn"] == arn
    assert aws.client("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True


def test_an_update_changes_a_buckets_tags_and_keeps_the_bucket(aws):
    stack, _ = deploy(aws, RESOURCES)
    bucket = resource(aws, stack, "Bucket")
    properties = {**RESOURCES["Bucket"]["Properties"], "Tags": [{"Key": "purpose", "Value": "other"}]}
    _, status = deploy(aws, {**RESOURCES, "Bucket": {**RESOURCES["Bucket"], "Properties": properties}}, stack)
    assert status == "UPDATE_COMPLETE"
    assert resource(aws, stack, "Bucket") == bucket
    assert aws.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "purpose", "Value": "other"}]


def test_a_bucket_with_something_in_it_is_not_deleted(aws):
    stack, _ = deploy(aws, {"Bucket": {"Type": "AWS::S3::Bucket"}})
    bucket, s3 = resource(aws, stack, "Bucket"), aws.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    aws.client("cloudformation").delete_stack(StackName=stack)
    assert ended(aws, stack) == "DELETE_FAILED"
    s3.delete_object(Bucket=bucket, Key="a")
    aws.client("cloudformation").delete_stack(StackName=stack)
    aws.wait_for(
        lambda: {"buckets": [found["Name"] for found in s3.list_buckets()["Buckets"]]},
        lambda found: bucket not in found["buckets"],
    )


def test_an_unknown_type_rejects_the_template(aws):
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::SageMaker::NoSuchThing\]"):
        deploy(aws, {"Thing": {"Type": "AWS::SageMaker::NoSuchThing"}})
