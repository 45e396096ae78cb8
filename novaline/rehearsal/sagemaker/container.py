"""What runs inside a job: reads the recipe and the data channels, trains or evaluates a stand-in, returns its output.

Knows nothing of S3 or IAM: files come as bytes, a checkpoint through a function, lines of the log go to another, and
functions are called by a third. Imports the learner, and so scikit-learn; a job imports this module in its own thread.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from novaline.rehearsal.learner import stand_in
from novaline.rehearsal.learner.base import BaseStandIn
from novaline.rehearsal.learner.rows import Progress, Prompt, TrainingPlan
from novaline.rehearsal.sagemaker.converse_rows import read_rows
from novaline.rehearsal.sagemaker.dpo_rows import read_dpo_rows
from novaline.rehearsal.sagemaker.failures import JobFailure
from novaline.rehearsal.sagemaker.gen_qa import FILE_NAME, evaluate, read_questions
from novaline.rehearsal.sagemaker.images import (
    DPO_TAG,
    EVALUATION,
    EVALUATION_TAG,
    RFT_TAG,
    SFT_TAGS,
    TRAINING,
    Image,
)
from novaline.rehearsal.sagemaker.processors import MetricsFunction
from novaline.rehearsal.sagemaker.recipe import (
    DpoSettings,
    EvaluationSettings,
    Recipe,
    RewardSettings,
    RftSettings,
    TrainingSettings,
    read_recipe,
)
from novaline.rehearsal.sagemaker.rewards import Invoke, RewardFunction
from novaline.rehearsal.sagemaker.rft import RewardLines, evaluate_by_reward, train_by_reward
from novaline.rehearsal.sagemaker.rft_rows import read_rft_rows

INPUT = "/opt/ml/input/data"
_MOST_STEP_LINES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as downloaded: the files by name, and the S3DataType that the request gave it."""

    data_type: str
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the platform gives the container."""

    image: Image
    hyperparameters: Mapping[str, str]
    channels: Mapping[str, Channel]
    log: Callable[[str], None]
    check: Callable[[], None]  # raises Interrupted when the job is to end
    load_checkpoint: Callable[[str], stand_in.TrainedStandIn]
    invoke: Invoke
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the container leaves: files of output.tar.gz, the model for the escrow, final metrics."""

    recipe: Recipe
    files: Mapping[str, bytes] = field(default_factory=dict)
    model: stand_in.TrainedStandIn | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def checkpoint_step(self) -> int:
        """The step whose checkpoint is kept."""
        return self.model.steps if self.model else 0


def run(around: Surroundings) -> Outcome:
    """Do what the recipe asks for. Raises JobFailure, or what `check` raises."""
    recipe = _recipe(around)
    around.log(f"stand-in container, no Nova model: {recipe.name}, {recipe.model_type}, from {recipe.model}")
    if isinstance(recipe.work, EvaluationSettings):
        _expect_image(around.image, EVALUATION, EVALUATION_TAG)
        _expect_hyperparameter(
            around, "eval_lambda_arn", recipe.work.processor.function_arn if recipe.work.processor else None
        )
        return (_evaluate if recipe.work.reward is None else _evaluate_rewards)(around, recipe, recipe.work)
    if isinstance(recipe.work, RftSettings):
        _expect_image(around.image, TRAINING, RFT_TAG)
        _expect_hyperparameter(around, "reward_lambda_arn", recipe.work.reward.function_arn)
        return _reinforce(around, recipe, recipe.work)
    if isinstance(recipe.work, DpoSettings):
        _expect_image(around.image, TRAINING, DPO_TAG)
        return _prefer(around, recipe, recipe.work)
    _expect_image(around.image, TRAINING, SFT_TAGS[recipe.generation])
    return _train(around, recipe, recipe.work)


def _recipe(around: Surroundings) -> Recipe:
    """The recipe that the hyperparameters point to, once they agree with it."""
    given = around.hyperparameters
    path = given.get("sagemaker_recipe_local_path", "")
    folder, _, name = path.rpartition("/")
    channel = around.channels.get("recipe")
    files = channel.files if channel else {}
    if folder != f"{INPUT}/recipe" or name not in files:
        there = ", ".join(f"{INPUT}/recipe/{file}" for file in files) or "no recipe channel"
        raise JobFailure.algorithm(f"sagemaker_recipe_local_path is {path!r}, but there is {there}")
    recipe = read_recipe(files[name])
    if given.get("model_type", recipe.model_type) != recipe.model_type:
        raise JobFailure.algorithm(
            f"hyperparameter model_type is {given['model_type']!r}, the recipe's run.model_type {recipe.model_type!r}"
        )
    expected, other = (
        ("base_model_location", "base_model") if recipe.checkpoint else ("base_model", "base_model_location")
    )
    if given.get(expected) != recipe.model or other in given:
        found = {key: given[key] for key in ("base_model", "base_model_location") if key in given}
        raise JobFailure.algorithm(
            f"the recipe's run.model_name_or_path is {recipe.model!r}, so hyperparameter {expected} must be that and "
            f"{other} be absent; found {json.dumps(found)}"
        )
    return recipe


def _expect_image(image: Image, repository: str, tag: str) -> None:
    fits = image.repository == repository and (image.tag == tag or image.digest is not None)
    if not fits:
        raise JobFailure.algorithm(
            f"the image {image.repository}:{image.tag or image.digest} cannot run this recipe, {repository}:{tag} can"
        )


def _expect_hyperparameter(around: Surroundings, name: str, wanted: str | None) -> None:
    """Both SDKs send a function that the recipe names as a hyperparameter too; the two must agree."""
    given = around.hyperparameters.get(name)
    if given != wanted:
        raise JobFailure.algorithm(f"hyperparameter {name} is {given!r}, the recipe names {wanted!r}")


def _train(around: Surroundings, recipe: Recipe, settings: TrainingSettings) -> Outcome:
    before = _start(around, recipe)
    content = _only_file(around, "train", data_type="Converse")
    rows = read_rows(content, generation=recipe.generation, text_only="micro" in recipe.model_type)
    if recipe.generation == 2 and len(rows) < settings.global_batch_size:
        raise JobFailure.algorithm(
            f"{len(rows)} training rows are less than one batch (global_batch_size {settings.global_batch_size})"
        )
    plan, report = _prepared(around, settings, rows=len(rows))
    model = stand_in.train(rows, plan, model_type=recipe.model_type, on_progress=report, before=before)
    return _trained(around, recipe, model, report)


def _prefer(around: Surroundings, recipe: Recipe, settings: DpoSettings) -> Outcome:
    before = _start(around, recipe)
    content = _only_file(around, "train", data_type="Converse")
    rows = read_dpo_rows(content, text_only="micro" in recipe.model_type)
    plan, report = _prepared(around, settings, rows=len(rows))
    model = stand_in.prefer(
        rows, plan, beta=settings.beta, model_type=recipe.model_type, on_progress=report, before=before
    )
    return _trained(around, recipe, model, report)


def _prepared(around: Surroundings, settings: TrainingSettings, *, rows: int) -> tuple[TrainingPlan, "_StepLines"]:
    """The steps for that many rows, and what reports them."""
    if "validation" in around.channels:
        around.log("stand-in: the validation channel was downloaded and is not used")
    plan = settings.plan(rows)
    around.log(f"stand-in: {rows} rows, {plan.steps} steps of {plan.batch_size} rows")
    return plan, _StepLines(around, every=max(1, plan.steps // _MOST_STEP_LINES), batch=plan.batch_size)


def _trained(around: Surroundings, recipe: Recipe, model: stand_in.TrainedStandIn, report: "_StepLines") -> Outcome:
    around.log(f"{model.description}; its loss says nothing about Nova's")
    return Outcome(recipe=recipe, model=model, metrics={"reduced_train_loss": report.last_loss})


def _reinforce(around: Surroundings, recipe: Recipe, settings: RftSettings) -> Outcome:
    before = _start(around, recipe)
    rows = read_rft_rows(_only_file(around, "train", data_type="S3Prefix"), file="the training data")
    if len(rows) < settings.global_batch_size:
        raise JobFailure.algorithm(
            f"{len(rows)} training rows are less than one batch (global_batch_size {settings.global_batch_size})"
        )
    if "validation" in around.channels:
        around.log("stand-in: the validation channel was downloaded and is not used")
    lines = RewardLines(log=around.log, check=around.check)
    reward = _reward(around, settings.reward)
    model = train_by_reward(rows, settings, model_type=recipe.model_type, reward=reward, lines=lines, before=before)
    around.log(f"{model.description}; its rewards say nothing about Nova's")
    return Outcome(recipe=recipe, model=model, metrics=lines.last)


def _evaluate_rewards(around: Surroundings, recipe: Recipe, settings: EvaluationSettings) -> Outcome:
    assert settings.reward is not None
    rows = read_rft_rows(_only_file(around, "train", data_type="S3Prefix"), file="the evaluation data")
    answer = _answers(around, recipe)
    around.check()
    around.log(f"stand-in: {len(rows)} prompts, scored by {settings.reward.function_arn}")
    files, table = evaluate_by_reward(
        rows, answer, settings, model=recipe.model, reward=_reward(around, settings.reward), now=around.now()
    )
    return _evaluated(around, recipe, files, table)


def _reward(around: Surroundings, settings: RewardSettings) -> RewardFunction:
    return RewardFunction(settings=settings, invoke=around.invoke, log=around.log)


def _start(around: Surroundings, recipe: Recipe) -> stand_in.TrainedStandIn | None:
    """The stand-in whose checkpoint the recipe names; None where it names the base."""
    if not recipe.checkpoint:
        return None
    model = around.load_checkpoint(recipe.checkpoint)
    if model.model_type != recipe.model_type:
        raise JobFailure.algorithm(f"the checkpoint is of {model.model_type}, the recipe of {recipe.model_type}")
    return model


def _answers(around: Surroundings, recipe: Recipe) -> Callable[[Sequence[Prompt]], list[str]]:
    """How the recipe's model answers: the base, or the checkpoint of a stand-in."""
    model = _start(around, recipe) or BaseStandIn()
    around.log(f"stand-in: the questions go to {model.description}")
    return model.answer


def _evaluated(around: Surroundings, recipe: Recipe, files: Mapping[str, bytes], table: Mapping[str, float]) -> Outcome:
    """An evaluation's output: its files in their folder, its metrics without their errors."""
    shown = {name: value for name, value in table.items() if not name.endswith("_stderr")}
    around.log("stand-in: " + ", ".join(f"{name}={value:.4f}" for name, value in shown.items()))
    placed = {f"{recipe.name}/eval_results/{name}": content for name, content in files.items()}
    return Outcome(recipe=recipe, files=placed, metrics=shown)


def _evaluate(around: Surroundings, recipe: Recipe, settings: EvaluationSettings) -> Outcome:
    channel = around.channels.get("train")
    if channel is None or FILE_NAME not in channel.files:
        found = ", ".join(channel.files) if channel else "no such channel"
        raise JobFailure.algorithm(f"channel train must hold {FILE_NAME}, found {found}")
    questions = read_questions(channel.files[FILE_NAME])
    answer = _answers(around, recipe)
    around.check()
    processor = settings.processor
    files, table = evaluate(
        questions,
        answer,
        model=recipe.model,
        max_new_tokens=settings.max_new_tokens,
        now=around.now(),
        own=None if processor is None else MetricsFunction(processor, around.invoke, log=around.log),
    )
    return _evaluated(around, recipe, files, table)


def _only_file(around: Surroundings, name: str, *, data_type: str) -> bytes:
    channel = around.channels.get(name)
    if channel is None:
        raise JobFailure.algorithm(f"there is no channel {name!r}")
    if channel.data_type != data_type:
        raise JobFailure.algorithm(f"channel {name} has S3DataType {channel.data_type}, this job needs {data_type}")
    if len(channel.files) != 1:
        raise JobFailure.algorithm(f"channel {name} has {len(channel.files)} files, expected exactly one")
    return next(iter(channel.files.values()))


class _StepLines:
    """Writes the log lines from which loss curves are read, in the wording of NeMo's progress bar."""

    def __init__(self, around: Surroundings, *, every: int, batch: int) -> None:
        self._around = around
        self._every = every
        self._batch = batch
        self._next = 1
        self.last_loss = 0.0

    def __call__(self, at: Progress) -> None:
        self._around.check()
        self.last_loss = at.loss
        if at.step < self._next and at.step != at.steps:
            return
        self._next = at.step + self._every
        values: dict[str, Any] = {
            "reduced_train_loss": f"{at.loss:.4f}",
            "lr": f"{at.learning_rate:.3e}",
            "global_step": at.step,
            "consumed_samples": at.step * self._batch,
            "samples_per_second": f"{at.rows_per_second:.1f}",
        }
        shown = ", ".join(f"{name}={value}" for name, value in values.items())
        self._around.log(f"stand-in: step {at.step}/{at.steps} [{shown}]")
