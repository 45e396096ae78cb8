"""What the deployed workflow can run, out of all that can be checked and planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from novaline.customization.checks import Checked
from novaline.customization.model import Evaluation, Stage
from novaline.customization.yaml_source import DataPath
from novaline.findings import Finding, NovalineError

_HINT = "`novaline check` and `novaline plan` work for it"
_TECHNIQUES = ("sft", "rft")
_TASKS = ("gen_qa", "rft_eval")


def refuse_unless_runnable(checked: Checked) -> None:
    """Raises NovalineError with everything that the workflow cannot run, each at its place in the file.

    The workflow runs one stage of supervised or reinforcement fine-tuning from the base model as a SageMaker training
    job, of any model and with any tuning, and evaluations by `gen_qa`, with a processor of the environment or without,
    and by `rft_eval`.
    """
    found = tuple(not_runnable(checked))
    if found:
        raise NovalineError(found)


def not_runnable(checked: Checked) -> Iterator[Finding]:
    """What the workflow cannot run, each with its place; nothing for a customization that may start."""
    for where, message in _reasons(checked):
        yield checked.document.finding("not-runnable", message, where, hint=_HINT)


def _reasons(checked: Checked) -> Iterator[tuple[DataPath, str]]:
    stages = checked.customization.stages
    if len(stages) > 1:
        yield ("stages", 1), f"the workflow runs one stage, and does not chain them yet; found {len(stages)}"
    for index, stage in enumerate(stages):
        for key, message in _of_stage(stage):
            yield ("stages", index, key), message
    for index, evaluation in enumerate(checked.customization.evaluations):
        for key, message in _of_evaluation(evaluation):
            yield ("evaluations", index, key), message


def _of_stage(stage: Stage) -> Iterator[tuple[str, str]]:
    if stage.platform != "sagemaker":
        yield "platform", f"the workflow runs SageMaker training jobs, and nothing on `{stage.platform}` yet"
    if stage.technique not in _TECHNIQUES:
        yield "technique", f"the workflow runs {_either(_TECHNIQUES)}, and not `{stage.technique}` yet"
    if stage.start != "base":
        yield "start", f"the workflow starts from the base model, and not from `{stage.start}` yet"


def _of_evaluation(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    if evaluation.task not in _TASKS:
        yield "task", f"the workflow evaluates with {_either(_TASKS)}, and not with `{evaluation.task}` yet"
    if evaluation.processor is not None and evaluation.processor.name is None:
        yield "processor", "the workflow calls processors that the environment declares, and no other function"
    if evaluation.subtask is not None:
        yield "subtask", "the workflow runs whole tasks, and no subtask yet"


def _either(names: Sequence[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)
