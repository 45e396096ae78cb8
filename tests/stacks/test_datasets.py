"""Inspection and preparation of datasets: their definitions, functions, and what each of their roles may do."""

import json
import subprocess
import sys

import pytest
from synthesized import Assembly, listed, statements

from novaline.datasets.remote.prepare_places import PREPARED

PROGRAM = """
import sys

class Lambda:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"pydantic", "pydantic_core", "yaml", "rich", "typer", %(less)s"sklearn"}:
            raise ImportError(f"neither Lambda nor the layer has {name}")

sys.meta_path.insert(0, Lambda())
sys.path.insert(0, %(folder)r)
import novaline, %(package)s.handler
assert novaline.__file__.startswith(%(folder)r), novaline.__file__
%(load)s
"""
"""What a function does when it starts, on a machine without what only the command line needs."""

READ_EVERY_KIND = """
import io, gzip
import pyarrow.parquet
from nova_convert.handler import Options, Part, Plan, read_part

def stored(piece):
    rows = {"question": ["q"], "answer": ["a"]}
    if piece.key == "a.parquet":
        sink = pyarrow.BufferOutputStream()
        pyarrow.parquet.write_table(pyarrow.table(rows), sink)
        return io.BytesIO(sink.getvalue().to_pybytes())
    lines = b'{"question": "q", "answer": "a"}\\n'
    gz, zst = gzip.compress(lines), pyarrow.compress(lines, codec="zstd", asbytes=True)
    content = {"b.csv": b"question,answer\\nq,a\\n", "c.json": b"[" + lines + b"]"}
    content |= {"d.jsonl.gz": gz, "e.jsonl.zst": zst}
    return io.BytesIO(content.get(piece.key, lines))

class Sink:
    rows = 0
    def write(self, split, lines, *, rows):
        Sink.rows += rows
    def finish(self):
        return {}

class File(io.BytesIO):
    version_id = etag = size = None

def opened(piece):
    return File(stored(piece).read())

keys = ("a.parquet", "b.csv", "c.json", "d.jsonl.gz", "e.jsonl.zst", "f.jsonl")
ranges = [{"file": n, "key": key, "version": "1", "start": 0, "end": 9, "size": 9} for n, key in enumerate(keys)]
part = Part.from_json({"number": 0, "ranges": ranges})
plan = Plan(options=Options(format="sft").as_json())
found = read_part(part, plan, "rows", named=lambda key: f"s3://data/{key}", opened=opened, sink=Sink())
assert [each.refused for each in found.ranges] == [None] * len(keys), found
assert Sink.rows == len(keys)
assert "novaline.runs" not in sys.modules
"""
"""The bundle's own code reads a source of every kind."""


@pytest.fixture(scope="module")
def resources(assembly: Assembly):
    return assembly.template("dev", "Datasets")["Resources"]


@pytest.fixture(scope="module")
def definitions(resources):
    """Both state machines, by the beginning of their logical ids."""
    found = {}
    for name, machine in resources.items():
        if machine["Type"] == "AWS::StepFunctions::StateMachine":
            parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
            text = "".join(part if isinstance(part, str) else f"<{next(iter(part.values()))}>" for part in parts)
            found[name.partition("StateMachine")[0]] = json.loads(text)
    return found


@pytest.fixture(scope="module", params=[("Inspection", "Inspect parts"), ("Preparation", "Convert parts")])
def parts(request, definitions):
    """The Distributed Map of each state machine."""
    machine, state = request.param
    return definitions[machine]["States"][state]


@pytest.fixture(scope="module")
def granted(resources):
    """Statements by the logical id of their role, without its hash."""
    found: dict[str, list[dict]] = {}
    for policy in resources.values():
        if policy["Type"] == "AWS::IAM::Policy":
            (role,) = policy["Properties"]["Roles"]
            found.setdefault(role["Ref"][:-8], []).extend(statements(policy["Properties"]["PolicyDocument"]))
    return found


def test_parts_are_read_by_a_distributed_map_over_the_list_that_was_made(definitions, parts):
    assert parts["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert parts["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert parts["ItemReader"]["Arguments"]["VersionId"] == "{% $listed.version %}"
    assert {definition["QueryLanguage"] for definition in definitions.values()} == {"JSONata"}


def test_a_part_is_tried_again_after_faults_of_lambda_and_never_after_its_own(parts):
    (task,) = parts["ItemProcessor"]["States"].values()
    retried = {error for rule in task["Retry"] for error in rule["ErrorEquals"]}
    assert retried
    assert all(error.startswith("Lambda.") for error in retried)


def test_nothing_of_a_part_but_its_number_travels_through_the_state_machine(definitions, parts):
    (task,) = parts["ItemProcessor"]["States"].values()
    assert task["Output"] == "{% $states.result.Payload %}"
    assert parts["Output"] == {}
    (join,) = (state for state in definitions["Preparation"]["States"].items() if state[0] == "Join")
    assert "options" not in json.dumps(join)


def test_a_task_waits_longer_than_its_function_may_run(definitions, resources):
    functions = [r["Properties"]["Timeout"] for r in resources.values() if r["Type"] == "AWS::Lambda::Function"]
    states = [state for definition in definitions.values() for state in definition["States"].values()]
    states += [task for state in states for task in state.get("ItemProcessor", {}).get("States", {}).values()]
    waits = [state["TimeoutSeconds"] for state in states if state["Type"] == "Task"]
    assert len(waits) == 6
    assert max(functions) < min(waits)


def test_passes_go_on_until_the_function_that_joins_says_that_it_is_done(definitions):
    states = definitions["Preparation"]["States"]
    choice = states["Anything left to do?"]
    assert choice["Choices"] == [{"Condition": "{% $pass = 'done' %}", "Next": "Done"}]
    assert choice["Default"] == "Convert parts"
    assert states["Convert parts"]["Next"] == "Join"
    assert states["Join"]["Next"] == states["Find sources"]["Next"] == "Anything left to do?"


@pytest.mark.parametrize("machine", ["Inspection", "Preparation"])
def test_a_part_is_an_execution_of_this_state_machine_and_of_no_other(granted, machine):
    of_machine = {statement["Sid"]: statement for statement in granted[f"{machine}Role"]}
    assert of_machine["StartParts"]["Action"] == "states:StartExecution"
    assert set(of_machine["StartParts"]["Resource"]) == {"Ref"}
    assert of_machine["StartParts"]["Resource"]["Ref"].startswith(machine)
    for sid in ("FollowParts", "StopParts"):
        prefix, name, suffix = of_machine[sid]["Resource"]["Fn::Join"][1]
        assert prefix.endswith(":execution:")
        assert name["Fn::GetAtt"][0].startswith(machine)
        assert name["Fn::GetAtt"][1] == "Name"
        assert suffix == ":*"


@pytest.mark.parametrize(
    ("role", "written"),
    [
        ("InspectionFunctionsListRole", ["/scratch/inspections/*/parts.jsonl", "/scratch/inspections/*/plan"]),
        ("InspectionFunctionsInspectRole", ["/scratch/inspections/*/partials/*"]),
        ("InspectionFunctionsMergeRole", ["/inspections/*/report.json", "/inspections/by-object/*"]),
        ("InspectionRole", []),
        (
            "PreparationFunctionsFindRole",
            [f"/scratch/preparations/*/{name}" for name in ("parts.jsonl", "plans/*", "report.json", "sources")],
        ),
        (
            "PreparationFunctionsConvertRole",
            ["/scratch/preparations/*/partials/*", "/scratch/preparations/*/pieces/*"],
        ),
        ("PreparationFunctionsJoinRole", ["/scratch/preparations/*/plans/*", "/scratch/preparations/*/report.json"]),
        ("PreparationRole", []),
    ],
)
def test_a_function_writes_its_own_files_of_the_artifact_bucket_alone(granted, role, written):
    found = [
        resource["Fn::Join"][1][1:]
        for statement in granted[role]
        if "s3:PutObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]
    of_artifacts = [path for bucket, path in found if bucket["Fn::ImportValue"].endswith(":ArtifactBucketName")]
    assert sorted(of_artifacts) == written
    others = [path for bucket, path in found if not bucket["Fn::ImportValue"].endswith(":ArtifactBucketName")]
    assert others == (["/prepared/*"] if role == "PreparationFunctionsJoinRole" else [])


def of_data(granted, action):
    """The roles that have an action on objects of the data bucket."""
    return {
        role
        for role, found in granted.items()
        for statement in found
        if any(name.startswith(action) for name in listed(statement["Action"]))
        and "DataBucketName" in json.dumps(statement["Resource"])
    }


def test_functions_read_data_and_the_state_machines_do_not(granted):
    inspecting = {f"InspectionFunctions{name}Role" for name in ("List", "Inspect", "Merge")}
    assert of_data(granted, "s3:GetObject") == {*inspecting, "PreparationFunctionsConvertRole"}


def test_one_function_writes_data_where_no_run_reads_and_none_deletes_anything(granted):
    (writes,) = (s for s in granted["PreparationFunctionsJoinRole"] if s["Sid"] == "WriteOutput")
    assert writes["Resource"]["Fn::Join"][1][-1] == f"/{PREPARED}/*"
    assert of_data(granted, "s3:PutObject") == {"PreparationFunctionsJoinRole"}
    assert not [
        s for found in granted.values() for s in found if "Delete" in "".join(listed(s["Action"])) if "s3:" in str(s)
    ]


def test_the_key_is_used_through_s3_alone(granted):
    for role in ("Find", "Convert", "Join"):
        (statement,) = [
            statement
            for statement in granted[f"PreparationFunctions{role}Role"]
            if any(action.startswith("kms:") for action in listed(statement["Action"]))
        ]
        assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}


def functions_of(resources, package):
    return {
        function["Properties"]["Handler"].rpartition(".")[2]: function["Properties"]
        for function in resources.values()
        if function["Type"] == "AWS::Lambda::Function"
        if function["Properties"]["Handler"].startswith(package)
    }


def test_functions_bring_their_libraries_in_layers_for_their_own_processor(resources):
    layers = {name: r["Properties"] for name, r in resources.items() if r["Type"] == "AWS::Lambda::LayerVersion"}
    (libraries,) = (name for name in layers if "Libraries" in name)
    (tables,) = (name for name in layers if "Tables" in name)
    assert len(layers) == 2
    functions = {**functions_of(resources, "nova_inspect"), **functions_of(resources, "nova_convert")}
    assert len(functions) == 6
    for handler, function in functions.items():
        more = [tables] if handler == "convert_handler" else []
        assert function["Layers"] == [{"Ref": name} for name in (libraries, *more)], handler
        for name in (libraries, *more):
            assert layers[name]["CompatibleArchitectures"] == ["arm64"]
            assert function["Runtime"] in layers[name]["CompatibleRuntimes"]


@pytest.mark.parametrize(
    ("package", "less", "load"),
    [
        ("nova_inspect", '"pyarrow", ', "nova_inspect.handler.engine.load()"),
        ("nova_convert", '"pyarrow", ', ""),
        ("nova_convert", "", READ_EVERY_KIND),
    ],
)
def test_the_bundle_runs_with_nothing_but_its_layers_libraries_and_boto3(assembly, resources, package, less, load):
    (bundle,) = {
        function["Code"]["S3Key"].removesuffix(".zip") for function in functions_of(resources, package).values()
    }
    folder = str(assembly.folder / f"asset.{bundle}")
    program = PROGRAM % {"folder": folder, "package": package, "less": less, "load": load}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
