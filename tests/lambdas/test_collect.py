import json

import pytest
from job_archives import tar_gz
from memory_stores import MemoryS3

from nova_collect.checkpoint import CheckpointMissing
from nova_collect.handler import collect

ESCROW = "s3://customer-escrow-111111111111-smtj-0a1b2c3d/job/42/"
TEMPLATE = "run:\n  model_name_or_path: __CHECKPOINT__\n"


def evaluation() -> dict:
    hyperparameters = {"model_type": "amazon.nova-micro-v1:0:128k"}
    return {
        "name": "holdout",
        "base": {
            "base_name": "b",
            "request": {"HyperParameters": {**hyperparameters, "base_model": "nova-micro/prod"}},
        },
        "candidate": {
            "base_name": "c",
            "request": {"HyperParameters": hyperparameters},
            "recipe_template": "s3://artifacts/runs/r/recipes/c/recipe.template.yaml",
            "recipe": "s3://artifacts/runs/r/recipes/c/recipe.yaml",
        },
    }


def run_collect(archive: bytes, *, template: str = TEMPLATE) -> tuple[dict, MemoryS3]:
    s3 = MemoryS3()
    s3.put_object(Bucket="artifacts", Key="runs/r/training/job-r0-d0/output/output.tar.gz", Body=archive)
    s3.put_object(Bucket="artifacts", Key="runs/r/recipes/c/recipe.template.yaml", Body=template.encode())
    event = {
        "run": "r",
        "stage": "sft",
        "job_name": "job-r0-d0",
        "output_path": "s3://artifacts/runs/r/training",
        "evaluations": [evaluation()],
    }
    return collect(event, account="111111111111", artifact_bucket="artifacts", s3=s3), s3


def manifest(uri: object) -> bytes:
    return tar_gz(
        {"logs/long.txt": b"x" * 100_000, "manifest.json": json.dumps({"checkpoint_s3_bucket": uri}).encode()}
    )


def test_the_checkpoint_is_found_and_both_evaluations_are_made_ready():
    collected, s3 = run_collect(manifest(ESCROW))
    assert collected["checkpoint"] == ESCROW
    base, candidate = collected["jobs"]
    assert (base["subject"], base["request"]["HyperParameters"]["base_model"]) == ("base", "nova-micro/prod")
    assert (candidate["subject"], candidate["request"]["HyperParameters"]["base_model_location"]) == (
        "candidate",
        ESCROW,
    )
    assert s3.objects["artifacts", "runs/r/recipes/c/recipe.yaml"] == [
        TEMPLATE.replace("__CHECKPOINT__", ESCROW).encode()
    ]
    assert json.loads(s3.objects["artifacts", "runs/r/checkpoints/sft.json"][0])["checkpoint"] == ESCROW


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "s3://my-own-bucket/model/",
        "s3://customer-escrow-999999999999-smtj-0a1b/x/",
        "s3://customer-escrow-111111111111-hp-0a1b/x/",
        "s3://customer-escrow-111111111111-smtj-0a1b/",
    ],
)
def test_a_checkpoint_outside_this_accounts_escrow_is_refused(uri):
    with pytest.raises(CheckpointMissing, match="expected a URI under s3://customer-escrow-111111111111-smtj-"):
        run_collect(manifest(uri))


def test_an_archive_without_manifest_is_refused():
    with pytest.raises(CheckpointMissing, match=r"holds no manifest\.json"):
        run_collect(tar_gz({"metrics.csv": b"step,loss"}))


@pytest.mark.parametrize("archive", [b"", b"garbage", manifest(ESCROW)[:150], tar_gz({"manifest.json": b"{"})])
def test_a_broken_archive_is_refused(archive):
    with pytest.raises(CheckpointMissing, match=r"output\.tar\.gz"):
        run_collect(archive)


@pytest.mark.parametrize("template", ["run: {}\n", TEMPLATE + TEMPLATE])
def test_a_template_without_exactly_one_place_for_the_checkpoint_is_refused(template):
    with pytest.raises(CheckpointMissing, match="expected once"):
        run_collect(manifest(ESCROW), template=template)
