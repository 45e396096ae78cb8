"""Compiles one evaluation: the same job twice, of the base model and of the candidate that the last stage made.

An evaluation's entry in the claim is `{"name", "task", "data_uri", "rows", "base", "candidate"}`. A subject is a job as
a stage has it (`base_name`, `request`; the candidate's model is left open), or, where Novaline sends no request, a
rendered `recipe` and a `note` that says why, or the note alone.
"""

from __future__ import annotations

from typing import Any

from novaline.customization.job_parts import CHECKPOINT_TOKEN, HYPERPOD_NOTE, JobParts
from novaline.customization.model import Evaluation, Processor
from novaline.customization.names import run_name
from novaline.customization.recipe_values import UsedProcessor, evaluation_values
from novaline.customization.run_files import Upload
from novaline.customization.settings import JobSettings
from novaline.recipes.catalogue import catalogue
from novaline.recipes.rendering import render
from novaline.requests.training_job import evaluation_job

_NOTES = {
    "bedrock": "a model that Bedrock trained stays in Bedrock, and Nova's evaluation containers cannot read it",
    "distillation": "a distillation leaves answers to train on, and no model to evaluate",
    "hyperpod": HYPERPOD_NOTE,
}


def compile_evaluation(parts: JobParts, evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation's entry in the claim; its upload and recipes go to `parts.files`.

    Raises ValueError where Amazon publishes no image for the region, which `check_file` finds earlier.
    """
    task = catalogue().tasks()[evaluation.task]
    data = None
    if evaluation.data is not None:
        file = task.data_file or f"{task.name}.jsonl"  # where any name does, the task's own says what the file is
        data = parts.data(f"{evaluation.name}/data", file=file, what=f"data of evaluation {evaluation.name}")
    settings = parts.checked.evaluations[evaluation.name]
    base = settings.recipe.model.model_name_or_path
    entry: dict[str, Any] = {
        "name": evaluation.name,
        "task": evaluation.task,
        "data_uri": None if data is None else parts.files.uri(data),
        "rows": None if data is None else data.rows,
    }
    for subject, model in (("base", base), ("candidate", CHECKPOINT_TOKEN)):
        entry[subject] = _subject(parts, evaluation, settings, subject=subject, model=model, data=data)
    return entry


def _subject(
    parts: JobParts, evaluation: Evaluation, settings: JobSettings, *, subject: str, model: str, data: Upload | None
) -> dict[str, Any]:
    note = _without_candidate(parts) if model == CHECKPOINT_TOKEN else None
    if note is not None:
        return {"note": note}
    job_name, template = f"{evaluation.name}-{subject}", model == CHECKPOINT_TOKEN
    reward = None if evaluation.reward is None else parts.resources.reward_arn(evaluation.reward)
    processor = None if evaluation.processor is None else _processor(parts, evaluation.processor)
    content = render(
        settings.recipe,
        evaluation_values(
            settings,
            catalogue().tasks()[evaluation.task],
            name=run_name(name=parts.checked.customization.name, job=job_name),
            model=model,
            reward_arn=reward,
            processor=processor,
            places=parts.places(train=data, validation=None, output=f"evaluations/{job_name}"),
        ),
    )
    recipe = parts.files.recipe(job_name, content, template=template)
    stored = {"recipe": recipe}
    if template:
        stored["recipe_template"] = recipe.replace("recipe.yaml", "recipe.template.yaml")
    if settings.platform == "hyperpod":
        return {**stored, "note": _NOTES["hyperpod"]}
    job = parts.training_job(
        job_name,
        settings,
        role_arn=parts.resources.evaluation_role_arn,
        output="evaluations",
        recipe_uri=recipe,
    )
    request = evaluation_job(
        job,
        model_type=settings.recipe.model.model_type,
        base_model=None if template else model,
        data_uri=None if data is None else parts.files.uri(data),
        processor_arn=None if processor is None else processor.arn,
    )
    made: dict[str, Any] = {
        "base_name": parts.base_name(job_name, settings, recipe=content, data=[] if data is None else [data]),
        "request": request,
    }
    if reward is not None:
        made["invokes"] = [reward]  # the recipe alone names it
    return made | (stored if template else {})


def _processor(parts: JobParts, processor: Processor) -> UsedProcessor:
    """The function of a processor, and its kind: of a declared one, what the environment says."""
    if processor.name is None:
        return UsedProcessor(
            arn=processor.shown, kind=processor.kind or "custom_metrics", preprocessing=processor.preprocessing
        )
    declared = parts.environment.processors[processor.name]
    return UsedProcessor(
        arn=parts.resources.processor_arn(processor.name),
        kind=declared.kind,
        preprocessing=processor.preprocessing or declared.system is not None or declared.prompt is not None,
    )


def _without_candidate(parts: JobParts) -> str | None:
    """Why there is no candidate to evaluate; None where there is one."""
    last = parts.checked.customization.stages[-1]
    if last.platform == "bedrock":
        return _NOTES["bedrock"]
    return _NOTES["distillation"] if last.technique == "distillation" else None
