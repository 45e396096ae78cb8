"""Bundling without Docker, and the role that a function starts with."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from nova_constructs.python_function import PythonFunction, bundle
from novaline.places import lambda_root

CORE = ("novaline/evaluation/gate.py",)


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def template(stack):
    PythonFunction(
        stack,
        "Reward",
        folder="reward",
        handler="nova_reward.handler.handler",
        description="Scores",
        key=kms.Key(stack, "Key"),
        log_retention=logs.RetentionDays.ONE_WEEK,
        environment={"MODE": "quiet"},
        timeout=cdk.Duration.seconds(7),
        reserved_concurrency=3,
    )
    return cdk.assertions.Template.from_stack(stack)


def test_a_bundle_holds_the_sources_of_the_function_and_nothing_else(tmp_path):
    made = files_in(bundle("reward", (), into=tmp_path))
    assert made == {
        str(path.relative_to(lambda_root() / "reward")) for path in (lambda_root() / "reward").rglob("*.py")
    }
    assert "nova_reward/handler.py" in made


def test_modules_of_the_core_come_with_the_packages_around_them(tmp_path):
    made = files_in(bundle("reward", CORE, into=tmp_path))
    assert {"novaline/__init__.py", "novaline/evaluation/__init__.py", "novaline/evaluation/gate.py"} <= made
    assert not any(name.startswith("novaline/rehearsal") for name in made)


def test_a_bundle_is_made_once_for_each_assembly(tmp_path):
    first = bundle("reward", (), into=tmp_path)
    (first / "trace").touch()
    assert bundle("reward", (), into=tmp_path) is first
    assert (first / "trace").exists()


def test_what_an_earlier_synthesis_left_is_not_bundled(tmp_path):
    (tmp_path / "reward" / "nova_reward").mkdir(parents=True)
    (tmp_path / "reward" / "nova_reward" / "old.py").touch()
    assert "nova_reward/old.py" not in files_in(bundle("reward", (), into=tmp_path))


def test_a_missing_folder_is_an_error_that_names_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lambda.nowhere: PythonFunction\(folder='nowhere'\)"):
        bundle("nowhere", (), into=tmp_path)


def test_a_missing_module_of_the_core_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.py"):
        bundle("reward", ("novaline/evaluation/missing.py",), into=tmp_path)


def test_the_role_may_write_to_its_own_log_group_and_trace(template):
    policies = template.find_resources("AWS::IAM::Policy").values()
    found = {s["Sid"]: s for policy in policies for s in policy["Properties"]["PolicyDocument"]["Statement"]}
    assert set(found) == {"WriteLogs", "SendTraces"}
    (group,) = template.find_resources("AWS::Logs::LogGroup")
    assert found["WriteLogs"]["Resource"] == {"Fn::GetAtt": [group, "Arn"]}
    assert found["WriteLogs"]["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]


def test_the_function_is_what_was_asked_for(template):
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Handler": "nova_reward.handler.handler",
            "Timeout": 7,
            "MemorySize": 256,
            "ReservedConcurrentExecutions": 3,
            "Environment": {"Variables": {"MODE": "quiet"}},
        },
    )
    template.has_resource_properties("AWS::Logs::LogGroup", {"RetentionInDays": 7})
