"""The documentation agrees with the repository: links, decisions, commands, statements and figures."""

import doctest
import json
import re
import shlex
from pathlib import Path
from typing import get_args

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from novaline.cli.commands import COMMANDS, app
from novaline.customization.model import (
    Budget,
    Customization,
    Deployment,
    Evaluation,
    Gate,
    Instances,
    Stage,
    TrainingData,
)
from novaline.environments import Environment
from novaline.rehearsal.faults import FaultKind

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NOT_OURS = {".venv", "node_modules", "cdk.out", "build", ".novaline", ".git"}
PAGES = sorted(
    path for path in ROOT.rglob("*.md") if not NOT_OURS.intersection(path.relative_to(ROOT).parts) and path.is_file()
)
DECISIONS = sorted((DOCS / "adr").glob("*.md"))
SNAPSHOTS = Path(__file__).parent / "stacks" / "snapshots"
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)


def named(paths):
    assert paths, "there is nothing to check"
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def prose(path: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The anchors that a heading of the page gives, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# ---- links -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", named(PAGES))
def test_every_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.relative_to(ROOT)}: {target}"
        if anchor:
            assert anchor in anchors(found), f"{page.relative_to(ROOT)}: {target}"


def test_the_index_names_every_page():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    missing = [page.name for page in DOCS.glob("*.md") if page.name != "README.md" and f"({page.name})" not in index]
    assert missing == []


# ---- decisions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", named(DECISIONS))
def test_a_decision_names_tests_that_exist(decision):
    (enforced,) = re.findall(
        r"^\*\*Enforced by\*\*(.*)\Z", decision.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    files = re.findall(r"`(tests/[\w/]+\.py)`", enforced)
    assert files, "no test file is named"
    source = "".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    for test in re.findall(r"`(test_\w+)`", enforced):
        assert f"def {test}(" in source, test


def test_decisions_are_numbered_without_a_gap_and_have_their_sections():
    assert [int(decision.name[:4]) for decision in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for decision in DECISIONS:
        text = decision.read_text(encoding="utf-8")
        assert text.startswith(f"# {decision.name[:4]} · "), decision.name
        for section in ("Status", "Context.", "Decision.", "Consequences.", "Enforced by"):
            assert f"**{section}**" in text, f"{decision.name} lacks {section}"


# ---- commands ----------------------------------------------------------------------------------------------------


def command_lines():
    """(page, words) of each line of a page, and each piece of code in it, that calls `novaline`."""
    found = []
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            candidates = [line.strip(), *re.findall(r"`([^`]+)`", line)]
            found += [(page, text.partition(" #")[0]) for text in candidates if text.startswith("novaline ")]
    return found


def problem_of(line: str) -> str | None:
    """What is wrong with a command line that a page shows; None for nothing."""
    words = shlex.split(line)[1:]
    group = get_command(app)
    context = group.make_context("novaline", [], resilient_parsing=True)
    if not words or words[0].startswith("-"):
        return None
    if words[0] not in COMMANDS:
        return f"there is no command {words[0]}"
    command, name, rest = group.get_command(context, words[0]), words[0], words[1:]
    if isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        if rest[0] not in command.list_commands(context):
            return f"{name} has no command {rest[0]}"
        command, name, rest = command.get_command(context, rest[0]), f"{name} {rest[0]}", rest[1:]
    assert command is not None
    options = {
        option for parameter in command.get_params(context) for option in (*parameter.opts, *parameter.secondary_opts)
    }
    unknown = [word.partition("=")[0] for word in rest if word.startswith("-")]
    return next((f"{name} has no option {word}" for word in unknown if word not in options), None)


def test_every_command_that_a_page_shows_exists_with_its_options():
    lines = command_lines()
    assert len(lines) > 10
    wrong = [f"{page.relative_to(ROOT)}: {line}: {problem}" for page, line in lines if (problem := problem_of(line))]
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("novaline rehearze FILE", "no command rehearze"),
        ("novaline plan FILE --environment dev", "no option --environ"),
        ("novaline recipes lst", "recipes has no command lst"),
        ("novaline recipes show ID --rendered", "recipes show has no option --rendered"),
    ],
)
def test_a_command_that_does_not_exist_would_be_found(line, problem):
    assert problem in (problem_of(line) or "")


def test_every_make_target_that_a_page_shows_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shown |= set(re.findall(r"(?:^ {4,}|`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"rehearse", "test", "cdk"} <= shown
    assert shown <= targets


# ---- statements --------------------------------------------------------------------------------------------------

ROLES = {
    "RolesTraining": "Jobs",
    "RolesEvaluation": "Jobs",
    "RolesImport": "Import",
    "WorkflowRole": "The state machine",
    "InspectionRole": "The inspection of datasets",
    "ClassificationRewardScoreRole": "Functions",
    "DecisionsProcessorScoreRole": "Functions",
    "EmptierEmptyRole": "Functions/Emptier",
    **{
        f"WorkflowFunctions{name}Role": f"Functions/{name}"
        for name in ("Admit", "Prepare", "Trial", "Collect", "Gate", "Register", "Verify")
    },
    **{f"InspectionFunctions{name}Role": f"Functions/{name}" for name in ("List", "Inspect", "Merge")},
    "PreparationRole": "The preparation of datasets",
    "ClosingCloseRole": "The closing of runs",
    "ClosingSweepRole": "The closing of runs",
    "ClosingScheduleRole": "The closing of runs",
    **{f"PreparationFunctions{name}Role": f"Functions/{name}" for name in ("Find", "Convert", "Join")},
}
"""Where docs/security.md describes a role's statements: a section, and within the functions' the rows of one."""


def deployed_statements() -> dict[str, set[str]]:
    """Section of the page → names of the statements that the reviewed templates of dev have there."""
    found: dict[str, set[str]] = {}
    for snapshot in sorted(SNAPSHOTS.glob("dev-*.json")):
        for resource in json.loads(snapshot.read_text(encoding="utf-8"))["Resources"].values():
            properties = resource.get("Properties", {})
            document = properties.get("PolicyDocument") or properties.get("KeyPolicy")
            if document is None:
                continue
            section = {"AWS::KMS::Key": "The key", "AWS::IAM::Policy": None}.get(resource["Type"], "Buckets and topic")
            if section is None:
                (role,) = properties["Roles"]
                section = ROLES[re.sub(r"[0-9A-F]{8}$", "", role["Ref"])]
            names = {statement["Sid"] for statement in document["Statement"] if "Sid" in statement}
            found.setdefault(section, set()).update(names)
    return found


def described_statements() -> dict[str, set[str]]:
    """Section of the page → names of statements in it: code in capitals that leads a row, or stands in the prose."""
    found: dict[str, set[str]] = {}
    page = (DOCS / "security.md").read_text(encoding="utf-8").partition("\n## Proof")[0]
    for part in page.split("\n## ")[2:]:
        heading, _, body = part.partition("\n")
        section = heading.partition(":")[0]
        function = ""
        for line in body.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else [line]
            if len(cells) > 1 and section == "Functions" and cells[0] in ("", *NAMES_OF_FUNCTIONS):
                function, cells = cells[0] or function, cells[1:]
            place = f"{section}/{function.partition(' ')[0]}" if function else section
            found.setdefault(place, set()).update(re.findall(r"`([A-Z][a-z]+[A-Z][A-Za-z0-9]+|Notify)`", cells[0]))
    return found


NAMES_OF_FUNCTIONS = (
    *("Admit", "Prepare", "Trial", "Collect", "Gate", "Verify", "Register"),
    *("List", "Inspect", "Merge", "Find", "Convert", "Join"),
    "Emptier (where nothing is retained)",
)


def test_the_security_page_describes_every_statement_of_every_role_of_dev_and_no_other():
    deployed, described = deployed_statements(), described_statements()
    for common in ("WriteLogs", "SendTraces"):
        assert common in described["Functions"]
        for section in (name for name in deployed if name.startswith("Functions/")):
            assert common in deployed[section]
            deployed[section].discard(common)
    assert sum(map(len, deployed.values())) > 60
    assert {place: sorted(names) for place, names in described.items() if names} == {
        place: sorted(names) for place, names in deployed.items()
    }


# ---- keys, states, faults ----------------------------------------------------------------------------------------


def test_the_page_of_the_customization_file_has_every_key():
    page = (DOCS / "customization-file.md").read_text(encoding="utf-8")
    tables = set(re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE))
    expected = {*Customization.model_fields, *Stage.model_fields, *Evaluation.model_fields}
    expected |= {f"data.{name}" for name in TrainingData.model_fields}
    expected |= {f"instances.{name}" for name in Instances.model_fields}
    for part, model in (("gate", Gate), ("deployment", Deployment), ("budget", Budget)):
        expected |= {f"{part}.{name}" for name in model.model_fields}
    assert expected - tables - {"instances", "data", "gate", "deployment", "budget"} == set()


def test_the_page_of_environments_has_every_key():
    page = (DOCS / "environments.md").read_text(encoding="utf-8")
    assert set(Environment.model_fields) - set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set()


def test_the_page_of_the_workflow_names_every_state_and_every_error_that_is_retried():
    page = (DOCS / "workflow.md").read_text(encoding="utf-8")
    template = json.loads((SNAPSHOTS / "dev-Customization.json").read_text(encoding="utf-8"))
    (machine,) = (
        found for found in template["Resources"].values() if found["Type"] == "AWS::StepFunctions::StateMachine"
    )
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    definition = json.loads("".join(part if isinstance(part, str) else "x" for part in parts))
    inner = definition["States"]["Evaluate"]["ItemProcessor"]["States"]
    states = {**definition["States"], **inner}
    assert len(states) > 25
    assert [name for name in states if name not in page] == []
    retried = {error for state in states.values() for retry in state.get("Retry", ()) for error in retry["ErrorEquals"]}
    shown = {error.rpartition(".")[2] for error in retried} - {"ThrottlingException"}
    assert [error for error in sorted(shown) if error not in page] == []


def test_the_page_of_the_rehearsal_has_every_kind_of_fault():
    page = (DOCS / "rehearsal.md").read_text(encoding="utf-8")
    assert [kind for kind in get_args(FaultKind) if f"| `{kind}` |" not in page] == []


# ---- figures -----------------------------------------------------------------------------------------------------


def test_the_figures_of_the_gates_page_are_what_the_gate_computes():
    result = doctest.testfile(str(DOCS / "gate.md"), module_relative=False)
    assert result.attempted > 8
    assert result.failed == 0
