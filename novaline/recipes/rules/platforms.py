"""Machines, models and checkpoints: what goes with which platform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from novaline.recipes.bounds import SOURCES
from novaline.recipes.model import Instances, Technique
from novaline.recipes.problems import listed, shown
from novaline.recipes.rules.model import Fault, Rule, Scope, Situation

_ESCROW = re.compile(r"^s3://customer-escrow-[0-9]{12}-(smtj|hp)-[^/]+/")
_PLATFORM_OF = {"smtj": "sagemaker", "hp": "hyperpod"}
_IN_WORDS = {"sagemaker": "training jobs", "hyperpod": "HyperPod"}
# Without distillation and evaluations, whose own rules count, and without recipes that run on no instances of ours.
_TRAINING: tuple[Technique, ...] = ("sft", "dpo", "rft", "cpt", "ppo")


def _replicas(situation: Situation) -> Iterator[Fault]:
    """An error where the hub template lists numbers and no source lists this one; otherwise at most a warning."""
    instances, count = situation.recipe.instances, situation.instance_count
    if count == instances.default_count:
        return
    where, machine = ("instances", "count"), situation.instance_type
    stated = _listing(instances)
    silent = {source: counts for source, counts in stated.items() if count not in counts}
    if not stated:
        message = (
            f"no source lists numbers of instances for {machine} here: the recipe has {instances.default_count}, and"
            f" nothing says that {count} will do"
        )
    elif not silent:
        return
    elif instances.template and len(silent) == len(stated):
        message = f"`count` for {machine} must be {_demand(stated)}, found {count}"
        yield Fault(key="count", where=where, message=message, sourced=True)
        return
    else:
        among = listed(f"those of {source} ({', '.join(map(str, counts))})" for source, counts in silent.items())
        message = f"`count: {count}` for {machine} is not among {among}"
    yield Fault(key="count", where=where, message=message, severity="warning", sourced=True)


def _listing(instances: Instances) -> dict[str, list[int]]:
    """The sources that list numbers of instances, in words, with their numbers."""
    stated = {"template": instances.template, "text": instances.text, "documented": instances.documented}
    return {name: counts for source, name in SOURCES.items() if (counts := stated[source])}


def _demand(stated: Mapping[str, list[int]]) -> str:
    """`one of 2, 4, 8 by the hub template and the recipe's own text`; sources that agree share their numbers."""
    found: dict[str, list[str]] = {}
    for source, counts in stated.items():
        numbers = ", ".join(map(str, counts))
        found.setdefault(f"one of {numbers}" if len(counts) > 1 else numbers, []).append(source)
    return listed(f"{numbers} by {listed(sources)}" for numbers, sources in found.items())


def _model_pair(situation: Situation) -> Iterator[Fault]:
    recipe = situation.recipe
    for path, model_says in (
        ("run.model_type", recipe.model.model_type),
        ("run.model_name_or_path", recipe.model.model_name_or_path),
    ):
        value = situation.values.get(path)
        is_checkpoint = path.endswith("path") and str(value).startswith(("s3://", "arn:"))
        if path in recipe.keys and value not in (model_says, recipe.keys[path].default) and not is_checkpoint:
            message = f"`{path}` must name {recipe.model.title} ({model_says}), found {shown(value)}"
            yield Fault(key=situation.name(path), message=message)


def _checkpoint_platform(situation: Situation) -> Iterator[Fault]:
    start = situation.start or str(situation.values.get("run.model_name_or_path") or "")
    match = _ESCROW.match(start)
    if match is None or _PLATFORM_OF[match[1]] == situation.platform:
        return
    theirs, ours = _IN_WORDS[_PLATFORM_OF[match[1]]], _IN_WORDS[situation.platform]
    yield Fault(
        key="start",
        where=("start",),
        message=f"the checkpoint in {match[0]} was trained on {theirs} and cannot be used on {ours}",
        hint=f"run this on {theirs}, or start from a checkpoint of {ours}",
    )


RULES = (
    Rule(
        id="replicas",
        level="documented",
        severity="error",
        statement=(
            "A recipe runs on the numbers of instances that it lists; a training job's count goes ahead of its own."
        ),
        sources=("recipe text", "template file", "PySDK"),
        because="the hub template lists others, and so does every source; a number that some source names is a warning",
        scope=Scope(techniques=_TRAINING),
        code="instance-count",
        carried={"lock": ("run.replicas", "run.actor_train_replicas")},
        check=_replicas,
    ),
    Rule(
        id="model_pair",
        level="documented",
        severity="error",
        statement=(
            "model_type and model_name_or_path name the same model; the latter is <model>/prod, a checkpoint's"
            " s3:// URI or the ARN of a model package."
        ),
        sources=("recipe text", "AWS docs (other pages)", "PySDK"),
        because="the two values contradict each other",
        carried={"lock": ("run.model_type", "run.model_name_or_path", "model.model_name")},
        check=_model_pair,
    ),
    Rule(
        id="checkpoint_platform",
        level="enforced",
        severity="error",
        statement="A checkpoint is used on the platform that it was trained on; its bucket's name says which.",
        sources=("Nova Forge SDK validator", "sagemaker-train finetune_utils"),
        code="checkpoint-platform",
        check=_checkpoint_platform,
    ),
    Rule(
        id="smtj_paths",
        level="documented",
        severity="error",
        statement=(
            "A training job takes its rows from channels and writes to its output path, not to the recipe's paths."
        ),
        sources=("recipe text", "AWS training-jobs page", "AWS docs (other pages)"),
        because="the platform does not read the keys",
        scope=Scope(platform="sagemaker"),
        carried={
            "lock": ("data_s3_path", "output_s3_path", "validation_data_s3_path", "validation_data_s3_path_list"),
        },
    ),
    Rule(
        id="smtj_locked",
        level="enforced",
        severity="error",
        statement="A training job offers no override of replicas, instance_type, namespace and the MLflow settings.",
        sources=("nova_recipe_template_processor.py", "launchers.py DONT_OVERRIDE_IN_SMTJ"),
        scope=Scope(platform="sagemaker"),
        carried={"lock": ("mlflow_tracking_uri", "mlflow_experiment_name", "mlflow_run_name", "replicas")},
        absent={
            "instance_type": "say the stage's `instances.type`",
            "namespace": "it is for HyperPod; a training job has none",
        },
    ),
)
