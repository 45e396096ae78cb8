"""How functions are deployed, and how stacks are wired."""

import json
import re

import pytest
from aws_cdk import aws_lambda as lambda_
from synthesized import STACKS

from novaline.rewards.settings import RewardSpec


@pytest.fixture(scope="module")
def functions(assembly):
    found = {name: function["Properties"] for name, function in assembly.resources("AWS::Lambda::Function")}
    assert len(found) > len(assembly.environments)
    return found


def test_functions_run_the_newest_python_on_arm(functions):
    newest = max(
        (runtime.name for runtime in lambda_.Runtime.ALL if runtime.name.startswith("python")),
        key=lambda name: [int(part) for part in name.removeprefix("python").split(".")],
    )
    for name, function in functions.items():
        assert (function["Runtime"], function["Architectures"]) == (newest, ["arm64"]), name


def test_functions_are_traced_and_log_to_their_own_group(functions):
    for name, function in functions.items():
        assert function["TracingConfig"] == {"Mode": "Active"}, name
        assert set(function["LoggingConfig"]["LogGroup"]) == {"Ref"}, name
    groups = [
        (name.split("/")[0], function["LoggingConfig"]["LogGroup"]["Ref"]) for name, function in functions.items()
    ]
    assert len(set(groups)) == len(groups)


def test_functions_say_how_long_they_take_and_what_they_are_for(functions):
    for name, function in functions.items():
        assert 1 <= function["Timeout"] <= 900, name
        assert function["Description"], name


def test_a_function_waits_for_its_permissions(assembly):
    for name, function in assembly.resources("AWS::Lambda::Function"):
        waits = function["DependsOn"]
        assert any("DefaultPolicy" in policy for policy in waits), name
        assert any("Tracing" in policy for policy in waits), name


def test_only_what_nova_calls_and_the_logs_of_training_jobs_have_names_of_their_own(assembly):
    properties = {
        "BucketName",
        "FunctionName",
        "LogGroupName",
        "RoleName",
        "StateMachineName",
        "TableName",
        "TopicName",
    }
    named = {
        value
        for _, template in assembly.templates()
        for resource in template["Resources"].values()
        if resource["Type"].startswith("AWS::") and resource["Type"] != "AWS::Lambda::Permission"
        for key, value in resource.get("Properties", {}).items()
        if key in properties
    }
    functions = {"novaline-dev-SageMaker-classification", "novaline-dev-SageMaker-decisions-processor"}
    assert named == {"/aws/sagemaker/TrainingJobs", *functions}


def test_the_declared_reward_is_deployed_by_its_handler(functions):
    (reward,) = [f for f in functions.values() if f.get("FunctionName") == "novaline-dev-SageMaker-classification"]
    assert reward["Handler"] == "nova_reward.handler.handler"


def test_the_declaration_of_a_reward_lies_in_its_asset(assembly):
    (text,) = {path.read_text(encoding="utf-8") for path in assembly.folder.glob("asset.*/reward.json")}
    assert RewardSpec.from_json(text) == RewardSpec(name="classification", function="classification")


def test_one_function_is_one_asset_in_every_environment(functions):
    keys: dict[str, set[str]] = {}
    for function in functions.values():
        keys.setdefault(function["Handler"], set()).add(function["Code"]["S3Key"])
    assert all(len(assets) == 1 for assets in keys.values()), keys


def test_assets_hold_python_and_declarations_only_but_for_the_layers(assembly):
    assets = list(assembly.folder.glob("asset.*"))
    layers = [path for path in assets if path.is_file()]
    assert {path.suffix for path in layers} == {".zip"}
    folders = [path for path in assets if path.is_dir()]
    assert folders
    for folder in folders:
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files
        others = {path.name for path in files if path.suffix != ".py"}
        assert others <= {"reward.json", "processor.json"}, folder


def test_foundation_exports_what_the_other_stacks_import(assembly):
    for environment in assembly.environments:
        outputs = assembly.template(environment.name, "Foundation")["Outputs"]
        assert set(outputs) == {"DataBucketName", "ArtifactBucketName", "KeyArn", "LedgerTableName", "TopicArn"}
        exported = {output["Export"]["Name"] for output in outputs.values()}
        for stack in STACKS[1:]:
            text = json.dumps(assembly.template(environment.name, stack))
            imported = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', text))
            assert imported <= exported
            assert f"{environment.name}-Foundation:KeyArn" in imported


def test_customization_puts_out_what_a_run_needs(assembly):
    for environment in assembly.environments:
        outputs = set(assembly.template(environment.name, "Customization")["Outputs"])
        of_dev = {"RewardFunctionArnClassification", "ProcessorFunctionArnDecisions"}
        declared = of_dev if environment.name == "dev" else set()
        assert outputs == declared | {
            "StateMachineArn",
            "TrainingRoleArn",
            "EvaluationRoleArn",
            "ImportRoleArn",
            "VerifyFunctionArn",
        }


def test_stacks_are_tagged_protected_and_ordered_as_the_environment_says(assembly):
    for environment in assembly.environments:
        folder = assembly.folder / f"assembly-{environment.name}"
        artifacts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        stacks = {a["displayName"]: a for a in artifacts.values() if a["type"] == "aws:cloudformation:stack"}
        assert set(stacks) == {f"{environment.name}/{stack}" for stack in STACKS}
        for name, stack in stacks.items():
            properties = stack["properties"]
            assert properties["tags"] == dict(environment.tags), name
            assert properties["terminationProtection"] is environment.termination_protection, name
            assert properties["stackName"] == name.replace("/", "-")
            assert stack["environment"] == f"aws://{environment.account}/{environment.region}"
        foundation = next(key for key, a in artifacts.items() if a.get("displayName", "").endswith("/Foundation"))
        for stack in STACKS[1:]:
            assert foundation in stacks[f"{environment.name}/{stack}"]["dependencies"]


def test_templates_carry_no_trace_of_the_machine_that_made_them(assembly):
    for name, template in assembly.templates():
        text = json.dumps(template)
        assert "AWS::CDK::Metadata" not in text, name
        assert "aws:cdk:path" not in text, name
        assert template["Description"].startswith("Novaline "), name
