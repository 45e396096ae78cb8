"""The inspection of datasets: its definition, its functions, and what each of its roles may do."""

import json
import subprocess
import sys

import pytest
from synthesized import Assembly, listed, statements

PROGRAM = """
import sys

class Lambda:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pydantic", "pydantic_core", "yaml", "rich", "typer", "pyarrow", "sklearn"}:
            raise ImportError(f"neither Lambda nor the layer has {name}")

sys.meta_path.insert(0, Lambda())
sys.path.insert(0, %(folder)r)
import novaline, nova_inspect.handler
assert novaline.__file__.startswith(%(folder)r), novaline.__file__
nova_inspect.handler.engine.load()
"""
"""What a function does when it starts, on a machine without what only the command line needs."""


@pytest.fixture(scope="module")
def resources(assembly: Assembly):
    return assembly.template("dev", "Datasets")["Resources"]


@pytest.fixture(scope="module")
def definition(resources):
    (machine,) = [r for r in resources.values() if r["Type"] == "AWS::StepFunctions::StateMachine"]
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else f"<{next(iter(part.values()))}>" for part in parts))


@pytest.fixture(scope="module")
def granted(resources):
    """Statements by the logical id of their role, without its hash."""
    found: dict[str, list[dict]] = {}
    for policy in resources.values():
        if policy["Type"] == "AWS::IAM::Policy":
            (role,) = policy["Properties"]["Roles"]
            found.setdefault(role["Ref"][:-8], []).extend(statements(policy["Properties"]["PolicyDocument"]))
    return found


def test_parts_are_inspected_by_a_distributed_map_over_the_list_that_was_made(definition):
    inspect = definition["States"]["Inspect parts"]
    assert inspect["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert inspect["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert inspect["ItemReader"]["Arguments"]["VersionId"] == "{% $listed.version %}"
    assert definition["QueryLanguage"] == "JSONata"


def test_a_part_is_tried_again_after_faults_of_lambda_and_never_after_its_own(definition):
    (task,) = definition["States"]["Inspect parts"]["ItemProcessor"]["States"].values()
    retried = {error for rule in task["Retry"] for error in rule["ErrorEquals"]}
    assert retried
    assert all(error.startswith("Lambda.") for error in retried)


def test_a_task_waits_longer_than_its_function_may_run(definition, resources):
    functions = [r["Properties"]["Timeout"] for r in resources.values() if r["Type"] == "AWS::Lambda::Function"]
    (part,) = definition["States"]["Inspect parts"]["ItemProcessor"]["States"].values()
    tasks = [definition["States"]["List parts"], definition["States"]["Merge"], part]
    assert max(functions) < min(task["TimeoutSeconds"] for task in tasks)


def test_a_part_is_an_execution_of_this_state_machine_and_of_no_other(granted):
    of_machine = {statement["Sid"]: statement for statement in granted["InspectionRole"]}
    assert of_machine["StartParts"]["Action"] == "states:StartExecution"
    assert set(of_machine["StartParts"]["Resource"]) == {"Ref"}
    for sid in ("FollowParts", "StopParts"):
        prefix, name, suffix = of_machine[sid]["Resource"]["Fn::Join"][1]
        assert prefix.endswith(":execution:")
        assert name["Fn::GetAtt"][1] == "Name"
        assert suffix == ":*"


@pytest.mark.parametrize(
    ("role", "written"),
    [
        ("InspectionFunctionsListRole", ["/scratch/inspections/*/parts.jsonl", "/scratch/inspections/*/plan"]),
        ("InspectionFunctionsInspectRole", ["/scratch/inspections/*/partials/*"]),
        ("InspectionFunctionsMergeRole", ["/inspections/*/report.json"]),
        ("InspectionRole", []),
    ],
)
def test_a_function_writes_its_own_files_of_the_artifact_bucket_alone(granted, role, written):
    found = [
        resource["Fn::Join"][1][1:]
        for statement in granted[role]
        if "s3:PutObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    assert sorted(path for _, path in found) == written
    assert all(bucket["Fn::ImportValue"].endswith(":ArtifactBucketName") for bucket, _ in found)


def test_functions_read_data_and_the_state_machine_does_not(granted):
    readers = {
        role
        for role, found in granted.items()
        for statement in found
        if any(action.startswith("s3:GetObject") for action in listed(statement["Action"]))
        and "DataBucketName" in json.dumps(statement["Resource"])
    }
    assert readers == {f"InspectionFunctions{name}Role" for name in ("List", "Inspect", "Merge")}


def test_the_functions_bring_their_libraries_in_one_layer_for_their_own_processor(resources):
    ((name, layer),) = [(n, r) for n, r in resources.items() if r["Type"] == "AWS::Lambda::LayerVersion"]
    assert layer["Properties"]["CompatibleArchitectures"] == ["arm64"]
    functions = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Lambda::Function"]
    assert len(functions) == 3
    for function in functions:
        assert function["Layers"] == [{"Ref": name}]
        assert function["Runtime"] in layer["Properties"]["CompatibleRuntimes"]


def test_the_bundle_runs_with_nothing_but_its_layers_libraries_and_boto3(assembly, resources):
    (bundle,) = {
        function["Properties"]["Code"]["S3Key"].removesuffix(".zip")
        for function in resources.values()
        if function["Type"] == "AWS::Lambda::Function"
    }
    program = PROGRAM % {"folder": str(assembly.folder / f"asset.{bundle}")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
