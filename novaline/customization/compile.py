"""Compiles a customization into a run: requests, rendered recipes, the claim. Pure: the same input, the same run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from novaline.cost.estimate import Cost
from novaline.customization.checks import Checked
from novaline.customization.model import Deployment, Evaluation, Stage
from novaline.customization.names import content_hash, custom_model_name, job_base_name, run_name
from novaline.customization.settings import JobSettings
from novaline.datasets.scan import Dataset
from novaline.recipes.model import JsonValue
from novaline.recipes.rendering import default_values, render
from novaline.requests.resources import Resources
from novaline.requests.training_job import Job, evaluation_job, fine_tuning_job

if TYPE_CHECKING:
    from novaline.environments import Environment

CHECKPOINT_TOKEN = "__CHECKPOINT__"  # noqa: S105  # a placeholder in a recipe, no secret
"""Stands in the candidate's recipe for the checkpoint, which exists only after training."""

VERIFY_ROWS = 5
"""Held-out rows that the deployed model answers before the run calls it good."""

_EVALUATION_FILE = "gen_qa.jsonl"  # the evaluation container looks for this name


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A local file and where it belongs in the data bucket: under its digest, so that equal data is stored once."""

    path: Path
    key: str
    sha256: str
    bytes: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRun:
    """All that a run is made of. `files` are relative to the run's folder; version ids in `claim` are still null."""

    run: str
    claim: Mapping[str, Any]
    files: Mapping[str, bytes]
    uploads: tuple[Upload, ...]
    cost: Cost


def compile_run(
    checked: Checked, *, environment: Environment, resources: Resources, run: str, created: str
) -> CompiledRun:
    """The run of a checked customization in an environment. `created` is an ISO 8601 time in UTC.

    Raises ValueError when Amazon publishes no image for the environment's region, which `check_file` finds earlier.
    """
    compiler = _Compiler(checked, environment, resources, run)
    stages = [compiler.stage(stage) for stage in checked.customization.stages]
    evaluations = [compiler.evaluation(evaluation) for evaluation in checked.customization.evaluations]
    customization = checked.customization
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
        "objects": compiler.objects(),
        "stages": stages,
        "evaluations": evaluations,
        "gate": customization.gate.model_dump(mode="json"),
        "deployment": _deployment(customization.deployment),
        "custom_model_name": custom_model_name(name=customization.name, digest=compiler.run_digest()),
        "verify_rows": VERIFY_ROWS,
    }
    files = compiler.files | {
        "customization.yaml": checked.document.text.encode(),
        "requests.json": _json({"stages": stages, "evaluations": evaluations}),
        "datasets.json": _json(compiler.dataset_records()),
        "plan.json": _json(_plan(checked, claim)),
    }
    return CompiledRun(run=run, claim=claim, files=files, uploads=tuple(compiler.uploads.values()), cost=checked.cost)


class _Compiler:
    """Collects uploads and files while requests are built."""

    def __init__(self, checked: Checked, environment: Environment, resources: Resources, run: str) -> None:
        self._checked = checked
        self._environment = environment
        self._resources = resources
        self._run = run
        self._folder = f"s3://{resources.artifact_bucket}/runs/{run}"
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, Upload] = {}
        self._digests: list[str] = []

    def stage(self, stage: Stage) -> dict[str, Any]:
        settings = self._checked.stages[stage.name]
        model = settings.recipe.model
        train = self._upload(f"{stage.name}/train", "train.jsonl", f"train data of stage {stage.name}")
        validation = None
        if stage.data.validation is not None:
            what = f"validation data of stage {stage.name}"
            validation = self._upload(f"{stage.name}/validation", "validation.jsonl", what)
        recipe = self._recipe(settings, job=stage.name, file="recipe.yaml", model=model.model_name_or_path)
        job = self._job(settings, role=self._resources.training_role_arn, output="training", recipe_of=stage.name)
        request = fine_tuning_job(
            job,
            model_type=model.model_type,
            base_model=model.model_name_or_path,
            train_uri=self._uri(train),
            validation_uri=None if validation is None else self._uri(validation),
        )
        digests = [upload.sha256 for upload in (train, validation) if upload is not None]
        base_name = self._base_name(stage.name, recipe, settings, digests)
        return {
            "name": stage.name,
            "technique": stage.technique,
            "job": {"base_name": base_name, "request": request},
        }

    def evaluation(self, evaluation: Evaluation) -> dict[str, Any]:
        settings = self._checked.evaluations[evaluation.name]
        model = settings.recipe.model
        data = self._upload(f"{evaluation.name}/data", _EVALUATION_FILE, f"data of evaluation {evaluation.name}")
        subjects: dict[str, dict[str, Any]] = {}
        for subject, base in (("base", model.model_name_or_path), ("candidate", None)):
            job_name = f"{evaluation.name}-{subject}"
            file = "recipe.yaml" if base is not None else "recipe.template.yaml"
            recipe = self._recipe(settings, job=job_name, file=file, model=base or CHECKPOINT_TOKEN)
            job = self._job(
                settings, role=self._resources.evaluation_role_arn, output="evaluations", recipe_of=job_name
            )
            request = evaluation_job(job, model_type=model.model_type, base_model=base, data_uri=self._uri(data))
            base_name = self._base_name(job_name, recipe, settings, [data.sha256])
            subjects[subject] = {"base_name": base_name, "request": request}
        folder = f"{self._folder}/recipes/{evaluation.name}-candidate"
        subjects["candidate"] |= {
            "recipe_template": f"{folder}/recipe.template.yaml",
            "recipe": f"{folder}/recipe.yaml",
        }
        return {
            "name": evaluation.name,
            "task": evaluation.task,
            "data_uri": self._uri(data),
            "rows": self._checked.datasets[f"{evaluation.name}/data"].rows,
            **subjects,
        }

    def objects(self) -> list[dict[str, Any]]:
        """Every object that the run reads, with its digest. Version ids are known once it is uploaded."""
        data = [
            _object(self._uri(upload), upload.sha256, upload.bytes, upload.what) for upload in self.uploads.values()
        ]
        recipes = [
            _object(f"{self._folder}/{name}", _sha256(content), len(content), f"recipe of {name.split('/')[1]}")
            for name, content in self.files.items()
        ]
        return data + recipes

    def dataset_records(self) -> dict[str, Any]:
        """The datasets by what they are for: digest, size, rows, key."""
        return {
            upload.what: {"key": upload.key, "sha256": upload.sha256, "bytes": upload.bytes, "file": upload.path.name}
            for upload in self.uploads.values()
        }

    def run_digest(self) -> str:
        """A digest of all jobs of this run."""
        return content_hash({"run": self._run, "jobs": self._digests})

    def _upload(self, dataset: str, file: str, what: str) -> Upload:
        found: Dataset = self._checked.datasets[dataset]
        key = f"data/{found.sha256}/{file}"
        upload = Upload(path=found.path, key=key, sha256=found.sha256, bytes=found.bytes, what=what)
        return self.uploads.setdefault(key, upload)

    def _recipe(self, settings: JobSettings, *, job: str, file: str, model: str) -> bytes:
        own: dict[str, JsonValue] = {
            "run.name": run_name(name=self._checked.customization.name, job=job),
            "run.model_name_or_path": model,
            "run.replicas": settings.instance_count,
        }
        values = {**default_values(settings.recipe), **settings.overrides, **own}
        content = render(settings.recipe, values)
        self.files[f"recipes/{job}/{file}"] = content
        return content

    def _job(self, settings: JobSettings, *, role: str, output: str, recipe_of: str) -> Job:
        region = self._environment.region
        image = settings.recipe.image("sagemaker", region)
        if image is None:
            raise ValueError(f"no image of {settings.recipe.id} in {region}")
        return Job(
            image=image,
            instance_type=settings.instance_type,
            instance_count=settings.instance_count,
            role_arn=role,
            key_arn=self._resources.key_arn,
            output_uri=f"{self._folder}/{output}",
            recipe_uri=f"{self._folder}/recipes/{recipe_of}/recipe.yaml",
            max_runtime_seconds=settings.timeout // timedelta(seconds=1),
            tags={
                "novaline:run": self._run,
                "novaline:environment": self._environment.name,
                "novaline:job": recipe_of,
            },
        )

    def _base_name(self, job: str, recipe: bytes, settings: JobSettings, data: list[str]) -> str:
        digest = content_hash(
            {
                "recipe": _sha256(recipe),
                "data": data,
                "image": settings.recipe.image("sagemaker", self._environment.region),
                "instances": [settings.instance_type, settings.instance_count],
            }
        )
        self._digests.append(digest)
        return job_base_name(name=self._checked.customization.name, job=job, run=self._run, digest=digest)

    def _uri(self, upload: Upload) -> str:
        return f"s3://{self._resources.data_bucket}/{upload.key}"


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


def _object(uri: str, sha256: str, size: int, what: str) -> dict[str, Any]:
    return {"uri": uri, "version_id": None, "sha256": sha256, "bytes": size, "what": what}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _rounded(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 2)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False).encode() + b"\n"
