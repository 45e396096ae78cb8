"""The job of a stage, out of the claim: with the checkpoint that it starts from in its request and in its recipe."""

import copy
import json

import pytest
from memory_stores import MemoryS3

from nova_prepare.handler import prepare
from nova_prepare.stage import StageNotReady

ESCROW = "s3://customer-escrow-111111111111-smtj-0a1b2c3d/sft/8/"
GIVEN = "s3://customer-escrow-111111111111-smtj-0a1b2c3d/earlier/7/"
RECIPES = "s3://artifacts/runs/r/recipes"
TEMPLATE = "run:\n  model_name_or_path: __CHECKPOINT__\n"
OPEN = {"HyperParameters.base_model_location": {"what": "the checkpoint", "sample": "s3://…"}}


def stage(name: str, *, start: str | None = None, waits: bool = False) -> dict:
    given = {"base_model": "nova-lite-2/prod"} if start is None else {} if waits else {"base_model_location": start}
    job = {"base_name": f"run-{name}", "request": {"HyperParameters": {"model_type": "m", **given}, "RoleArn": "role"}}
    if waits:
        job |= {
            "recipe_template": f"{RECIPES}/{name}/recipe.template.yaml",
            "recipe": f"{RECIPES}/{name}/recipe.yaml",
            "open": OPEN,
        }
    return {"name": name, "job": job} | ({} if start is None else {"start": start})


CHAIN = [stage("sft"), stage("prefer", start="sft", waits=True), stage("rft", start="sft", waits=True)]


def run_prepare(name: str, *, stages: list[dict] = CHAIN, checkpoints=None, template: str = TEMPLATE, **changes):
    s3 = MemoryS3()
    claim = {"stages": copy.deepcopy(stages)}
    version = s3.put_object(Bucket="artifacts", Key="runs/r/claim.json", Body=json.dumps(claim).encode())["VersionId"]
    for each in stages:
        s3.put_object(
            Bucket="artifacts", Key=f"runs/r/recipes/{each['name']}/recipe.template.yaml", Body=template.encode()
        )
    check = {"uri": "s3://artifacts/runs/r/claim.json", "version_id": version, "sha256": "0", **changes}
    event = {"run": "r", "claim": check, "stage": name, "checkpoints": checkpoints or {}}
    return prepare(event, artifact_bucket="artifacts", s3=s3), s3


def test_a_stage_from_the_base_is_handed_out_as_it_stands_in_the_claim():
    made, s3 = run_prepare("sft")
    assert made == {**CHAIN[0]["job"], "next": "prefer"}
    assert ("artifacts", "runs/r/recipes/sft/recipe.yaml") not in s3.objects


@pytest.mark.parametrize(("name", "following"), [("prefer", "rft"), ("rft", "")])
def test_a_stage_from_another_gets_its_checkpoint_into_request_and_recipe(name, following):
    made, s3 = run_prepare(name, checkpoints={"sft": ESCROW, "prefer": "s3://customer-escrow-x/other/"})
    assert made["request"]["HyperParameters"] == {"model_type": "m", "base_model_location": ESCROW}
    assert (made["base_name"], made["next"]) == (f"run-{name}", following)
    assert set(made) == {"base_name", "request", "next"}
    assert s3.objects["artifacts", f"runs/r/recipes/{name}/recipe.yaml"] == [
        TEMPLATE.replace("__CHECKPOINT__", ESCROW).encode()
    ]


def test_a_checkpoint_that_the_file_named_is_in_the_claim_already():
    made, s3 = run_prepare("only", stages=[stage("only", start=GIVEN)])
    assert made["request"]["HyperParameters"]["base_model_location"] == GIVEN
    assert made["next"] == ""
    assert ("artifacts", "runs/r/recipes/only/recipe.yaml") not in s3.objects


def test_a_checkpoint_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(StageNotReady, match="rft starts from sft, whose checkpoint is not there; there are none"):
        run_prepare("rft")
    with pytest.raises(StageNotReady, match="there are those of prefer"):
        run_prepare("rft", checkpoints={"prefer": ESCROW})


def test_a_stage_that_the_claim_does_not_have_is_told():
    with pytest.raises(StageNotReady, match="no stage dpo; it has sft, prefer, rft"):
        run_prepare("dpo")


@pytest.mark.parametrize("template", ["run: {}\n", TEMPLATE + TEMPLATE])
def test_a_template_without_exactly_one_place_for_the_checkpoint_is_refused(template):
    with pytest.raises(StageNotReady, match=r"of stage rft holds __CHECKPOINT__ [02] times, expected once"):
        run_prepare("rft", checkpoints={"sft": ESCROW}, template=template)


def test_a_claim_in_another_bucket_is_not_read():
    with pytest.raises(StageNotReady, match="reads claims from artifacts only"):
        run_prepare("sft", uri="s3://elsewhere/runs/r/claim.json")
