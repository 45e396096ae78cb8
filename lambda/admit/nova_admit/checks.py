"""What a claim must satisfy before money is spent: pure functions over the claim and what S3 says about its objects."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nova_admit.data_checks import channel_uris, data_refusals

MAX_RUNTIME_SECONDS = 432_000
"""The longest training job that the workflow waits for: five days, the longest in AWS's own samples for Nova."""
MAX_RUN_SECONDS = 1_036_800
"""The longest that the jobs of a run may take one after the other: of the workflow's fourteen days two are left for
capacity, transfers, the import and the deployment."""
CHECKPOINT_PARAMETER = "HyperParameters.base_model_location"
"""The one parameter that a stage may leave open, for the checkpoint of the stage that it starts from."""

_STAGE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 24


class ClaimRefused(Exception):
    """The run must not start; the message lists every reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment allows; from the function's environment variables."""

    account: str
    environment: str
    data_bucket: str
    artifact_bucket: str
    key_arn: str
    training_role_arn: str
    evaluation_role_arn: str
    budget_usd_per_run: float

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Settings:
        """Read the variables that the stack sets; a missing one is a KeyError with its name."""
        return cls(
            account=variables["ACCOUNT"],
            environment=variables["ENVIRONMENT"],
            data_bucket=variables["DATA_BUCKET"],
            artifact_bucket=variables["ARTIFACT_BUCKET"],
            key_arn=variables["KEY_ARN"],
            training_role_arn=variables["TRAINING_ROLE_ARN"],
            evaluation_role_arn=variables["EVALUATION_ROLE_ARN"],
            budget_usd_per_run=float(variables["BUDGET_USD_PER_RUN"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """What S3 says about the newest version of an object; None throughout when there is no such object."""

    version_id: str | None
    sha256: str | None
    size: int | None
    computed: bool = False
    """Whether S3 computed the digest over the whole object, so that an equal one means equal content."""
    beside: int = 0
    """Other objects under names that begin with this one's, which a job reads along with it. Counted for data."""
    inspected: object = None
    """What the environment's inspection says of the version that it is a copy of; None for what is no copy."""


def parse_claim(body: bytes, *, run: str, sha256: str) -> dict[str, Any]:
    """The claim document, once its digest and its run are those that the execution was started with."""
    found = hashlib.sha256(body).hexdigest()
    if found != sha256:
        msg = f"claim.json has SHA-256 {found}, but the run was started for {sha256}: the file was changed or mixed up"
        raise ClaimRefused(msg)
    claim: dict[str, Any] = json.loads(body)
    if claim.get("schema") != 1:
        msg = (
            f"claim.json has schema {claim.get('schema')!r}; this environment reads schema 1: deploy the newer version"
        )
        raise ClaimRefused(msg)
    if claim["run"] != run:
        msg = f"claim.json is that of run {claim['run']}, not of {run}"
        raise ClaimRefused(msg)
    return claim


def refusals(claim: Mapping[str, Any], *, stored: Mapping[str, StoredObject], settings: Settings) -> tuple[str, ...]:
    """Every reason against starting; empty when there is none. ``stored`` maps each object's URI to what S3 holds."""
    return (
        *_environment(claim, settings=settings),
        *_objects(claim, stored=stored),
        *data_refusals(
            claim,
            bucket=settings.data_bucket,
            beside={uri: item.beside for uri, item in stored.items()},
            inspected={uri: item.inspected for uri, item in stored.items()},
        ),
        *_budget(claim, settings=settings),
        *_jobs(claim, settings=settings),
        *_stages(claim, settings=settings),
        *_duration(claim),
        *_evaluation_files(claim, settings=settings),
    )


def _environment(claim: Mapping[str, Any], *, settings: Settings) -> list[str]:
    if claim["environment"] == settings.environment:
        return []
    return [f"the run was prepared for environment {claim['environment']}, this is {settings.environment}"]


def _objects(claim: Mapping[str, Any], *, stored: Mapping[str, StoredObject]) -> list[str]:
    reasons = []
    for expected in claim["objects"]:
        found = stored[expected["uri"]]
        what = f"{expected['what']} ({expected['uri']})"
        if found.version_id is None:
            reasons.append(f"{what} is not there")
        elif found.version_id != expected["version_id"] and not _same_content(found, expected):
            reasons.append(f"{what} has a newer version {found.version_id}; the run was prepared for another")
        elif found.sha256 is not None and expected["sha256"] is not None and found.sha256 != expected["sha256"]:
            reasons.append(f"{what} has SHA-256 {found.sha256}, expected {expected['sha256']}")
        elif found.size != expected["bytes"]:
            reasons.append(f"{what} has {found.size} bytes, expected {expected['bytes']}")
    return reasons


def _same_content(found: StoredObject, expected: Mapping[str, Any]) -> bool:
    """Two runs may upload the same dataset at the same moment: then the newer version is the same, byte by byte."""
    return found.computed and found.sha256 is not None and found.sha256 == expected["sha256"]


def _budget(claim: Mapping[str, Any], *, settings: Settings) -> list[str]:
    worst = claim["worst_case_usd"]
    limits = {"the customization's budget": claim["budget_usd"], "the environment's limit": settings.budget_usd_per_run}
    return [
        f"the worst case of ${worst:,.2f} exceeds {name} of ${limit:,.2f}"
        for name, limit in limits.items()
        if limit is not None and worst > limit
    ]


def _jobs(claim: Mapping[str, Any], *, settings: Settings) -> list[str]:
    """Requests must use this environment's roles, key and folder: a claim is data, and data does not choose those."""
    folder = f"s3://{settings.artifact_bucket}/runs/{claim['run']}/"
    reasons = []
    for what, role, job in _job_list(claim, settings=settings):
        request = job["request"]
        readable = (f"s3://{settings.data_bucket}/data/", f"{folder}recipes/")
        if request["RoleArn"] != role:
            reasons.append(f"{what} names role {request['RoleArn']}; this environment uses {role}")
        if request["OutputDataConfig"].get("KmsKeyId") != settings.key_arn:
            reasons.append(f"{what} does not encrypt its output with the environment's key")
        if not request["OutputDataConfig"]["S3OutputPath"].startswith(folder):
            reasons.append(f"{what} writes outside the run's folder {folder}")
        reasons.extend(
            f"{what} reads {uri}, which is neither the environment's data nor the run's recipe"
            for uri in channel_uris(request)
            if not uri.startswith(readable)
        )
        if request["StoppingCondition"]["MaxRuntimeInSeconds"] > MAX_RUNTIME_SECONDS:
            reasons.append(
                f"{what} may run longer than {MAX_RUNTIME_SECONDS} seconds, which the workflow does not wait for"
            )
    return reasons


def _stages(claim: Mapping[str, Any], *, settings: Settings) -> list[str]:
    """Each stage trains on SageMaker, and starts from the base, a checkpoint of this account, or a stage before it."""
    escrow = f"s3://customer-escrow-{settings.account}-smtj-"
    reasons: list[str] = [] if claim["stages"] else ["the run has no stage"]
    earlier: list[str] = []
    for stage in claim["stages"]:
        name, start = stage["name"], stage.get("start", "base")
        if not _STAGE_NAME.fullmatch(name) or len(name) > _LONGEST_NAME or name in earlier:
            reasons.append(f"{name!r} is no name of a stage, or stands twice")
        if stage.get("platform", "sagemaker") != "sagemaker":
            reasons.append(f"stage {name} is for {stage['platform']}; this workflow runs SageMaker training jobs")
        if start in earlier:
            reasons.extend(_of_checkpoint(stage, settings=settings, run=claim["run"]))
        elif stage["job"].get("open") or "recipe_template" in stage["job"]:
            reasons.append(f"stage {name} waits for a checkpoint of {start!r}, which is no stage before it")
        elif start != "base" and not start.startswith(escrow):
            reasons.append(f"stage {name} starts from {start}, which is not below {escrow}…/")
        given = stage["job"]["request"]["HyperParameters"].get("base_model_location")
        if given != (start if start.startswith("s3://") else None):
            reasons.append(f"stage {name} starts from {start}, but its request from {given}")
        earlier.append(name)
    return reasons


def _of_checkpoint(stage: Mapping[str, Any], *, settings: Settings, run: str) -> list[str]:
    """What a stage that starts from another one leaves open is its checkpoint, and its recipe stays in the folder."""
    job, name = stage["job"], stage["name"]
    recipes = f"s3://{settings.artifact_bucket}/runs/{run}/recipes/"
    reasons = [
        f"stage {name} names {job[place]} as its {place}, which is not below {recipes}"
        for place in ("recipe", "recipe_template")
        if not job[place].startswith(recipes) or ".." in job[place]
    ]
    if list(job["open"]) != [CHECKPOINT_PARAMETER]:
        reasons.append(f"stage {name} leaves {', '.join(job['open'])} open, expected {CHECKPOINT_PARAMETER} alone")
    return reasons


def _duration(claim: Mapping[str, Any]) -> list[str]:
    """Stages train one after the other; the evaluations come after them, all at the same time."""

    def longest(job: Mapping[str, Any]) -> int:
        return int(job["request"]["StoppingCondition"]["MaxRuntimeInSeconds"])

    stages = sum(longest(stage["job"]) for stage in claim["stages"])
    evaluations = max(
        (longest(e[subject]) for e in claim["evaluations"] for subject in ("base", "candidate")), default=0
    )
    if stages + evaluations <= MAX_RUN_SECONDS:
        return []
    days = (stages + evaluations) / 86_400
    return [f"the jobs may take {days:.1f} days one after the other; this workflow waits {MAX_RUN_SECONDS // 86_400}"]


def _evaluation_files(claim: Mapping[str, Any], *, settings: Settings) -> list[str]:
    """The files that other functions read and write because the claim names them stay in the run's folder, too."""
    recipes = f"s3://{settings.artifact_bucket}/runs/{claim['run']}/recipes/"
    data = f"s3://{settings.data_bucket}/data/"
    reasons: list[str] = []
    for evaluation in claim["evaluations"]:
        candidate = evaluation["candidate"]
        allowed = {"recipe": recipes, "recipe_template": recipes}
        reasons.extend(
            f"evaluation {evaluation['name']} names {candidate[name]} as its {name}, which is not below {folder}"
            for name, folder in allowed.items()
            if not candidate[name].startswith(folder) or ".." in candidate[name]
        )
        if not evaluation["data_uri"].startswith(data):
            reasons.append(
                f"evaluation {evaluation['name']} asks about {evaluation['data_uri']}, which is not below {data}"
            )
    return reasons


def _job_list(claim: Mapping[str, Any], *, settings: Settings) -> list[tuple[str, str, Mapping[str, Any]]]:
    stages = [(f"stage {s['name']}", settings.training_role_arn, s["job"]) for s in claim["stages"]]
    evaluations = [
        (f"evaluation {e['name']} of the {subject}", settings.evaluation_role_arn, e[subject])
        for e in claim["evaluations"]
        for subject in ("base", "candidate")
    ]
    return stages + evaluations


def admission(claim: Mapping[str, Any]) -> dict[str, Any]:
    """What the workflow carries on with; of stages their names, for the claim keeps their requests."""
    return {
        "run": claim["run"],
        "name": claim["name"],
        "model": claim["model"],
        "worst_case_usd": claim["worst_case_usd"],
        "stages": [stage["name"] for stage in claim["stages"]],
        "evaluations": claim["evaluations"],
        "gate": claim["gate"],
        "deployment": claim["deployment"],
        "custom_model_name": claim["custom_model_name"],
        "verify_rows": claim["verify_rows"],
    }
