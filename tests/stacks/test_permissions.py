"""Least privilege, read from the templates: trust, actions, resources, names of statements."""

import json
import re

import pytest
from synthesized import Assembly, listed, statements

UNSCOPED = {
    "SendTraces": "X-Ray defines no resource",
    "LogInToRegistry": "ECR defines no resource for a token",
    "PutMetrics": "CloudWatch defines no resource; a condition names the namespace",
    "DeliverLogs": "CloudWatch Logs defines no resource for log delivery",
    "ImportModel": "the model has no ARN before it is imported",
    "FindJobs": "SageMaker defines no resource for a list of training jobs",
}
"""The statements that may say `Resource: *`, each with the reason. Nothing joins this list without one."""

SOURCE_ARNS = {
    "sagemaker.amazonaws.com": r"arn:aws:sagemaker:us-east-1:\d{12}:training-job/\*",
    "states.amazonaws.com": r"arn:aws:states:us-east-1:\d{12}:stateMachine:\*",
    "scheduler.amazonaws.com": r"arn:aws:scheduler:us-east-1:\d{12}:schedule-group/default",
}
"""The services whose documentation names a source ARN for their roles. Lambda and CreateCustomModel have none."""


def roles(assembly: Assembly):
    return [(name, role["Properties"]) for name, role in assembly.resources("AWS::IAM::Role")]


def granted(assembly: Assembly):
    """Every statement of every identity policy, with the name of the policy."""
    for name, policy in assembly.resources("AWS::IAM::Policy"):
        for statement in statements(policy["Properties"]["PolicyDocument"]):
            yield name, statement


@pytest.fixture(scope="module")
def trusts(assembly):
    found = [
        (name, statement)
        for name, role in roles(assembly)
        for statement in statements(role["AssumeRolePolicyDocument"])
    ]
    assert len(found) > 20
    return found


def test_every_trust_statement_carries_the_source_account_beside_its_principal(assembly, trusts):
    accounts = {environment.name: environment.account for environment in assembly.environments}
    for name, statement in trusts:
        assert set(statement["Principal"]) == {"Service"}, name
        expected = accounts[name.split("/")[0]]
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == expected, name


def test_trust_names_the_source_arn_where_aws_documents_one(trusts):
    seen = set()
    for name, statement in trusts:
        pattern = SOURCE_ARNS.get(statement["Principal"]["Service"])
        if pattern is None:
            continue
        seen.add(statement["Principal"]["Service"])
        assert re.fullmatch(pattern, statement["Condition"]["ArnLike"]["aws:SourceArn"]), name
    assert "sagemaker.amazonaws.com" in seen


def test_only_the_services_of_a_run_are_trusted(trusts):
    assert {statement["Principal"]["Service"] for _, statement in trusts} == {
        "bedrock.amazonaws.com",
        "lambda.amazonaws.com",
        "sagemaker.amazonaws.com",
        "scheduler.amazonaws.com",
        "states.amazonaws.com",
    }


def test_no_role_has_a_managed_or_an_inline_policy(assembly):
    for name, role in roles(assembly):
        assert "ManagedPolicyArns" not in role, name
        assert "Policies" not in role, name


def test_no_statement_grants_actions_by_a_pattern(assembly):
    for name, statement in granted(assembly):
        assert statement["Effect"] == "Allow", name
        for action in listed(statement["Action"]):
            assert "*" not in action, f"{name}: {action}"


def test_every_statement_has_a_name_that_is_its_own_within_the_role(assembly):
    names: dict[tuple[str, str], set[str]] = {}
    for policy_name, policy in assembly.resources("AWS::IAM::Policy"):
        stack = policy_name.rsplit("/", 1)[0]
        (role,) = policy["Properties"]["Roles"]
        taken = names.setdefault((stack, role["Ref"]), set())
        for statement in statements(policy["Properties"]["PolicyDocument"]):
            assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", statement.get("Sid", "")), f"{policy_name}: {statement}"
            assert statement["Sid"] not in taken, f"{policy_name}: {statement['Sid']} stands twice"
            taken.add(statement["Sid"])


def test_every_resource_is_granted_only_for_actions_that_know_no_resource(assembly):
    unscoped = {
        (statement["Sid"], name)
        for name, statement in granted(assembly)
        if "*" in [r for r in listed(statement["Resource"]) if isinstance(r, str)]
    }
    assert unscoped
    assert {sid for sid, _ in unscoped} == set(UNSCOPED)


def test_metrics_go_to_the_namespace_of_training_jobs_only(assembly):
    found = [statement for _, statement in granted(assembly) if "cloudwatch:PutMetricData" in statement["Action"]]
    assert found
    for statement in found:
        assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}}


def test_a_key_is_granted_only_through_a_service_or_for_an_execution(assembly):
    found = [(n, s) for n, s in granted(assembly) if any(a.startswith("kms:") for a in listed(s["Action"]))]
    assert found
    for name, statement in found:
        keys = {key for operator in statement["Condition"].values() for key in operator}
        through = {"kms:ViaService", "kms:EncryptionContext:aws:states:stateMachineArn"}
        assert keys & through or any(key.startswith("kms:EncryptionContext:") for key in keys), f"{name}: {keys}"


@pytest.mark.parametrize(
    ("role", "writes"), [("RolesTraining", "/runs/*/training/*"), ("RolesEvaluation", "/runs/*/evaluations/*")]
)
def test_a_job_writes_only_below_its_own_part_of_the_run(assembly, role, writes):
    written = [
        resource
        for name, statement in granted(assembly)
        if f"/{role}" in name and "s3:PutObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    assert len(written) == len(assembly.environments)
    for resource in written:
        bucket, path = resource["Fn::Join"][1][1:]
        assert bucket["Fn::ImportValue"].endswith(":ArtifactBucketName")
        assert path == writes


def test_the_import_role_reads_checkpoints_and_encrypts_models_and_nothing_else(assembly):
    found = [statement for name, statement in granted(assembly) if "/RolesImport" in name]
    assert {statement["Sid"] for statement in found} == {"ReadCheckpoints", "ListCheckpoints", "EncryptModel"}
    for statement in found:
        if statement["Sid"] == "EncryptModel":
            continue
        assert re.fullmatch(r"arn:aws:s3:::customer-escrow-\d{12}-\*(/\*)?", statement["Resource"])


def test_buckets_are_listed_only_below_a_prefix_by_jobs(assembly):
    found = [
        statement
        for name, statement in granted(assembly)
        if "/RolesTraining" in name and "s3:ListBucket" in listed(statement["Action"])
    ]
    of_escrow = [statement for statement in found if "customer-escrow-" in json.dumps(statement["Resource"])]
    assert of_escrow  # Amazon's bucket, whose keys nobody else chooses
    found = [statement for statement in found if statement not in of_escrow]
    assert {statement["Condition"]["StringLike"]["s3:prefix"] for statement in found} == {"data/*", "runs/*/recipes/*"}


@pytest.mark.parametrize("function", ["ClassificationReward", "DecisionsProcessor"])
def test_a_rule_can_log_and_trace_and_nothing_else(assembly, function):
    found = [statement["Sid"] for name, statement in granted(assembly) if function in name]
    assert sorted(found) == ["SendTraces", "WriteLogs"]


@pytest.mark.parametrize(
    ("role", "invoked"),
    [
        ("RolesTraining", {"InvokeRewards": "novaline-dev-SageMaker-classification"}),
        (
            "RolesEvaluation",
            {
                "InvokeRewards": "novaline-dev-SageMaker-classification",
                "InvokeProcessors": "novaline-dev-SageMaker-decisions-processor",
            },
        ),
    ],
)
def test_a_job_may_invoke_exactly_the_functions_of_its_environment(assembly, role, invoked):
    found = {
        (name.split("/")[0], statement["Sid"]): statement["Resource"]
        for name, statement in granted(assembly)
        if f"/{role}" in name and "lambda:InvokeFunction" in listed(statement["Action"])
    }
    resources = assembly.template("dev", "Customization")["Resources"]
    named = {}
    for (environment, sid), resource in found.items():
        assert environment == "dev", "no other environment declares any"
        target, attribute = resource["Fn::GetAtt"]
        assert attribute == "Arn"  # without a version
        named[sid] = resources[target]["Properties"]["FunctionName"]
    assert named == invoked


def test_roles_are_passed_one_by_one_and_only_to_the_service_that_needs_them(assembly):
    found = [statement for _, statement in granted(assembly) if "iam:PassRole" in listed(statement["Action"])]
    for statement in found:
        assert statement["Condition"]["StringEquals"]["iam:PassedToService"] in SOURCE_ARNS | {
            "bedrock.amazonaws.com": ""
        }
        assert all("Fn::GetAtt" in resource for resource in listed(statement["Resource"]))
