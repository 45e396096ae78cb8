"""The stages and evaluations of a plan: what each runs, on what, over how much data, for how long and for how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from novaline.cost.alternatives import Alternative, cheaper
from novaline.cost.estimate import JobCost, epochs_of, steps_of
from novaline.cost.managed import ManagedCost
from novaline.cost.tokens import estimated_tokens
from novaline.customization.checks import Checked
from novaline.customization.compile import CompiledRun
from novaline.customization.job_parts import UsedImage
from novaline.customization.model import Evaluation, Stage
from novaline.customization.settings import JobSettings
from novaline.datasets.dataset import Dataset
from novaline.recipes.model import JsonValue
from novaline.recipes.rendering import Difference, default_values, differences

if TYPE_CHECKING:
    from novaline.environments import Environment

_COUNTS = ("run.replicas", "run.actor_train_replicas")
_BATCH = ("global_batch_size", "ppo_actor_train.model.global_batch_size", "batchSize")
_EPOCHS = ("max_epochs", "epochCount")
_STEPS = ("max_steps", "ppo_actor_train.max_steps")
"""What a recipe calls its batch, its epochs and its steps, by short name or path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the data is read, and in how many steps of `batch` rows; what is not said follows from the rest."""

    epochs: float
    steps: int | None
    batch: int | None
    counted: Literal["epochs", "steps"]
    """Which of the two the recipe counts."""

    def as_json(self) -> dict[str, object]:
        """The pace as `plan --json` prints it."""
        return {
            "epochs": round(self.epochs, 3),
            "steps": self.steps,
            "global_batch_size": self.batch,
            "counted": self.counted,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    """A stage's job, or the jobs of an evaluation: of the base model, and of the candidate where a job can read it.

    `subjects` are what an evaluation measures, none for a stage. `told` are the hyperparameters of a job without a
    recipe of its own. `hours` is of one job where an evaluation has two; `tokens` is an estimate. None: not known, or
    there is none.
    """

    name: str
    part: Stage | Evaluation
    subjects: tuple[str, ...] = ()
    settings: JobSettings
    image: UsedImage | None
    data: Dataset | None
    validation: Dataset | None
    pace: Pace | None
    lines: tuple[JobCost | ManagedCost, ...]
    differences: tuple[Difference, ...]
    told: Mapping[str, JsonValue]
    alternative: Alternative | None = None

    @property
    def what(self) -> str:
        """`training`, or an evaluation with what it measures: `evaluation of base and candidate`."""
        return "training" if isinstance(self.part, Stage) else f"evaluation of {' and '.join(self.subjects)}"

    @property
    def rows(self) -> int | None:
        """Rows of the training or evaluation data."""
        return None if self.data is None else self.data.rows

    @property
    def tokens(self) -> int | None:
        """Tokens of that data, estimated, read once."""
        return None if self.data is None else estimated_tokens(self.data.bytes)

    @property
    def hours(self) -> float | None:
        """Hours that one job should take; None where nobody knows."""
        return next((line.expected_hours for line in self.lines if isinstance(line, JobCost)), None)

    def as_json(self) -> dict[str, Any]:
        """The job as `plan --json` prints it."""
        settings, part = self.settings, self.part
        of_stage: dict[str, Any] = {}
        if isinstance(part, Stage):
            of_stage = {"technique": part.technique, "start": part.start, "teacher": part.teacher}
        else:
            of_stage = {"task": part.task, "subtask": part.subtask}
        return {
            "name": self.name,
            "what": self.what,
            **of_stage,
            "reward": part.reward,
            "platform": settings.platform,
            "tuning": settings.recipe.tuning,
            "recipe": {"id": settings.recipe.id, "version": settings.recipe.version},
            "image": None if self.image is None else self.image.as_json(),
            "instances": {
                "type": settings.instance_type or None,
                "count": settings.instance_count,
                "roles": roles_of(settings),
            },
            "rows": self.rows,
            "validation_rows": None if self.validation is None else self.validation.rows,
            "estimated_tokens": self.tokens,
            "pace": None if self.pace is None else self.pace.as_json(),
            "expected_hours": None if self.hours is None else round(self.hours, 4),
            "timeout_hours": settings.timeout / timedelta(hours=1),
            "overrides": [
                {"path": item.path, "default": item.default, "value": item.value} for item in self.differences
            ],
            "hyperparameters": dict(self.told),
            "alternative": None if self.alternative is None else self.alternative.as_json(),
        }


def planned_jobs(checked: Checked, compiled: CompiledRun, *, environment: Environment) -> Iterator[PlannedJob]:
    """The jobs of a compiled run, in the order in which they run."""
    lines: tuple[JobCost | ManagedCost, ...] = (*compiled.cost.lines, *compiled.cost.managed)
    costs = {line.job: line for line in lines}
    told = {stage["name"]: _told(stage) for stage in compiled.claim["stages"]}
    subjects = {evaluation["name"]: _subjects(evaluation) for evaluation in compiled.claim["evaluations"]}
    continued = {stage.start for stage in checked.customization.stages}
    for stage in checked.customization.stages:
        settings = checked.stages[stage.name]
        data, validation = (checked.datasets.get(f"{stage.name}/{kind}") for kind in ("train", "validation"))
        job = PlannedJob(
            name=stage.name,
            part=stage,
            settings=settings,
            image=compiled.images.get(stage.name),
            data=data,
            validation=validation,
            pace=pace_of(settings, 0 if data is None else data.rows),
            lines=(costs[stage.name],) if stage.name in costs else (),
            differences=_differences(settings),
            told=told[stage.name],
        )
        if stage.name not in continued:  # no other platform's job starts from what Bedrock trains
            media = bool(checked.media.get(f"{stage.name}/train"))
            job = replace(job, alternative=_alternative(stage, job, environment.region, media=media))
        yield job
    for evaluation in checked.customization.evaluations:
        settings = checked.evaluations[evaluation.name]
        names = (f"{evaluation.name}-base", f"{evaluation.name}-candidate")
        yield PlannedJob(
            name=evaluation.name,
            part=evaluation,
            subjects=subjects[evaluation.name],
            settings=settings,
            image=compiled.images.get(names[0]),
            data=checked.datasets.get(f"{evaluation.name}/data"),
            validation=None,
            pace=None,
            lines=tuple(costs[name] for name in names if name in costs),
            differences=_differences(settings),
            told={},
        )


def roles_of(settings: JobSettings) -> dict[str, int]:
    """The groups of instances that HyperPod starts beside those of the stage, as the file has them; role → count."""
    if settings.platform != "hyperpod":
        return {}
    values = settings.values
    return {
        role: count if isinstance(count := values.get(f"run.{role}"), int) else default
        for role, default in settings.recipe.instances.roles.items()
    }


def pace_of(settings: JobSettings, rows: int) -> Pace | None:
    """Epochs and steps of a stage. None where its recipe counts neither, and where steps say nothing about epochs."""
    number = _first(settings, _BATCH)
    batch = None if number is None else int(number)
    epochs = _first(settings, _EPOCHS)
    if epochs is not None:
        steps = steps_of(rows=rows, epochs=int(epochs), global_batch_size=batch) if batch and rows else None
        return Pace(epochs=epochs, steps=steps, batch=batch, counted="epochs")
    steps_number = _first(settings, _STEPS)
    if steps_number is None or not batch or not rows:
        return None
    steps = int(steps_number)
    epochs = epochs_of(steps=steps, global_batch_size=batch, rows=rows)
    return Pace(epochs=epochs, steps=steps, batch=batch, counted="steps")


def _first(settings: JobSettings, names: tuple[str, ...]) -> float | None:
    return next((value for value in map(settings.number, names) if value), None)


def _differences(settings: JobSettings) -> tuple[Difference, ...]:
    """Where a recipe is not the published one: by the file's overrides, and by the number of instances."""
    recipe = settings.recipe
    own: dict[str, JsonValue] = {path: settings.instance_count for path in _COUNTS if path in recipe.keys}
    if not settings.instance_count:
        own = {}
    return differences(recipe, {**default_values(recipe), **settings.overrides, **own})


def _subjects(evaluation: Mapping[str, Any]) -> tuple[str, ...]:
    """What an entry of the claim measures: a subject has a job or a recipe, or else the reason why there is none."""
    return tuple(name for name in ("base", "candidate") if evaluation[name].keys() & {"request", "recipe"})


def _told(stage: Mapping[str, Any]) -> dict[str, JsonValue]:
    """The hyperparameters of a job that reads no rendered recipe."""
    if "platform" not in stage or "job" not in stage:
        return {}
    request = stage["job"]["request"]
    told = request.get("HyperParameters") or request.get("hyperParameters")
    config = request.get("customizationConfig", {})
    return dict(told or config.get("rftConfig", {}).get("hyperParameters", {}))


def _alternative(stage: Stage, job: PlannedJob, region: str, *, media: bool) -> Alternative | None:
    """The cheaper way, for a training job of SageMaker whose epochs are known."""
    settings, data = job.settings, job.data
    if settings.platform != "sagemaker" or data is None or job.pace is None:
        return None
    return cheaper(
        model=settings.recipe.model.name,
        technique=stage.technique,
        tuning=settings.recipe.tuning,
        region=region,
        rows=data.rows + (0 if job.validation is None else job.validation.rows),
        dataset_bytes=data.bytes,
        epochs=job.pace.epochs,
        present_usd=job.lines[0].expected_usd if job.lines else None,
        from_base=stage.start == "base",
        media=media,
    )
