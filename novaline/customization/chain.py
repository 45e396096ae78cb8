"""How stages follow each other: what each starts from, and what its technique needs beside data."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from novaline.customization.availability import PLATFORMS
from novaline.customization.managed import bedrock_students, bedrock_techniques
from novaline.customization.model import Processor, Stage, StagePlatform
from novaline.customization.settings import JobSettings
from novaline.customization.structure import Parts
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.findings import Finding, Severity, nearest
from novaline.recipes.problems import listed

if TYPE_CHECKING:
    from novaline.environments import Environment

BASE = "base"
_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+")
_ARN = re.compile(r"arn:aws:(?P<service>[a-z]+):[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:(?P<kind>[a-z-]+)/.+")
_ESCROW = re.compile(r"s3://customer-escrow-(?P<account>[0-9]{12})-")
_TRAINERS: dict[StagePlatform, str] = {"sagemaker": "smtj", "hyperpod": "hp"}
"""Platforms whose checkpoints lie in an escrow bucket, with what its name has of them."""


def start_of(stage: Stage) -> str | None:
    """`base`, an s3:// URI or an ARN; None for a stage that starts from another one."""
    return stage.start if stage.start == BASE or "://" in stage.start or stage.start.startswith("arn:") else None


def of_starts(document: SourceDocument, parts: Parts) -> Iterator[Finding]:
    """Every stage starts from what is there when it runs, and what its platform can read."""
    earlier: dict[str, Stage] = {}
    for index, stage in enumerate(parts.stages):
        if stage is not None:
            where: DataPath = ("stages", index, "start")
            if parts.known(*where):
                yield from _start(document, parts, index, stage, earlier)
            if parts.known("stages", index, "name"):
                earlier.setdefault(stage.name, stage)
    yield from _unused(document, parts)


def _start(
    document: SourceDocument, parts: Parts, index: int, stage: Stage, earlier: dict[str, Stage]
) -> Iterator[Finding]:
    start, where = stage.start, ("stages", index, "start")
    if start == BASE:
        return
    if stage.technique == "distillation":
        message = (
            "a distillation starts from the base model: its teacher answers prompts, and nothing is trained further"
        )
        yield document.finding("contradiction", message, where, hint="leave `start` out")
    elif start_of(stage) is not None:
        yield from _outside(document, where, stage)
    elif start in earlier:
        yield from _after(document, parts, where, stage, earlier[start])
    elif None not in parts.stages and all(parts.known("stages", other, "name") for other in range(index)):
        yield _no_such_stage(document, parts, where, stage, list(earlier))


def _no_such_stage(
    document: SourceDocument, parts: Parts, where: DataPath, stage: Stage, earlier: list[str]
) -> Finding:
    later = [other.name for other in parts.stages if other is not None and other.name not in (*earlier, stage.name)]
    if stage.start == stage.name:
        message = "a stage cannot start from itself"
        return document.finding("unknown-start", message, where, hint="leave `start` out to start from the base model")
    if stage.start in later:
        message = f"this stage starts from {stage.start!r}, which comes after it"
        return document.finding("unknown-start", message, where, hint="stages run in the order of the file: move it up")
    close = nearest(stage.start, [BASE, *earlier])
    message = f"`start: {stage.start}` is neither `base`, nor a stage before this one, nor an s3:// URI, nor an ARN"
    known = f"the stages before this one: {', '.join(earlier)}" if earlier else "there is no stage before this one"
    return document.finding("unknown-start", message, where, hint=f"did you mean `{close}`?" if close else known)


def _outside(document: SourceDocument, where: DataPath, stage: Stage) -> Iterator[Finding]:
    """A start that no stage of this file makes. Whose platform a checkpoint is of, the recipe's rules know."""
    start = stage.start
    if start.startswith("arn:"):
        if stage.platform == "hyperpod":
            message = f"{PLATFORMS[stage.platform]} starts from a checkpoint in S3, found {start!r}"
            yield document.finding("checkpoint-platform", message, where, hint="name its s3:// URI")
            return
        found = _ARN.fullmatch(start)
        wanted = ("bedrock", "custom-model") if stage.platform == "bedrock" else ("sagemaker", "model-package")
        if found is None or (found["service"], found["kind"]) != wanted:
            message = f"on {PLATFORMS[stage.platform]} a stage starts from the ARN of a {wanted[1].replace('-', ' ')}"
            hint = f"it reads arn:aws:{wanted[0]}:<region>:<account>:{wanted[1]}/…"
            yield document.finding("wrong-value", f"{message}, found {start!r}", where, hint=hint)
    elif not _S3_URI.fullmatch(start):
        message = f"a checkpoint is s3://<bucket>/<key>, found {start!r}"
        hint = "it is `checkpoint_s3_bucket` in the manifest.json of the job that trained it"
        yield document.finding("wrong-value", message, where, hint=hint)
    elif stage.platform not in _TRAINERS:
        what = "a custom model" if stage.platform == "bedrock" else "a model package"
        message = f"{PLATFORMS[stage.platform]} start from {what}, not from a checkpoint in S3, found {start!r}"
        yield document.finding("checkpoint-platform", message, where, hint=f"name the ARN of {what}")


def _after(document: SourceDocument, parts: Parts, where: DataPath, stage: Stage, before: Stage) -> Iterator[Finding]:
    if before.technique == "distillation" and before.platform != "bedrock":
        message = f"the stage {before.name!r} makes training data, and no checkpoint to start from"
        hint = "a later run trains on that data with `technique: sft`"
        yield document.finding("unknown-start", message, where, hint=hint)
        return
    before_index = parts.stages.index(before)
    if not parts.known("stages", before_index, "platform") or not parts.known(*where[:2], "platform"):
        return
    if stage.platform != before.platform:
        message = (
            f"the stage {before.name!r} trains on {PLATFORMS[before.platform]}, and {PLATFORMS[stage.platform]} "
            "cannot read its checkpoint"
        )
        hint = f"give both stages one platform, {before.platform} or {stage.platform}"
        yield document.finding("checkpoint-platform", message, where, hint=hint)


def of_tunings(document: SourceDocument, parts: Parts, jobs: Mapping[str, JobSettings]) -> Iterator[Finding]:
    """AWS asks for one tuning along a chain. `jobs` are the settings of stages by name."""
    for index, stage in enumerate(parts.stages):
        if stage is None or stage.start not in jobs or stage.name not in jobs:
            continue
        before, own = jobs[stage.start].recipe.tuning, jobs[stage.name].recipe.tuning
        if before is not None and own is not None and before != own:
            message = (
                f"the stage {stage.start!r} has `tuning: {before}`, this one `tuning: {own}`; AWS's page on iterative "
                "training asks for one tuning from the first stage to the last"
            )
            where = ("stages", index, "start")
            yield document.finding("tuning-changes", message, where, severity="warning", hint="give both one tuning")


def _unused(document: SourceDocument, parts: Parts) -> Iterator[Finding]:
    """Only what the last stage trained is judged; a stage that leads nowhere is paid for and lost."""
    stages = parts.stages
    if None in stages or any(not parts.known("stages", index, "start") for index in range(len(stages))):
        return
    starts = {stage.start for stage in stages if stage is not None and start_of(stage) is None}
    if not starts <= {stage.name for stage in stages if stage is not None}:
        return  # one of them may have meant any stage
    for index, stage in enumerate(stages[:-1]):
        if stage is not None and stage.name not in starts and parts.known("stages", index, "name"):
            if stage.technique == "distillation" and stage.platform != "bedrock":
                continue  # what it makes is data
            last = stages[-1]
            after = last.name if last is not None else ""
            message = f"no stage starts from {stage.name!r}, and only what {after!r} trains is evaluated"
            hint = f"write `start: {stage.name}` in a later stage, or remove this one"
            where = ("stages", index, "name")
            yield document.finding("unused-stage", message, where, severity="warning", hint=hint)


def of_candidate(document: SourceDocument, where: DataPath, last: Stage) -> Iterator[Finding]:
    """Evaluations judge what the last stage leaves, where there is something that an evaluation job can read."""
    if last.platform == "bedrock":
        message = "evaluation jobs read no model that Bedrock trained: the gate has no candidate to judge"
    elif last.technique == "distillation":
        message = "a distillation makes training data and no model: the gate has no candidate to judge"
    else:
        return
    yield document.finding("no-candidate", message, (*where, "name"), severity="warning")


def of_techniques(document: SourceDocument, parts: Parts, environment: Environment | None) -> Iterator[Finding]:
    """A distillation has a teacher, reinforcement fine-tuning a reward function, and nothing else has."""
    for index, stage in enumerate(parts.stages):
        if stage is not None and parts.known("stages", index, "technique"):
            yield from _teacher(document, parts, index, stage)
            yield from _reward(document, parts, index, stage)
    if environment is not None:
        yield from _declared(document, parts, environment)
        yield from _of_own_account(document, parts, environment)


def _of_own_account(document: SourceDocument, parts: Parts, environment: Environment) -> Iterator[Finding]:
    """Checkpoints lie in escrow by account, and roles read those of their own."""
    for index, stage in enumerate(parts.stages):
        found = _ESCROW.match(stage.start) if stage is not None else None
        if found is not None and found["account"] != environment.account:
            message = f"the checkpoint is of account {found['account']}, and {environment.name} is account"
            where: DataPath = ("stages", index, "start")
            hint = "name a checkpoint of that account, or another environment"
            yield document.finding("checkpoint-account", f"{message} {environment.account}", where, hint=hint)


def _teacher(document: SourceDocument, parts: Parts, index: int, stage: Stage) -> Iterator[Finding]:
    where = ("stages", index, "teacher")
    if not parts.known(*where):
        return
    if stage.technique != "distillation":
        if "teacher" in stage.model_fields_set:
            message = f"`teacher` has no meaning with `technique: {stage.technique}`"
            yield document.finding("without-effect", message, where, key=True, hint="it is of distillation: remove it")
        return
    if stage.teacher is None:
        hint = "write `teacher: nova-pro` or `teacher: nova-premier`"
        yield document.finding("missing-key", "a distillation lacks `teacher`", where, hint=hint)
        return
    if stage.tuning is not None and stage.platform != "bedrock":
        message = "`tuning` has no meaning with `technique: distillation`: the job makes training data"
        yield document.finding("without-effect", message, ("stages", index, "tuning"), key=True, hint="remove it")
    yield from _student(document, parts, where, stage)
    if stage.teacher == "nova-premier":
        message = "AWS's model card gives 14 September 2026 as the end of life of Nova Premier"
        yield document.finding("teacher-retired", message, where, severity="warning", hint="or `teacher: nova-pro`")


def _student(document: SourceDocument, parts: Parts, where: DataPath, stage: Stage) -> Iterator[Finding]:
    """`model` is the student: another model than its teacher, and one that AWS names beside that teacher."""
    model, teacher = parts.model, stage.teacher or ""
    students = bedrock_students(teacher)
    if model is None or model in students:
        return
    if model == teacher:
        message = f"{teacher} cannot be its own teacher: `model` is the student"
        yield document.finding("contradiction", message, where, hint="name a larger teacher, or a smaller model")
    elif stage.platform != "bedrock" or "distillation" in bedrock_techniques(model):
        message = f"AWS documents {teacher} as the teacher of {listed(students)}, not of {model}"
        severity: Severity = "error" if stage.platform == "bedrock" else "warning"
        yield document.finding("student-not-documented", message, where, severity=severity)


def _reward(document: SourceDocument, parts: Parts, index: int, stage: Stage) -> Iterator[Finding]:
    where = ("stages", index, "reward")
    if stage.technique == "rft" and stage.reward is None and parts.known(*where):
        hint = "name a reward function that the environment declares: `reward: classification`"
        yield document.finding("missing-key", "reinforcement fine-tuning lacks `reward`", where, hint=hint)
    elif stage.technique != "rft" and "reward" in stage.model_fields_set:
        message = f"`reward` has no meaning with `technique: {stage.technique}`"
        yield document.finding("without-effect", message, where, key=True, hint="it is of rft: remove it")


def _declared(document: SourceDocument, parts: Parts, environment: Environment) -> Iterator[Finding]:
    """The reward functions and processors that the file names are among those that the environment deploys."""
    for key, items in (("stages", parts.stages), ("evaluations", parts.evaluations)):
        for index, item in enumerate(items):
            where: DataPath = (key, index, "reward")
            if item is not None and item.reward is not None and parts.known(*where):
                yield from _among(document, environment, where, item.reward, section="rewards")
    for index, evaluation in enumerate(parts.evaluations):
        if evaluation is not None and evaluation.processor is not None:
            yield from _processor(document, parts, index, evaluation.processor, environment)


def _processor(
    document: SourceDocument, parts: Parts, index: int, processor: Processor, environment: Environment
) -> Iterator[Finding]:
    """A processor that is named is declared, and its kind is what the environment says."""
    where: DataPath = ("evaluations", index, "processor", "name")
    if processor.name is None or not parts.known(*where):
        return
    declared = environment.processors.get(processor.name)
    if declared is None:
        yield from _among(document, environment, where, processor.name, section="processors")
    elif processor.kind not in (None, declared.kind):
        message = (
            f"the environment {environment.name} declares the processor {processor.name!r} as {declared.kind}, "
            f"not as {processor.kind}"
        )
        where = ("evaluations", index, "processor", "kind")
        yield document.finding("contradiction", message, where, hint="leave `kind` out: the environment says it")


def _among(
    document: SourceDocument, environment: Environment, where: DataPath, name: str, *, section: str
) -> Iterator[Finding]:
    """A finding when the environment declares no function of that name in the section: `rewards` or `processors`."""
    declared: Collection[str] = environment.rewards if section == "rewards" else environment.processors
    if name in declared:
        return
    what = "reward function" if section == "rewards" else "processor"
    known, close = ", ".join(declared) or "none", nearest(name, declared)
    message = f"the environment {environment.name} has no {what} {name!r}; it declares {known}"
    hint = f"did you mean `{close}`?" if close else f"declare it in `{section}` of the environment {environment.name}"
    yield document.finding(f"unknown-{section.removesuffix('s')}", message, where, hint=hint)
