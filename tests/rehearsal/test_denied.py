"""What the roles of a deployed environment may not do is denied, and beside it what they are for is allowed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from novaline.environments.names import reward_function_name
from novaline.rehearsal.escrow import bucket_name
from tests.rehearsal.deployed import ENVIRONMENT, ROOT, Deployed

pytestmark = pytest.mark.xdist_group("deployed")

REWARD, PROCESSOR = "ClassificationRewardScoreRole", "DecisionsProcessorScoreRole"
TRAINING, EVALUATION, IMPORT, WORKFLOW = "RolesTraining", "RolesEvaluation", "RolesImport", "WorkflowRole"
ADMIT, PREPARE, TRIAL, COLLECT, GATE, VERIFY, REGISTER = (
    f"WorkflowFunctions{name}Role" for name in ("Admit", "Prepare", "Trial", "Collect", "Gate", "Verify", "Register")
)
INSPECTION, LIST, INSPECT, MERGE = (
    f"Inspection{name}Role" for name in ("", "FunctionsList", "FunctionsInspect", "FunctionsMerge")
)
PREPARATION, FIND, CONVERT, JOIN = (
    f"Preparation{name}Role" for name in ("", "FunctionsFind", "FunctionsConvert", "FunctionsJoin")
)
CLOSE, SWEEP, SCHEDULE = (f"Closing{name}Role" for name in ("Close", "Sweep", "Schedule"))
ROLES = (
    *(CLOSE, SWEEP, SCHEDULE),
    *(
        REWARD,
        PROCESSOR,
        TRAINING,
        EVALUATION,
        IMPORT,
        WORKFLOW,
        ADMIT,
        PREPARE,
        TRIAL,
        COLLECT,
        GATE,
        VERIFY,
        REGISTER,
    ),
    *(INSPECTION, LIST, INSPECT, MERGE, PREPARATION, FIND, CONVERT, JOIN, "EmptierEmptyRole"),
)

RUN = "runs/a-run/"
TRAINED, EVALUATED = f"{RUN}training/job/output/output.tar.gz", f"{RUN}evaluations/job/output/output.tar.gz"
RECIPE, TEMPLATE = f"{RUN}recipes/holdout-candidate/recipe.yaml", f"{RUN}recipes/holdout-candidate/recipe.template.yaml"
STAGE_RECIPE, STAGE_TEMPLATE = f"{RUN}recipes/rft/recipe.yaml", f"{RUN}recipes/rft/recipe.template.yaml"
RECIPES = {RECIPE, TEMPLATE, STAGE_RECIPE, STAGE_TEMPLATE}
TRIAL_ROWS, TRIED = f"{RUN}trial/rft.jsonl", f"{RUN}trial/rft.json"
CHECKPOINT, VERDICT, SAMPLES = f"{RUN}checkpoints/sft.json", f"{RUN}gate.json", f"{RUN}samples.jsonl"
CLAIM, VERIFICATION, SUMMARY = f"{RUN}claim.json", f"{RUN}verification.json", f"{RUN}summary.json"
TRAIN, HELD_OUT = "data/0/train.jsonl", "data/0/gen_qa.jsonl"
ESCROW, ESCROW_OF_ANOTHER = "job/1/model", "another/1/model"

WRITES = {
    TRAINING: {TRAINED},
    EVALUATION: {EVALUATED},
    PREPARE: {RECIPE, STAGE_RECIPE},
    TRIAL: {TRIED},
    COLLECT: {RECIPE, CHECKPOINT},
    GATE: {VERDICT, SAMPLES},
    VERIFY: {VERIFICATION},
    REGISTER: {SUMMARY},
}
READS = {
    TRAINING: {TRAIN, HELD_OUT, *RECIPES, ESCROW},
    EVALUATION: {TRAIN, HELD_OUT, *RECIPES, ESCROW},
    IMPORT: {ESCROW},
    TRIAL: {TRIAL_ROWS},
    ADMIT: {TRAIN, HELD_OUT, *RECIPES, TRIAL_ROWS},  # and the claim, by its version alone
    PREPARE: {TEMPLATE, STAGE_TEMPLATE},  # and the claim, by its version alone
    COLLECT: {TRAINED, TEMPLATE},
    GATE: {EVALUATED},
    VERIFY: {HELD_OUT, SAMPLES},
    CLOSE: {CLAIM},
}


@pytest.fixture(scope="module")
def places(deployed: Deployed) -> dict[str, str]:
    """Key: bucket, of an object of every kind that there is in an environment."""
    files = (
        TRIAL_ROWS,
        TRIED,
        TRAINED,
        EVALUATED,
        *RECIPES,
        CHECKPOINT,
        VERDICT,
        SAMPLES,
        CLAIM,
        VERIFICATION,
        SUMMARY,
    )
    found = dict.fromkeys(files, deployed.resources.artifact_bucket)
    found |= dict.fromkeys((TRAIN, HELD_OUT), deployed.resources.data_bucket)
    accounts = {ESCROW: deployed.environment.account, ESCROW_OF_ANOTHER: "999999999999"}
    found |= {key: bucket_name(account, deployed.environment.region) for key, account in accounts.items()}
    s3 = deployed.clients.s3
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in set(found.values()) - there:
        s3.create_bucket(Bucket=bucket)
    for key, bucket in found.items():
        s3.put_object(Bucket=bucket, Key=key, Body=b"something")
    return found


@contextmanager
def denied(role: str, *actions: str) -> Iterator[None]:
    """The block is refused in AWS's words, with the role and one of the actions."""
    with pytest.raises(ClientError) as caught:
        yield
    message = caught.value.response["Error"]["Message"]
    assert f"assumed-role/{role.rpartition('/')[2]}/" in message
    assert any(f"is not authorized to perform: {action}" in message for action in actions), message


def test_the_tables_here_know_every_role(deployed):
    assert {statement.role for statement in deployed.statements} == set(ROLES)


# ---- S3


@pytest.mark.parametrize("name", ROLES)
def test_a_role_writes_the_files_that_are_its_own_and_no_other(deployed, places, name):
    role = deployed.role(name)
    s3 = deployed.client("s3", role=role)
    for key, bucket in places.items():
        if key in WRITES.get(name, ()):
            s3.put_object(Bucket=bucket, Key=key, Body=b"else")
        else:
            with denied(role, "s3:PutObject"):
                s3.put_object(Bucket=bucket, Key=key, Body=b"else")


@pytest.mark.parametrize("name", ROLES)
def test_a_role_reads_what_it_needs_and_nothing_else(deployed, places, name):
    role = deployed.role(name)
    s3 = deployed.client("s3", role=role)
    for key, bucket in places.items():
        if key in READS.get(name, ()):
            assert s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        else:
            with denied(role, "s3:GetObject"):
                s3.get_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize("name", [role for role in ROLES if role != "EmptierEmptyRole"])
def test_no_role_of_a_run_deletes_anything(deployed, places, name):
    role = deployed.role(name)
    s3 = deployed.client("s3", role=role)
    for key in (TRAIN, TRAINED, EVALUATED, CLAIM):
        with denied(role, "s3:DeleteObject"):
            s3.delete_object(Bucket=places[key], Key=key)


def test_a_claim_is_read_by_the_version_that_the_run_was_started_with(deployed, places):
    role = deployed.role(ADMIT)
    version = deployed.clients.s3.head_object(Bucket=places[CLAIM], Key=CLAIM)["VersionId"]
    s3 = deployed.client("s3", role=role)
    assert s3.get_object(Bucket=places[CLAIM], Key=CLAIM, VersionId=version)["VersionId"] == version


@pytest.mark.parametrize("key", [TRAIN, TRAINED])
def test_nobody_uploads_under_a_key_that_only_the_writer_has(deployed, places, key):
    with pytest.raises(ClientError, match="AccessDenied"):
        upload_under_own_key(deployed.clients.s3, places[key], key)


def test_the_buckets_policy_refuses_such_uploads_also_without_the_buckets_setting(deployed, places):
    bucket, role = places[TRAINED], deployed.role(TRAINING)
    setting = deployed.clients.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    (rule,) = setting["Rules"]
    assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    without = {"Rules": [{name: value for name, value in rule.items() if name != "BlockedEncryptionTypes"}]}
    deployed.clients.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=without)
    try:
        with denied(role, "s3:PutObject"):
            upload_under_own_key(deployed.client("s3", role=role), bucket, TRAINED)
    finally:
        deployed.clients.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=setting)


def upload_under_own_key(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"x", SSECustomerAlgorithm="AES256", SSECustomerKey=os.urandom(32))


# ---- KMS


@pytest.mark.parametrize("name", ROLES)
def test_no_role_uses_the_key_by_itself_without_the_service_that_keeps_the_data(deployed, name):
    role, key, owner = deployed.role(name), deployed.resources.key_arn, deployed.client("kms")
    secret = owner.encrypt(KeyId=key, Plaintext=b"a dataset's data key")["CiphertextBlob"]
    assert owner.decrypt(CiphertextBlob=secret)["Plaintext"] == b"a dataset's data key"
    kms = deployed.client("kms", role=role)
    with denied(role, "kms:Decrypt"):
        kms.decrypt(KeyId=key, CiphertextBlob=secret)
    with denied(role, "kms:GenerateDataKey"):
        kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    with denied(role, "kms:Encrypt"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


# ---- who assumes which role


@pytest.fixture(scope="module")
def stage(deployed: Deployed) -> dict:
    """A request for a training job that works."""
    run = deployed.compiled("denied")
    deployed.upload(run)
    return dict(run.claim["stages"][0]["job"]["request"])


@contextmanager
def trusting(deployed: Deployed, role: str, key: str, value: str) -> Iterator[None]:
    """The role's trust policy with another value of a condition, until the block ends."""
    iam, name = deployed.client("iam"), role.rpartition("/")[2]
    document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    other = json.loads(json.dumps(document))
    (condition,) = (tests for tests in other["Statement"][0]["Condition"].values() if key in tests)
    condition[key] = value
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(other))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))


def train(deployed, stage, *, role, name):
    return deployed.client("sagemaker").create_training_job(TrainingJobName=name, **{**stage, "RoleArn": role})


def import_model(bedrock, *, role):
    uri = "s3://customer-escrow-111111111111-smtj-00000000/job/1/"
    return bedrock.create_custom_model(
        modelName="denied", roleArn=role, modelSourceConfig={"s3DataSource": {"s3Uri": uri}}
    )


@pytest.mark.parametrize("name", [IMPORT, WORKFLOW, REWARD, ADMIT, INSPECTION, INSPECT, PREPARATION, JOIN])
def test_sagemaker_assumes_no_role_that_is_not_for_its_jobs(deployed, stage, name):
    with pytest.raises(ClientError, match=r"sagemaker\.amazonaws\.com is not authorized to perform: sts:AssumeRole"):
        train(deployed, stage, role=deployed.role(name), name="not-trusted")


@pytest.mark.parametrize("name", [TRAINING, EVALUATION, WORKFLOW, REWARD])
def test_bedrock_assumes_no_role_that_is_not_for_its_imports(deployed, name):
    with pytest.raises(ClientError, match=r"bedrock\.amazonaws\.com is not authorized to perform: sts:AssumeRole"):
        import_model(deployed.client("bedrock"), role=deployed.role(name))


@pytest.mark.parametrize("name", [TRAINING, EVALUATION])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aws:SourceAccount", "999999999999"),
        ("aws:SourceArn", "arn:aws:sagemaker:us-west-2:111111111111:training-job/*"),
    ],
)
def test_sagemaker_assumes_a_jobs_role_only_for_this_account_and_region(deployed, stage, name, key, value):
    role = deployed.role(name)
    with (
        trusting(deployed, role, key, value),
        pytest.raises(ClientError, match=f"sts:AssumeRole on resource: {role}"),
    ):
        train(deployed, stage, role=role, name=f"for-another-{name}-{key.rpartition(':')[2]}")
    job = f"for-this-{name}-{key.rpartition(':')[2]}"
    assert train(deployed, stage, role=role, name=job)["TrainingJobArn"]
    deployed.client("sagemaker").stop_training_job(TrainingJobName=job)


def test_bedrock_assumes_the_import_role_only_for_this_account(deployed):
    role = deployed.role(IMPORT)
    assert deployed.emulator.assume(role, as_service="bedrock.amazonaws.com")
    with (
        trusting(deployed, role, "aws:SourceAccount", "999999999999"),
        pytest.raises(ValueError, match=r"does not trust bedrock\.amazonaws\.com"),
    ):
        deployed.emulator.assume(role, as_service="bedrock.amazonaws.com")


def test_the_workflow_passes_each_role_to_its_own_service_only(deployed, stage):
    workflow = deployed.role(WORKFLOW)
    with denied(workflow, "iam:PassRole"):
        request = {**stage, "RoleArn": deployed.role(IMPORT)}
        deployed.client("sagemaker", role=workflow).create_training_job(TrainingJobName="passed", **request)
    for name in (TRAINING, EVALUATION):
        with denied(workflow, "iam:PassRole"):
            import_model(deployed.client("bedrock", role=workflow), role=deployed.role(name))


# ---- the reward function


@pytest.mark.parametrize("source", ["bedrock", "training_job"])
def test_the_reward_function_scores_what_trainers_send_though_it_may_read_nothing(deployed, source):
    event = (ROOT / "tests" / "lambda_reward" / "events" / f"{source}.json").read_bytes()
    name = reward_function_name(ENVIRONMENT, "classification")
    answer = deployed.client("lambda").invoke(FunctionName=name, Payload=event)
    assert "FunctionError" not in answer
    scores = json.loads(answer["Payload"].read())
    assert [score["id"] for score in scores] == [sample["id"] for sample in json.loads(event)]
    assert [score["aggregate_reward_score"] for score in scores] == [1.0, 0.0, 1.0]


def test_the_reward_functions_role_may_not_even_list_the_data(deployed):
    name = reward_function_name(ENVIRONMENT, "classification")
    role = deployed.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    assert role == deployed.role(REWARD)
    with denied(role, "s3:ListBucket"):
        deployed.client("s3", role=role).list_objects_v2(Bucket=deployed.resources.data_bucket)
