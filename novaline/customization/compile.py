"""Compiles a customization into a run: requests, rendered recipes, the claim. Pure: the same input, the same run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from novaline.cost.estimate import Cost
from novaline.customization.checks import Checked
from novaline.customization.evaluation_jobs import compile_evaluation
from novaline.customization.job_parts import CHECKPOINT_TOKEN, JobParts, UsedImage
from novaline.customization.model import Deployment
from novaline.customization.names import custom_model_name
from novaline.customization.run_files import RunFiles, Upload
from novaline.customization.stage_jobs import compile_stage
from novaline.requests.resources import Resources

if TYPE_CHECKING:
    from novaline.environments import Environment

__all__ = ["CHECKPOINT_TOKEN", "VERIFY_ROWS", "CompiledRun", "Upload", "compile_run"]

VERIFY_ROWS = 5
"""Held-out rows that the deployed model answers before the run calls it good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRun:
    """All that a run is made of. `files` are relative to the run's folder; version ids in `claim` are still null.

    `images` are those that its jobs pull, by job.
    """

    run: str
    claim: Mapping[str, Any]
    files: Mapping[str, bytes]
    uploads: tuple[Upload, ...]
    cost: Cost
    images: Mapping[str, UsedImage]


def compile_run(
    checked: Checked, *, environment: Environment, resources: Resources, run: str, created: str
) -> CompiledRun:
    """The run of a checked customization in an environment. `created` is an ISO 8601 time in UTC.

    Raises ValueError for what `check_file` finds earlier (a region without an image), and for a stage that needs
    resources which a deployed environment does not have: `refuse_unless_runnable` comes before.
    """
    customization = checked.customization
    collected = RunFiles(name=customization.name, run=run, resources=resources)
    parts = JobParts(checked=checked, environment=environment, resources=resources, run=run, files=collected)
    stages = [compile_stage(parts, stage) for stage in customization.stages]
    evaluations = [compile_evaluation(parts, evaluation) for evaluation in customization.evaluations]
    claim = {
        "schema": 1,
        "run": run,
        "name": customization.name,
        "environment": environment.name,
        "model": customization.model,
        "created": created,
        "budget_usd": customization.budget.usd,
        "expected_usd": _rounded(checked.cost.expected_usd),
        "worst_case_usd": _rounded(checked.cost.worst_case_usd),
        "objects": collected.objects(),
        "stages": stages,
        "evaluations": evaluations,
        "gate": customization.gate.model_dump(mode="json"),
        "deployment": _deployment(customization.deployment),
        "custom_model_name": custom_model_name(name=customization.name, digest=collected.run_digest()),
        "verify_rows": VERIFY_ROWS,
    }
    images = {job: image.as_json() for job, image in parts.images.items()}
    files = collected.files | {
        "customization.yaml": checked.document.text.encode(),
        "requests.json": _json({"stages": stages, "evaluations": evaluations, "images": images}),
        "datasets.json": _json(collected.dataset_records()),
        "plan.json": _json({**_plan(checked, claim), "images": images}),
    }
    return CompiledRun(
        run=run,
        claim=claim,
        files=files,
        uploads=tuple(collected.uploads.values()),
        cost=checked.cost,
        images=parts.images,
    )


def _deployment(deployment: Deployment) -> dict[str, Any]:
    if deployment.target == "none":
        return {"target": "none"}
    wanted: dict[str, Any] = {"target": deployment.target, "name": deployment.name}
    if deployment.time_to_live is not None:
        wanted["time_to_live_hours"] = deployment.time_to_live // timedelta(hours=1)
    else:
        wanted["keep"] = True
    return wanted


def _plan(checked: Checked, claim: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "customization": checked.customization.model_dump(mode="json"),
        "cost": checked.cost.as_json(),
        "findings": [finding.as_json() for finding in checked.findings],
        "run": claim["run"],
        "created": claim["created"],
    }


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 2)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False).encode() + b"\n"
