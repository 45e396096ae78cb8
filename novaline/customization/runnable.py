"""What the deployed workflow can run, out of all that can be checked and planned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from novaline.customization.chain import start_of
from novaline.customization.checks import Checked
from novaline.customization.model import Evaluation, Stage
from novaline.customization.yaml_source import DataPath
from novaline.findings import Finding, NovalineError

LONGEST_RUN = timedelta(days=12)
"""What the jobs of a run may take one after the other. Admit holds every claim against it, and has the reason."""

_HINT = "`novaline check` and `novaline plan` work for it"
_TECHNIQUES = ("sft", "dpo", "rft")
_TASKS = ("gen_qa", "rft_eval")
_ESCROW = re.compile(r"s3://customer-escrow-[0-9]{12}-smtj-[a-z0-9-]+/.+")


def refuse_unless_runnable(checked: Checked) -> None:
    """Raises NovalineError with everything that the workflow cannot run, each at its place in the file.

    The workflow runs stages of supervised fine-tuning, preference optimization and reinforcement fine-tuning as
    SageMaker training jobs, one after the other, of any model and with any tuning; each starts from the base model, an
    escrow checkpoint, or a stage before it. It runs evaluations by `gen_qa`, with a processor of the environment or
    without, and by `rft_eval`.
    """
    found = tuple(not_runnable(checked))
    if found:
        raise NovalineError(found)


def not_runnable(checked: Checked) -> Iterator[Finding]:
    """What the workflow cannot run, each with its place; nothing for a customization that may start."""
    for where, message in _reasons(checked):
        yield checked.document.finding("not-runnable", message, where, hint=_HINT)


def _reasons(checked: Checked) -> Iterator[tuple[DataPath, str]]:
    for index, stage in enumerate(checked.customization.stages):
        for key, message in _of_stage(stage):
            yield ("stages", index, key), message
    for index, evaluation in enumerate(checked.customization.evaluations):
        for key, message in _of_evaluation(evaluation):
            yield ("evaluations", index, key), message
    yield from _of_duration(checked)


def _of_stage(stage: Stage) -> Iterator[tuple[str, str]]:
    if stage.platform != "sagemaker":
        yield "platform", f"the workflow runs SageMaker training jobs, and nothing on `{stage.platform}` yet"
    if stage.technique not in _TECHNIQUES:
        yield "technique", f"the workflow runs {_either(_TECHNIQUES)}, and not `{stage.technique}` yet"
    start = start_of(stage)
    if start not in (None, "base") and not _ESCROW.fullmatch(str(start)):
        known = "the base model, an earlier stage, and checkpoints in the escrow bucket of training jobs"
        yield "start", f"the workflow starts from {known}, and not from `{start}` yet"


def _of_evaluation(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    if evaluation.task not in _TASKS:
        yield "task", f"the workflow evaluates with {_either(_TASKS)}, and not with `{evaluation.task}` yet"
    if evaluation.processor is not None and evaluation.processor.name is None:
        yield "processor", "the workflow calls processors that the environment declares, and no other function"
    if evaluation.subtask is not None:
        yield "subtask", "the workflow runs whole tasks, and no subtask yet"


def _of_duration(checked: Checked) -> Iterator[tuple[DataPath, str]]:
    stages = sum((settings.timeout for settings in checked.stages.values()), timedelta())
    evaluations = max((settings.timeout for settings in checked.evaluations.values()), default=timedelta())
    if stages + evaluations > LONGEST_RUN:
        days = (stages + evaluations) / timedelta(days=1)
        message = f"the jobs may take {days:.1f} days one after the other; the workflow waits {LONGEST_RUN.days}"
        yield ("stages",), message


def _either(names: Sequence[str]) -> str:
    *rest, last = (f"`{name}`" for name in names)
    return f"{', '.join(rest)} or {last}" if rest else last
