"""A rendered Nova recipe, as the container reads it: only what it acts on, checked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from novaline.customization.yaml_source import parse_yaml
from novaline.findings import NovalineError
from novaline.rehearsal.learner.policy import RolloutPlan
from novaline.rehearsal.learner.rows import TrainingPlan
from novaline.rehearsal.sagemaker.failures import JobFailure

# model_type → the name of its base, and its generation
MODELS: Mapping[str, tuple[str, Literal[1, 2]]] = {
    "amazon.nova-micro-v1:0:128k": ("nova-micro/prod", 1),
    "amazon.nova-lite-v1:0:300k": ("nova-lite/prod", 1),
    "amazon.nova-pro-v1:0:300k": ("nova-pro/prod", 1),
    "amazon.nova-2-lite-v1:0:256k": ("nova-lite-2/prod", 2),
}
LAMBDA_BATCH_SIZE = 128
"""Answers that a function gets at once where the recipe does not say it: the default of AWS's documentation."""

_DPO = "training_config.model.dpo_cfg"
_ENDPOINT = "training_config.rollout.rewards.api_endpoint"
_EVALUATION_CONCURRENCY = 12
_TASKS = (("gen_qa", "gen_qa", "all"), ("rft_eval", "rft_eval", "all"))
_LONGEST_OUTPUT = {1: 100_000, 2: 32_768}  # tokens, by generation


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """What a supervised fine-tuning recipe asks for. `max_epochs` is of generation 1, `max_steps` of generation 2."""

    max_epochs: int | None
    max_steps: int | None
    global_batch_size: int
    learning_rate: float
    min_learning_rate: float
    warmup_steps: int

    def plan(self, rows: int) -> TrainingPlan:
        """The steps for that many rows."""
        steps = self.max_steps or (self.max_epochs or 1) * math.ceil(rows / self.global_batch_size)
        return TrainingPlan(
            steps=steps,
            batch_size=self.global_batch_size,
            learning_rate=self.learning_rate,
            min_learning_rate=self.min_learning_rate,
            warmup_steps=self.warmup_steps,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoSettings(TrainingSettings):
    """What a recipe of direct preference optimization asks for."""

    beta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardSettings:
    """Which function rewards answers, how many of them it gets at once, and how many calls run at once."""

    function_arn: str
    batch_size: int
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RftSettings:
    """What a recipe of reinforcement fine-tuning asks for."""

    max_steps: int
    global_batch_size: int
    generations: int
    temperature: float
    learning_rate: float
    max_new_tokens: int
    reward: RewardSettings

    @property
    def plan(self) -> RolloutPlan:
        """The steps, and the answers that are drawn in each."""
        return RolloutPlan(
            steps=self.max_steps,
            batch_size=self.global_batch_size,
            generations=self.generations,
            temperature=self.temperature,
            learning_rate=self.learning_rate,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorSettings:
    """The function that computes metrics of one's own from an evaluation's answers, and when it is called."""

    function_arn: str
    kind: Literal["rft", "custom_metrics"]
    aggregation: Literal["min", "max", "average", "sum"]
    preprocessing: bool
    postprocessing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSettings:
    """What an evaluation recipe asks for: `gen_qa`, with a processor at times, or `rft_eval` with a reward."""

    max_new_tokens: int
    processor: ProcessorSettings | None = None
    reward: RewardSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One recipe; `work` says whether it trains or evaluates."""

    name: str
    model_type: str
    model: str  # "nova-micro/prod", or the s3:// URI of a checkpoint
    work: TrainingSettings | RftSettings | EvaluationSettings  # DpoSettings are TrainingSettings

    @property
    def generation(self) -> Literal[1, 2]:
        """Of the model: 1 for the first Nova models, 2 for Nova 2 Lite."""
        return MODELS[self.model_type][1]

    @property
    def checkpoint(self) -> str | None:
        """The escrow checkpoint that the job starts from; None for the base."""
        return self.model if self.model.startswith("s3://") else None


def read_recipe(content: bytes) -> Recipe:
    """The recipe in a YAML file. Raises JobFailure that names the key and what was expected."""
    try:
        document = parse_yaml(content.decode(), file="recipe.yaml").data
    except UnicodeDecodeError as problem:
        raise JobFailure.algorithm(f"the recipe is no UTF-8 text: {problem}") from problem
    except NovalineError as problem:
        raise JobFailure.algorithm(f"the recipe is not readable: {problem}") from problem
    keys = _Keys(document)
    model_type, model = keys.text("run.model_type"), keys.text("run.model_name_or_path")
    if model_type not in MODELS:
        raise JobFailure.algorithm(f"run.model_type is {model_type!r}, expected one of {', '.join(MODELS)}")
    base, generation = MODELS[model_type]
    if not model.startswith("s3://") and model != base:
        raise JobFailure.algorithm(
            f"run.model_name_or_path is {model!r}, but {model_type} is {base!r} (or the s3:// URI of its checkpoint)"
        )
    if keys.has("evaluation"):
        return Recipe(
            name=keys.text("run.name"), model_type=model_type, model=model, work=_evaluation(keys, generation)
        )
    work = _rft(keys, generation) if keys.has("training_config.rollout") else _training(keys, generation)
    return Recipe(name=keys.text("run.name"), model_type=model_type, model=model, work=work)


def _training(keys: "_Keys", generation: Literal[1, 2]) -> TrainingSettings:
    optimizer, schedule = (
        ("training_config.model.optim", "training_config.model.optim.sched")
        if generation == 1
        else ("training_config.optim_config", "training_config.lr_scheduler")
    )
    settings = TrainingSettings(
        max_epochs=keys.integer("training_config.trainer.max_epochs", least=1) if generation == 1 else None,
        max_steps=keys.integer("training_config.max_steps", least=4) if generation == 2 else None,
        global_batch_size=keys.integer("training_config.global_batch_size", least=1),
        learning_rate=keys.number(f"{optimizer}.lr", most=1),
        min_learning_rate=keys.number(f"{schedule}.min_lr", most=1),
        warmup_steps=keys.integer(f"{schedule}.warmup_steps", least=0),
    )
    if not keys.has(_DPO):
        return settings
    if generation != 1:
        raise JobFailure.algorithm(f"{_DPO} is set: direct preference optimization is not for Nova 2 Lite")
    return DpoSettings(**asdict(settings), beta=keys.number(f"{_DPO}.beta", most=1))


def _rft(keys: "_Keys", generation: Literal[1, 2]) -> RftSettings:
    """Reinforcement fine-tuning, which AWS has for the second generation only; both places name the same function."""
    if generation != 2:
        raise JobFailure.algorithm("training_config.rollout is set: reinforcement fine-tuning is for Nova 2 Lite only")
    rollout, trainer = "training_config.rollout", "training_config.trainer"
    arns = {keys.text("run.reward_lambda_arn"), keys.text(f"{_ENDPOINT}.lambda_arn")}
    if len(arns) > 1:
        raise JobFailure.algorithm(
            f"run.reward_lambda_arn and {_ENDPOINT}.lambda_arn differ: {' and '.join(sorted(arns))}"
        )
    return RftSettings(
        max_steps=keys.integer(f"{trainer}.max_steps", least=5),
        global_batch_size=keys.integer("training_config.global_batch_size", least=1),
        generations=keys.integer(f"{rollout}.advantage_strategy.number_generation", least=2, most=16),
        temperature=keys.number(f"{rollout}.generator.temperature", most=2),
        learning_rate=keys.number(f"{trainer}.optim_config.lr", most=1),
        max_new_tokens=keys.integer(f"{rollout}.generator.max_new_tokens", least=1),
        reward=RewardSettings(
            function_arn=arns.pop(),
            batch_size=keys.integer(f"{_ENDPOINT}.lambda_batch_size", least=1, default=LAMBDA_BATCH_SIZE),
            concurrency=keys.integer(f"{_ENDPOINT}.lambda_concurrency_limit", least=1),
        ),
    )


def _evaluation(keys: "_Keys", generation: Literal[1, 2]) -> EvaluationSettings:
    asked = tuple(keys.text(f"evaluation.{name}") for name in ("task", "strategy", "metric"))
    if asked not in _TASKS:
        known = " or ".join(" / ".join(task) for task in _TASKS)
        raise JobFailure.algorithm(f"evaluation is {' / '.join(asked)}; a stand-in can be evaluated by {known} only")
    if generation == 1 and keys.get("inference.reasoning_effort") is not None:
        raise JobFailure.algorithm("ConfigValidationError: inference.reasoning_effort is for Nova 2 Lite only")
    limit = keys.integer("inference.max_new_tokens", least=0)
    if limit > _LONGEST_OUTPUT[generation]:
        raise JobFailure.algorithm(
            f"inference.max_new_tokens is {limit}, expected at most {_LONGEST_OUTPUT[generation]}"
        )
    if asked[0] == "gen_qa":
        return EvaluationSettings(max_new_tokens=limit, processor=_processor(keys))
    arn = keys.text("rl_env.reward_lambda_arn")
    reward = RewardSettings(function_arn=arn, batch_size=LAMBDA_BATCH_SIZE, concurrency=_EVALUATION_CONCURRENCY)
    return EvaluationSettings(max_new_tokens=limit, reward=reward)


def _processor(keys: "_Keys") -> ProcessorSettings | None:
    if not keys.get("processor.lambda_arn"):
        return None
    return ProcessorSettings(
        function_arn=keys.text("processor.lambda_arn"),
        kind=keys.one_of("processor.lambda_type", get_args(ProcessorSettings.__annotations__["kind"])),
        aggregation=keys.one_of("processor.aggregation", get_args(ProcessorSettings.__annotations__["aggregation"])),
        preprocessing=keys.flag("processor.preprocessing.enabled"),
        postprocessing=keys.flag("processor.postprocessing.enabled"),
    )


class _Keys:
    """Dotted keys of a document, with their types checked."""

    def __init__(self, document: object) -> None:
        self._document = document

    def get(self, key: str) -> object:
        """The value, None if it or a parent is missing. `${oc.select:other.key}` is followed, as OmegaConf does."""
        value = self._document
        for name in key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value.startswith("${oc.select:") and value.endswith("}"):
            return self.get(value.removeprefix("${oc.select:").removesuffix("}"))
        return value

    def has(self, key: str) -> bool:
        return self.get(key) is not None

    def text(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not value:
            raise JobFailure.algorithm(f"{key} is {value!r}, expected text")
        return value

    def integer(self, key: str, *, least: int, most: int | None = None, default: int | None = None) -> int:
        value = self.get(key) if self.has(key) else default
        if not isinstance(value, int) or isinstance(value, bool) or value < least or value > (most or value):
            bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise JobFailure.algorithm(f"{key} is {value!r}, expected a whole number {bounds}")
        return value

    def flag(self, key: str) -> bool:
        value = self.get(key)
        if not isinstance(value, bool):
            raise JobFailure.algorithm(f"{key} is {value!r}, expected true or false")
        return value

    def one_of(self, key: str, known: Sequence[Any]) -> Any:  # noqa: ANN401 - one of the literals in `known`
        value = self.get(key)
        if value not in known:
            raise JobFailure.algorithm(f"{key} is {value!r}, expected one of {', '.join(known)}")
        return value

    def number(self, key: str, *, most: float) -> float:
        value = self.get(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
            raise JobFailure.algorithm(f"{key} is {value!r}, expected a number from 0 to {most}")
        return float(value)
