"""Evaluations: what a task needs, what its answers are sampled with, and which models can take it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from novaline.findings import nearest
from novaline.recipes.catalogue import catalogue
from novaline.recipes.model import EvaluationTask
from novaline.recipes.problems import listed, shown
from novaline.recipes.rules.model import Fault, Rule, Scope, Situation

_MOST = 16
_USUAL = (1, 2, 4, 8, 16)
_OF_FUNCTIONS = (
    "processor.lambda_arn", "processor.lambda_type", "processor.aggregation", "preprocessing.enabled",
    "postprocessing.enabled", "processor.preset_reward_function", "rl_env.reward_lambda_arn",
)  # fmt: skip
_ONLY_GEN_QA = "only gen_qa has a processor; say `processor` of such an evaluation"


@cache
def _tasks() -> Mapping[str, EvaluationTask]:
    return catalogue().tasks()


def _task(situation: Situation) -> EvaluationTask | None:
    """The task of the situation, or else of the recipe's own values."""
    return _tasks().get(situation.task or str(situation.values.get("evaluation.task")))


def _triplet(situation: Situation) -> Iterator[Fault]:
    task = _tasks().get(str(situation.values.get("evaluation.task")))
    if task is None:
        return
    for leaf, expected in (("strategy", task.strategy), ("metric", task.metric)):
        path = f"evaluation.{leaf}"
        value = situation.values.get(path)
        if path in situation.recipe.keys and value != expected:
            message = f"`{path}` of {task.name} must be {expected}, found {shown(value)}"
            yield Fault(key=situation.name(path), where=("task",), message=message)


def _subtask(situation: Situation) -> Iterator[Fault]:
    task, subtask = _task(situation), situation.subtask
    if task is None or not subtask:
        return
    if not task.subtask_count:
        message = f"{task.name} has no subtasks, found {subtask}"
        yield Fault(key="subtask", where=("subtask",), message=message, hint="remove `subtask`", on_key=True)
    elif task.subtasks and subtask not in task.subtasks:
        close = nearest(subtask, task.subtasks)
        hint = f"did you mean {close}?" if close else f"it has {', '.join(task.subtasks)}"
        yield Fault(key="subtask", where=("subtask",), message=f"{task.name} has no subtask {subtask}", hint=hint)


def _replicas(situation: Situation) -> Iterator[Fault]:
    count, where = situation.instance_count, ("instances", "count")
    exactly = situation.recipe.instances.fixed_on.get(situation.platform)
    if exactly is not None:
        if count != exactly:
            message = f"an evaluation on HyperPod must run on {exactly} instance, found {count}"
            yield Fault(key="count", where=where, message=message)
    elif count not in _USUAL:
        silent = [f"of the Nova Forge SDK ({', '.join(map(str, _USUAL))})"]
        if count > _MOST:
            silent.insert(0, f"of AWS's documentation (1 to {_MOST})")
        message = f"`count: {count}` of an evaluation is not among those {listed(silent)}"
        yield Fault(key="count", where=where, message=message, severity="warning", sourced=True)


def _data(situation: Situation) -> Iterator[Fault]:
    task = _task(situation)
    if task is None or situation.own_data is None or situation.own_data == task.own_data:
        return
    if task.own_data:
        yield Fault(key="data", where=("data",), message=f"{task.name} needs rows of its own", hint="say `data`")
    else:
        message = f"{task.name} brings its own questions and takes no data"
        yield Fault(key="data", where=("data",), message=message, hint="remove `data`", on_key=True)


def _processor(situation: Situation) -> Iterator[Fault]:
    task = _task(situation)
    if task is None:
        return
    if situation.processor and task.name != "gen_qa":
        message = f"only gen_qa has a processor, and this is {task.name}"
        yield Fault(key="processor", where=("processor",), message=message, hint="remove `processor`", on_key=True)
    if situation.reward is None:
        return
    if task.name == "rft_eval" and not situation.reward:
        yield Fault(key="reward", where=("reward",), message="rft_eval needs a reward function", hint="say `reward`")
    elif task.name != "rft_eval" and situation.reward:
        message = f"only rft_eval has a reward function, and this is {task.name}"
        yield Fault(key="reward", where=("reward",), message=message, hint="remove `reward`", on_key=True)


def _sight(situation: Situation) -> Iterator[Fault]:
    task, model = _task(situation), situation.recipe.model
    unseen = situation.media - set(model.media)
    if task is not None and task.modality == "image" and "image" not in model.media:
        yield Fault(key="task", where=("task",), message=f"{task.name} shows images, and {model.title} reads text only")
    elif unseen:
        held = listed(f"{kind}s" for kind in sorted(unseen))
        read = listed(["text", *(f"{kind}s" for kind in model.media)])
        yield Fault(key="data", where=("data",), message=f"the rows hold {held}, and {model.title} reads {read} only")


_EVALUATION = Scope(techniques=("evaluation",))

RULES = (
    Rule(
        id="eval_triplet",
        level="documented",
        severity="error",
        statement="A task's strategy and metric follow from the task.",
        sources=("AWS docs (other pages)", "Nova Forge SDK validator"),
        because="no task has two strategies or two metrics",
        scope=_EVALUATION,
        carried={"lock": ("evaluation.task", "evaluation.strategy", "evaluation.metric")},
        check=_triplet,
    ),
    Rule(
        id="eval_subtask",
        level="enforced",
        severity="error",
        statement="Only mmlu, bbh, math, strong_reject and mmmu have subtasks; for others the key is left out.",
        sources=("Nova Forge SDK validator", "AWS docs (other pages)"),
        scope=_EVALUATION,
        code="subtask",
        check=_subtask,
    ),
    Rule(
        id="eval_reasoning",
        level="enforced",
        note="by the container (ConfigValidationError)",
        severity="error",
        statement="Only Nova 2 Lite takes a reasoning effort: null, low or high.",
        sources=("AWS docs (other pages)", "recipe text"),
        scope=_EVALUATION,
        carried={"bounds": ("inference.reasoning_effort",)},
        enforced_by={"inference.reasoning_effort": "the evaluation container"},
        absent={"reasoning_effort": "this recipe takes none: only Nova 2 Lite reasons, and not as the judge"},
    ),
    Rule(
        id="eval_replicas",
        level="documented",
        severity="error",
        statement=(
            "An evaluation runs on 1 to 16 instances as a training job (1, 2, 4, 8, 16 in Forge), on 1 on HyperPod."
        ),
        sources=("AWS docs (other pages)", "recipe text", "Nova Forge SDK validator"),
        because="HyperPod takes no second instance; a number that documentation or Forge leaves out is a warning",
        scope=_EVALUATION,
        code="instance-count",
        carried={"lock": ("run.replicas",)},
        check=_replicas,
    ),
    Rule(
        id="eval_data",
        level="documented",
        severity="error",
        statement="gen_qa, the judges and rft_eval need rows of one's own; benchmarks take none.",
        sources=("AWS docs (other pages)", "recipe text", "Nova Forge SDK validator"),
        because="without rows there is nothing to measure, and a benchmark reads none",
        scope=_EVALUATION,
        code="evaluation-data",
        carried={"lock": ("run.data_s3_path",)},
        check=_data,
    ),
    Rule(
        id="eval_sampling",
        level="documented",
        severity="by source",
        statement=(
            "Answers have 0 to 100,000 new tokens, to 32,768 for Nova 2, and llm_judge sets none; top_p is"
            " from 0 to 1, temperature from 0 to 2, top_logprobs from 0 to 20."
        ),
        sources=("template file", "recipe text", "AWS docs (other pages)"),
        scope=_EVALUATION,
        carried={"bounds": ("max_new_tokens", "top_p", "inference.temperature", "top_logprobs")},
        absent={"max_new_tokens": "llm_judge sets no length of its answers"},
    ),
    Rule(
        id="eval_processor",
        level="documented",
        severity="error",
        statement=(
            "Only gen_qa has a processor, of the kind rft or custom_metrics, which takes min, max, average or"
            " sum; only rft_eval has a reward function, and needs it."
        ),
        sources=("template file", "AWS docs (other pages)", "Nova Forge SDK validator"),
        because="the recipes of other tasks have no place for them",
        scope=_EVALUATION,
        code="evaluation-function",
        carried={"lock": _OF_FUNCTIONS, "bounds": _OF_FUNCTIONS},
        absent={
            **dict.fromkeys(("lambda_arn", "lambda_type", "aggregation", "preset_reward_function"), _ONLY_GEN_QA),
            "reward_lambda_arn": "only rft_eval has a reward function; say `reward` of such an evaluation",
        },
        check=_processor,
    ),
    Rule(
        id="eval_multimodal",
        level="documented",
        severity="error",
        statement="mmmu and images are for Lite, Pro and 2 Lite, which see; Micro reads text only.",
        sources=("recipe text", "AWS docs (other pages)"),
        because="the model does not see",
        scope=_EVALUATION,
        code="modality",
        check=_sight,
    ),
)
