"""What holds data: encrypted, versioned, private, over TLS only, and kept or deleted as the environment says."""

import pytest
from synthesized import listed, statements

STATEFUL = {
    "EncryptionKey3A692D6E": "AWS::KMS::Key",
    "StoreLogs6BDA8041": "AWS::S3::Bucket",
    "StoreData1EC3E106": "AWS::S3::Bucket",
    "StoreArtifactsD98A7408": "AWS::S3::Bucket",
    "LedgerTable9343E4AA": "AWS::DynamoDB::Table",
    "TrainingJobLogsBBE8C39D": "AWS::Logs::LogGroup",
    "NotificationsTopicAE679CBD": "AWS::SNS::Topic",
}
"""Frozen: CloudFormation takes another id for another resource, and replaces what is there by something empty."""

HOLDERS = {kind for kind in STATEFUL.values() if kind != "AWS::SNS::Topic"}


@pytest.fixture(scope="module")
def buckets(assembly):
    found = dict(assembly.resources("AWS::S3::Bucket"))
    assert len(found) == 3 * len(assembly.environments)
    return found


def bucket_statements(assembly):
    for name, policy in assembly.resources("AWS::S3::BucketPolicy"):
        yield name, statements(policy["Properties"]["PolicyDocument"])


def test_the_logical_ids_of_what_holds_data_are_frozen(assembly):
    for environment in assembly.environments:
        resources = assembly.template(environment.name, "Foundation")["Resources"]
        found = {key: value["Type"] for key, value in resources.items() if value["Type"] in set(STATEFUL.values())}
        ours = {key: kind for key, kind in found.items() if not key.startswith("Emptier")}
        assert ours == STATEFUL, environment.name


def test_what_holds_data_is_retained_exactly_where_the_environment_says(assembly):
    for environment in assembly.environments:
        resources = assembly.template(environment.name, "Foundation")["Resources"]
        expected = "Retain" if environment.retain else "Delete"
        for logical_id, kind in STATEFUL.items():
            if kind in HOLDERS:
                assert resources[logical_id]["DeletionPolicy"] == expected, f"{environment.name}/{logical_id}"
                assert resources[logical_id]["UpdateReplacePolicy"] == expected, f"{environment.name}/{logical_id}"


def test_every_stateful_resource_says_what_becomes_of_it(assembly):
    for kind in set(STATEFUL.values()):
        for name, resource in assembly.resources(kind):
            assert resource.get("DeletionPolicy") in {"Retain", "Delete"}, name


def test_buckets_are_emptied_by_us_only_where_nothing_is_retained(assembly):
    emptied = {name.split("/")[0] for name, _ in assembly.resources("Custom::EmptyBucket")}
    assert emptied == {environment.name for environment in assembly.environments if not environment.retain}
    assert len(list(assembly.resources("Custom::EmptyBucket"))) == 3


def test_logged_buckets_go_before_the_log_bucket_is_emptied(assembly):
    resources = assembly.template("dev", "Foundation")["Resources"]
    (emptying,) = [
        key
        for key, resource in resources.items()
        if resource["Type"] == "Custom::EmptyBucket"
        and resource["Properties"]["BucketName"] == {"Ref": "StoreLogs6BDA8041"}
    ]
    for bucket in ("StoreData1EC3E106", "StoreArtifactsD98A7408"):
        assert emptying in resources[bucket]["DependsOn"]


def test_buckets_are_versioned_private_and_owned_by_the_account(buckets):
    for name, bucket in buckets.items():
        properties = bucket["Properties"]
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}, name
        assert all(properties["PublicAccessBlockConfiguration"].values()), name
        assert len(properties["PublicAccessBlockConfiguration"]) == 4, name
        assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}], name


def test_data_and_artifacts_are_under_the_environments_key_and_logs_under_s3s(buckets):
    for name, bucket in buckets.items():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        if "StoreLogs" in name:
            assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}, name
            continue
        assert rule["BucketKeyEnabled"] is True, name
        assert rule["ServerSideEncryptionByDefault"] == {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": {"Fn::GetAtt": ["EncryptionKey3A692D6E", "Arn"]},
        }, name


def test_customer_provided_keys_are_refused_by_the_bucket_and_by_its_policy(assembly, buckets):
    for name, bucket in buckets.items():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}, name
    for name, policy in bucket_statements(assembly):
        (denial,) = [statement for statement in policy if statement.get("Sid") == "RefuseCustomerProvidedKeys"]
        assert (denial["Effect"], denial["Action"], denial["Principal"]) == ("Deny", "s3:PutObject", {"AWS": "*"}), name
        assert denial["Condition"] == {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}, name


def test_every_bucket_refuses_plain_http(assembly, buckets):
    policies = dict(bucket_statements(assembly))
    assert len(policies) == len(buckets)
    for name, policy in policies.items():
        (denial,) = [s for s in policy if s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}]
        assert (denial["Effect"], denial["Action"], denial["Principal"]) == ("Deny", "s3:*", {"AWS": "*"}), name
        assert len(denial["Resource"]) == 2, name


def test_old_versions_and_broken_uploads_go(assembly, buckets):
    days = {environment.name: environment.noncurrent_days for environment in assembly.environments}
    for name, bucket in buckets.items():
        rules = {rule["Id"]: rule for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]}
        clean_up = rules["CleanUp"]
        assert clean_up["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}, name
        assert clean_up["NoncurrentVersionExpiration"] == {"NoncurrentDays": days[name.split("/")[0]]}, name
        assert ("ExpireLogs" in rules) == ("StoreLogs" in name), name


def test_what_an_inspection_leaves_on_its_way_goes_after_a_week(buckets):
    for name, bucket in buckets.items():
        rules = {rule["Id"]: rule for rule in bucket["Properties"]["LifecycleConfiguration"]["Rules"]}
        assert ("ExpireScratch" in rules) == ("StoreArtifacts" in name), name
        if "ExpireScratch" in rules:
            scratch = rules["ExpireScratch"]
            assert (scratch["Prefix"], scratch["ExpirationInDays"]) == ("scratch/", 7)


def test_access_to_data_and_artifacts_is_logged_to_the_log_bucket(buckets):
    prefixes = []
    for name, bucket in buckets.items():
        logging = bucket["Properties"].get("LoggingConfiguration")
        assert (logging is None) == ("StoreLogs" in name), name
        if logging is not None:
            assert logging["DestinationBucketName"] == {"Ref": "StoreLogs6BDA8041"}
            prefixes.append(logging["LogFilePrefix"])
    assert set(prefixes) == {"data/", "artifacts/"}


def test_the_ledger_can_be_restored_to_any_second_and_costs_nothing_idle(assembly):
    for name, table in assembly.resources("AWS::DynamoDB::Table"):
        properties = table["Properties"]
        assert properties["KeySchema"] == [
            {"AttributeName": "run", "KeyType": "HASH"},
            {"AttributeName": "entry", "KeyType": "RANGE"},
        ], name
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert properties["BillingMode"] == "PAY_PER_REQUEST", name
        assert properties["SSESpecification"]["SSEType"] == "KMS", name
        assert properties.get("DeletionProtectionEnabled", False) is (name.startswith("prod/")), name


def test_the_topic_is_encrypted_and_refuses_plain_http(assembly):
    for name, topic in assembly.resources("AWS::SNS::Topic"):
        assert topic["Properties"]["KmsMasterKeyId"] == {"Fn::GetAtt": ["EncryptionKey3A692D6E", "Arn"]}, name
    policies = list(assembly.resources("AWS::SNS::TopicPolicy"))
    assert len(policies) == len(assembly.environments)
    for name, policy in policies:
        (denial,) = statements(policy["Properties"]["PolicyDocument"])
        assert denial["Effect"] == "Deny", name
        assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, name


def test_the_key_rotates(assembly):
    for name, key in assembly.resources("AWS::KMS::Key"):
        assert key["Properties"]["EnableKeyRotation"] is True, name


def test_nobody_uses_the_key_without_a_condition(assembly):
    cryptography = {"Decrypt", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo", "CreateGrant"}
    for name, key in assembly.resources("AWS::KMS::Key"):
        for statement in statements(key["Properties"]["KeyPolicy"]):
            actions = listed(statement["Action"])
            assert not [action for action in actions if "*" in action], name
            if cryptography & {action.removeprefix("kms:") for action in actions}:
                assert statement["Condition"], f"{name}: {statement['Sid']}"
            else:
                assert statement["Sid"] == "AdministerThroughIam"


def test_logs_encrypt_only_log_groups_of_the_account(assembly):
    accounts = {environment.name: environment.account for environment in assembly.environments}
    for name, key in assembly.resources("AWS::KMS::Key"):
        (statement,) = [s for s in statements(key["Properties"]["KeyPolicy"]) if s["Sid"] == "EncryptLogGroups"]
        assert statement["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}, name
        groups = f"arn:aws:logs:us-east-1:{accounts[name.split('/')[0]]}:log-group:*"
        assert statement["Condition"] == {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}}, name


def test_every_log_group_is_ours_encrypted_and_ends(assembly):
    groups = dict(assembly.resources("AWS::Logs::LogGroup"))
    functions = list(assembly.resources("AWS::Lambda::Function"))
    assert len(groups) >= len(functions) + len(assembly.environments)
    for name, group in groups.items():
        assert group["Properties"]["KmsKeyId"], name
        assert group["Properties"]["RetentionInDays"], name


def test_the_log_group_of_training_jobs_is_ours_so_that_nothing_is_left_behind(assembly):
    names = [
        group["Properties"]["LogGroupName"]
        for _, group in assembly.resources("AWS::Logs::LogGroup")
        if "LogGroupName" in group["Properties"]
    ]
    assert names == ["/aws/sagemaker/TrainingJobs"] * len(assembly.environments)
