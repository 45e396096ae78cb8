"""The customization file as a value: what a scientist asks for. Types and closed sets; relations are in `checks`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator

from novaline.recipes.model import JsonValue, Tuning

ModelName = Literal["nova-micro", "nova-lite", "nova-pro", "nova-2-lite"]
"""The models that can be customized."""
TeacherName = Literal["nova-pro", "nova-premier"]
"""The models that can write training data for a smaller one."""
StageTechnique = Literal["sft", "dpo", "rft", "cpt", "ppo", "distillation"]
StagePlatform = Literal["sagemaker", "bedrock", "serverless", "hyperpod"]
"""SageMaker training jobs; Bedrock's managed jobs; SageMaker without instances; HyperPod on EKS."""
Task = Literal[
    "gen_qa", "llm_judge", "mm_llm_judge", "rubric_llm_judge", "rft_eval", "mmlu", "mmlu_pro", "bbh", "gpqa", "math",
    "strong_reject", "ifeval", "mmmu", "aime_2024", "calendar_scheduling", "humaneval",
]  # fmt: skip
"""What `recipes/evaluation-tasks.yaml` describes."""
Metric = Literal["exact_match", "quasi_exact_match"]

_DURATION = re.compile(r"([1-9][0-9]{0,4})(m|h|d)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration (a whole number and a unit: 30m, 24h, 3d)")
    return int(match[1]) * _UNITS[match[2]]


def duration_text(value: timedelta) -> str:
    """A duration as the file spells it, in the largest unit that divides it."""
    for unit in ("d", "h"):
        if value % _UNITS[unit] == timedelta(0):
            return f"{value // _UNITS[unit]}{unit}"
    return f"{value // _UNITS['m']}m"


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,4}(m|h|d)$", "examples": ["30m", "24h", "3d"]}),
]
BedrockName = Annotated[str, Field(pattern=r"^([0-9a-zA-Z][_-]?){1,63}$", max_length=63)]
"""A name that Bedrock accepts for a custom model or a deployment."""
PartName = Annotated[str, Field(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=24)]
"""The name of a stage or an evaluation: it becomes part of job names and of the run's folders."""
DataPlace = Annotated[str, Field(min_length=1, max_length=1000)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


class Instances(_Frozen):
    """The machines of a stage. What is left out comes from the recipe."""

    type: Annotated[str, Field(pattern=r"^ml\.", description="SageMaker instance type")] | None = None
    count: Annotated[int, Field(ge=1)] | None = None


class EvaluationInstances(_Frozen):
    """The machines of an evaluation. What is left out comes from the recipe."""

    type: Annotated[str, Field(pattern=r"^ml\.")] | None = None
    count: Annotated[int, Field(ge=1)] | None = None


class TrainingData(_Frozen):
    """JSONL: files, relative to the customization file, or `s3://` objects of the environment's data bucket."""

    train: DataPlace
    validation: DataPlace | None = None


class Stage(_Frozen):
    """One step of training."""

    name: PartName
    technique: StageTechnique
    tuning: Annotated[
        Tuning | None, Field(description="`lora` where the technique has it; `full` changes every weight")
    ] = None
    platform: StagePlatform = "sagemaker"
    start: Annotated[
        str,
        Field(
            min_length=1,
            max_length=1024,
            description="`base`, the name of an earlier stage, a checkpoint's s3:// URI, or the ARN of a model package",
        ),
    ] = "base"
    teacher: Annotated[TeacherName | None, Field(description="Of distillation: the model that answers the prompts")] = (
        None
    )
    reward: Annotated[
        str | None, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", description="A reward function of the environment")
    ] = None
    instances: Instances = Instances()
    data: TrainingData
    overrides: Annotated[
        dict[str, JsonValue], Field(description="Published short names or full recipe paths, with their values")
    ] = {}
    timeout: Duration = timedelta(hours=24)


class Processor(_Frozen):
    """A Lambda function that computes metrics of your own from an evaluation's answers: a declared one, or any.

    What the function answers is its `kind`; of a declared one, the environment says it.
    """

    name: Annotated[
        str | None,
        Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", description="A processor that the environment declares"),
    ] = None
    function: Annotated[
        str | None,
        Field(
            pattern=r"^arn:aws:lambda:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}$",
            description="Any function's ARN, without a version or an alias",
        ),
    ] = None
    kind: Annotated[
        Literal["rft", "custom_metrics"] | None,
        Field(description="What the function answers; of a declared processor, what the environment says"),
    ] = None
    aggregation: Literal["min", "max", "average", "sum"] = "average"
    preprocessing: bool = False
    postprocessing: bool = True

    @model_validator(mode="after")
    def _is_one_function(self) -> Processor:
        if (self.name is None) == (self.function is None):
            raise ValueError("the `name` of a processor of the environment or the ARN of a `function`, one of the two")
        return self

    @property
    def shown(self) -> str:
        """The processor as the file names it."""
        return self.name or self.function or ""


def _by_name(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


ProcessorOrName = Annotated[
    Processor,
    BeforeValidator(_by_name, json_schema_input_type=Processor | str),
]
"""A processor, or the name alone of one that the environment declares."""


class Evaluation(_Frozen):
    """One measurement, made of the base model and of the candidate alike."""

    name: PartName
    task: Task
    subtask: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    data: Annotated[DataPlace | None, Field(description="For tasks with own data: a file, or an `s3://` object")] = None
    reward: Annotated[
        str | None, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", description="Of rft_eval: a reward function")
    ] = None
    processor: Annotated[
        ProcessorOrName | None, Field(description="Of gen_qa: metrics of your own; a processor of the environment")
    ] = None
    inference: Annotated[
        dict[str, JsonValue], Field(description="Sampling: max_new_tokens, temperature, top_p, top_k …")
    ] = {}
    instances: EvaluationInstances = EvaluationInstances()
    timeout: Duration = timedelta(hours=4)


class Gate(_Frozen):
    """What the candidate must show before it is deployed."""

    evaluation: PartName
    metric: Metric
    against: Literal["base"] = "base"
    margin: Annotated[float, Field(ge=0, lt=1, description="How much better than the base, in units of the metric")] = (
        0.0
    )
    confidence: Annotated[float, Field(ge=0.8, le=0.999)] = 0.95


class Deployment(_Frozen):
    """Where the accepted model is served. `none` stops after the gate."""

    target: Literal["bedrock-on-demand", "none"] = "none"
    name: BedrockName | None = None
    time_to_live: Duration | None = None
    keep: bool = False


class Budget(_Frozen):
    """What the run may cost at most, with what AWS charges where Novaline does not know it."""

    usd: Annotated[float, Field(gt=0)]
    prices: Annotated[
        dict[Annotated[str, Field(pattern=r"^ml\.")], Annotated[float, Field(gt=0)]],
        Field(
            description="US dollars per instance hour, by instance type: your own prices, ahead of the built-in ones"
        ),
    ] = {}


class Customization(_Frozen):
    """A customization of an Amazon Nova model: stages, evaluations, a gate, a deployment, a budget."""

    name: BedrockName
    model: ModelName
    stages: Annotated[tuple[Stage, ...], Field(strict=False, min_length=1, max_length=8)]
    evaluations: Annotated[tuple[Evaluation, ...], Field(strict=False, min_length=1)]
    gate: Gate
    deployment: Deployment = Deployment()
    budget: Budget
