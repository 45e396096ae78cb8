"""Encrypted things are of use only to those who may use their key: identity and key policies decide together."""

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.account import ACCOUNT, allow, unique

S3 = allow("s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:GetObjectVersion")
VIA_S3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
GENERATE, DECRYPT = "kms:GenerateDataKey", "kms:Decrypt"


@pytest.fixture(scope="module")
def key(aws):
    return aws.key()


@pytest.fixture(scope="module")
def bucket(aws, key):
    name = aws.bucket(key=key)
    aws.client("s3").put_object(Bucket=name, Key="there", Body=b"1")
    return name


def refused(action, key, call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    assert error["Code"] in {"AccessDenied", "AccessDeniedException", "KMSAccessDenied"}
    assert f"is not authorized to perform: {action} on resource: {key}" in error["Message"]
    assert ":assumed-role/role-" in error["Message"]


def test_an_object_is_written_by_whom_the_key_is_granted(aws, key, bucket):
    aws.as_role("s3", S3, allow(GENERATE, on=key)).put_object(Bucket=bucket, Key="a", Body=b"1")
    refused(GENERATE, key, aws.as_role("s3", S3, allow(DECRYPT, on=key)).put_object, Bucket=bucket, Key="a", Body=b"1")


def test_an_object_is_read_by_whom_the_key_is_granted(aws, key, bucket):
    aws.as_role("s3", S3, allow(DECRYPT, on=key)).get_object(Bucket=bucket, Key="there")
    nobody = aws.as_role("s3", S3)
    refused(DECRYPT, key, nobody.get_object, Bucket=bucket, Key="there")
    nobody.head_object(Bucket=bucket, Key="there")


def test_a_grant_may_be_limited_to_a_service_and_to_an_object(aws, key, bucket):
    def context(name):
        value = {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/{name}", **VIA_S3["StringEquals"]}
        return {"StringEquals": value}

    aws.as_role("s3", S3, allow(DECRYPT, Condition=context("there"))).get_object(Bucket=bucket, Key="there")
    elsewhere = aws.as_role("s3", S3, allow(DECRYPT, Condition=context("elsewhere")))
    refused(DECRYPT, key, elsewhere.get_object, Bucket=bucket, Key="there")
    other = {"StringEquals": {"kms:ViaService": "sns.us-east-1.amazonaws.com"}}
    refused(DECRYPT, key, aws.as_role("s3", S3, allow(DECRYPT, Condition=other)).get_object, Bucket=bucket, Key="there")


def test_with_a_bucket_key_the_context_is_the_bucket(aws, key):
    bucket = aws.bucket(key=key, bucket_key=True)
    condition = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}}
    client = aws.as_role("s3", S3, allow(GENERATE, Condition=condition))
    client.put_object(Bucket=bucket, Key="a", Body=b"1")


def test_the_key_policy_must_agree(aws):
    role = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/somebody-else"}
    key = aws.key(policy=[allow("kms:*", Principal=role)])
    bucket = aws.bucket(key=key)
    client = aws.as_role("s3", S3, allow("kms:*"))
    refused(GENERATE, key, client.put_object, Bucket=bucket, Key="a", Body=b"1")


def test_an_alias_is_resolved(aws, key):
    alias = "alias/" + unique("alias")
    aws.client("kms").create_alias(AliasName=alias, TargetKeyId=key)
    bucket = aws.bucket()
    header = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:{alias}"}
    refused(GENERATE, key, aws.as_role("s3", S3).put_object, Bucket=bucket, Key="a", Body=b"1", **header)
    aws.as_role("s3", S3, allow(GENERATE, on=key)).put_object(Bucket=bucket, Key="a", Body=b"1", **header)


def test_a_version_and_a_copy_need_the_key_as_well(aws, key, bucket):
    s3 = aws.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="versioned", Body=b"1")["VersionId"]
    where = {"Bucket": bucket, "Key": "versioned", "VersionId": version}
    refused(DECRYPT, key, aws.as_role("s3", S3).get_object, **where)
    aws.as_role("s3", S3, allow(DECRYPT, on=key)).get_object(**where)
    copy = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/there"}
    refused(DECRYPT, key, aws.as_role("s3", S3, allow(GENERATE, on=key)).copy_object, **copy)
    refused(GENERATE, key, aws.as_role("s3", S3, allow(DECRYPT, on=key)).copy_object, **copy)
    aws.as_role("s3", S3, allow(GENERATE, DECRYPT, on=key)).copy_object(**copy)


def test_a_multipart_upload_needs_both(aws, key, bucket):
    client = aws.as_role("s3", S3, allow(GENERATE, on=key))
    upload = client.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = {"Bucket": bucket, "Key": "parts", "UploadId": upload, "PartNumber": 1, "Body": b"1"}
    refused(DECRYPT, key, client.upload_part, **part)
    aws.as_role("s3", S3, allow(DECRYPT, on=key)).upload_part(**part)


def test_what_aws_encrypts_with_a_key_of_its_own_needs_no_permission(aws):
    bucket, client = aws.bucket(), aws.as_role("s3", S3)
    client.put_object(Bucket=bucket, Key="a", Body=b"1", ServerSideEncryption="aws:kms")
    assert client.get_object(Bucket=bucket, Key="a")["ServerSideEncryption"] == "aws:kms"


def test_a_message_to_an_encrypted_topic_needs_both(aws, key):
    topic = aws.client("sns").create_topic(Name=unique("topic"), Attributes={"KmsMasterKeyId": key})["TopicArn"]
    message, publish = {"TopicArn": topic, "Message": "x"}, allow("sns:Publish")
    refused(DECRYPT, key, aws.as_role("sns", publish, allow(GENERATE, on=key)).publish, **message)
    refused(GENERATE, key, aws.as_role("sns", publish, allow(DECRYPT, on=key)).publish, **message)
    aws.as_role("sns", publish, allow(GENERATE, DECRYPT, on=key)).publish(**message)


def test_an_item_of_an_encrypted_table_needs_decrypt(aws, key):
    table = unique("table")
    aws.client("dynamodb").create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    item, put = {"TableName": table, "Item": {"run": {"S": "r1"}}}, allow("dynamodb:PutItem")
    refused(DECRYPT, key, aws.as_role("dynamodb", put).put_item, **item)
    aws.as_role("dynamodb", put, allow(DECRYPT, on=key)).put_item(**item)
