"""The permissions of a plan are those that the stacks grant, and what they do not grant yet is called missing."""

import json
from pathlib import Path

import pytest
from stage_kinds import DEV, KINDS, write_kind

from novaline.customization.checks import check_file
from novaline.customization.compile import compile_run
from novaline.requests.permissions import permissions
from novaline.requests.planned import planned_requests
from novaline.requests.resources import Resources

SNAPSHOT = Path(__file__).resolve().parents[1] / "stacks" / "snapshots" / "dev-Customization.json"
RESOURCES = Resources.placeholder(DEV)
ROLES = {
    "workflow": "WorkflowRole",
    "training": "RolesTraining",
    "evaluation": "RolesEvaluation",
    "trial": "WorkflowFunctionsTrialRole",
    "verify": "WorkflowFunctionsVerifyRole",
    "import": "RolesImport",
}
LOGICAL_ID_HASH = 8


@pytest.fixture(scope="module")
def granted():
    """Role → statement → actions, from the reviewed templates of `dev`."""
    resources = json.loads(SNAPSHOT.read_text(encoding="utf-8"))["Resources"].values()
    found = {who: {} for who in ROLES}
    for policy in (item["Properties"] for item in resources if item["Type"] == "AWS::IAM::Policy"):
        roles = [role["Ref"][:-LOGICAL_ID_HASH] for role in policy["Roles"]]
        for who, name in ROLES.items():
            if name in roles:
                for statement in policy["PolicyDocument"]["Statement"]:
                    actions = statement["Action"]
                    found[who][statement["Sid"]] = {actions} if isinstance(actions, str) else set(actions)
    assert all(found.values())
    return found


def of_kind(folder, kind):
    checked = check_file(write_kind(folder, kind), environment=DEV)
    run = compile_run(checked, environment=DEV, resources=RESOURCES, run="the-run", created="now")
    return permissions(planned_requests(run.claim, RESOURCES), RESOURCES)


def missing(found):
    return {(item.who, action) for item in found if item.missing for action in item.actions}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_plan_calls_granted_is_granted_by_that_statement(tmp_path, kind, granted):
    found = of_kind(tmp_path, kind)
    named = [item for item in found if item.granted_by is not None]
    assert named
    for item in named:
        assert set(item.actions) <= granted[item.who][item.granted_by], item


def test_what_runs_today_lacks_nothing(tmp_path):
    chained = ("sft from a checkpoint", "sft, then rft", "dpo")
    for kind in ("sft", "sft of nova-2-lite", "sft in full", "rft", "rft_eval", *chained):
        assert missing(of_kind(tmp_path, kind)) == set()


def test_every_statement_on_jobs_and_models_is_used_by_what_runs_today(tmp_path, granted):
    """What the plan leaves out is the workflow's own housekeeping."""
    kinds = ("sft", "sft, then rft", "rft_eval", "declared metrics")
    used = {(item.who, item.granted_by) for kind in kinds for item in of_kind(tmp_path / kind, kind)}
    own = {
        "InvokeFunctions", "RecordRuns", "Notify", "EncryptExecutionData", "UseLedgerKey", "UseTopicKey", "DeliverLogs",
        "SendTraces", "WriteVerification", "ReadHeldOutRows", "ReadSamples", "UseKeyThroughS3", "ReadTrialRows",
        "WriteTrial",
    }  # fmt: skip
    there = {(who, name) for who, statements in granted.items() for name in statements if name not in own}
    assert there - used == {("trial", "WriteLogs"), ("verify", "WriteLogs")}


@pytest.mark.parametrize(
    ("kind", "lacks"),
    [
        ("own metrics", {("evaluation", "lambda:InvokeFunction")}),
    ],
)
def test_what_no_statement_grants_yet_is_missing(tmp_path, kind, lacks):
    assert missing(of_kind(tmp_path, kind)) == lacks


def test_bedrocks_jobs_need_a_role_that_the_stacks_do_not_make(tmp_path, granted):
    found = of_kind(tmp_path, "bedrock rft")
    assert ("customization", "lambda:InvokeFunction") in missing(found)
    assert ("workflow", "bedrock:CreateModelCustomizationJob") in missing(found)
    assert "customization" not in granted


def test_a_checkpoint_is_read_in_the_buckets_that_carry_the_accounts_number(tmp_path):
    found = of_kind(tmp_path, "sft from a checkpoint")
    (read,) = [item for item in found if (item.who, item.granted_by) == ("training", "ReadCheckpoints")]
    assert read.resources == ("arn:aws:s3:::customer-escrow-111111111111-*/*",)


def test_a_job_that_starts_from_a_model_package_needs_the_registry(tmp_path):
    found = of_kind(tmp_path, "sft from a model package")
    group = "arn:aws:sagemaker:us-east-1:111111111111:model-package-group/earlier"
    package = "arn:aws:sagemaker:us-east-1:111111111111:model-package/earlier"
    (kept, read) = [item for item in found if item.who == "training" and item.missing]
    assert kept.resources == (group, f"{package}/*")
    assert {"sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackageGroup"} <= set(kept.actions)
    assert read.resources == (f"{package}/3",)
    assert read.actions == ("sagemaker:AccessModelPackage", "sagemaker:DescribeModelPackage")
    assert not any("ModelPackage" in action for _, action in missing(of_kind(tmp_path, "sft")))


def test_each_permission_is_told_once_with_its_reason(tmp_path):
    for kind in KINDS:
        found = of_kind(tmp_path, kind)
        assert len(set(found)) == len(found)
        assert all(item.because and item.resources and item.actions for item in found)
