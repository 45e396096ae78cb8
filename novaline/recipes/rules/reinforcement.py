"""Reinforcement fine-tuning: the reward function, how answers are generated, the generation that learns over turns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from novaline.recipes.problems import shown
from novaline.recipes.rules.model import Fault, Rule, Scope, Situation

_LAMBDA = re.compile(r"^arn:aws[\w-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:([A-Za-z0-9_-]+)")
_ARN = "run.reward_lambda_arn"
_ENDPOINT = "training_config.rollout.rewards.api_endpoint.lambda_arn"
_LIMIT = "training_config.rollout.rewards.api_endpoint.lambda_concurrency_limit"
_ANSWER = "training_config.rollout.generator.max_new_tokens"
_LENGTH = "training_config.max_length"
_CALLS_OF_A_WORKER = 64
_WORKERS = ("run.generation_replicas", "run.rollout_worker_replicas")


def _one_function(situation: Situation) -> Iterator[Fault]:
    arn, endpoint = situation.values.get(_ARN), situation.values.get(_ENDPOINT)
    if arn != endpoint and not situation.refused & {_ARN, _ENDPOINT}:
        blamed = situation.first_written(_ARN, _ENDPOINT)
        yield Fault(
            key=blamed or "reward",
            where=None if blamed else ("reward",),
            message=f"the recipe holds the reward function twice, and `{_ARN}` is not `{_ENDPOINT}`",
            hint="the stage's `reward` sets both",
        )


def _function_name(situation: Situation) -> Iterator[Fault]:
    for path in (_ARN, "rl_env.reward_lambda_arn"):
        match = _LAMBDA.match(str(situation.values.get(path) or ""))
        if match is not None and "SageMaker" not in match[1]:
            written = path in situation.written
            yield Fault(
                key=situation.name(path),
                where=None if written else ("reward",),
                message=f"the name of a reward function on HyperPod must contain SageMaker, found {match[1]}",
                hint="HyperPod's role may call no other function",
            )


def _calls_at_once(situation: Situation) -> Iterator[Fault]:
    workers, limit = situation.number(_WORKERS[1]), situation.number(_LIMIT)
    blamed = situation.first_written(_WORKERS[1], _LIMIT)
    if blamed is None or workers is None or limit is None or limit >= workers * _CALLS_OF_A_WORKER:
        return
    calls = workers * _CALLS_OF_A_WORKER
    yield Fault(
        key=blamed,
        message=(
            f"{shown(workers)} rollout workers call the reward function up to {shown(calls)} times at once, and"
            f" `{situation.name(_LIMIT)}` lets {shown(limit)} through"
        ),
        hint=f"say `{situation.name(_LIMIT)}: {shown(calls)}`, and give the function that concurrency",
    )


def _prompt_and_answer(situation: Situation) -> Iterator[Fault]:
    """Whether prompt and answer fit together. A prompt's length is an estimate, so only the answer's own is certain."""
    answer, whole = situation.number(_ANSWER), situation.number(_LENGTH)
    if answer is None or whole is None:
        return
    prompt = situation.longest_prompt_tokens or 0
    blamed = situation.first_written(_ANSWER, _LENGTH)
    alone = answer >= whole
    if answer + prompt <= whole and not alone:
        return
    if blamed is None and not prompt:
        return
    length, new = situation.name(_LENGTH), situation.name(_ANSWER)
    if alone:
        message = f"`{new}` ({shown(answer)}) must leave room for the prompt in `{length}` ({shown(whole)})"
        yield Fault(key=blamed or new, message=message, hint=f"lower `{new}`, or raise `{length}`")
        return
    yield Fault(
        key=blamed or new,
        where=None if blamed else ("data", "train"),
        severity="warning",
        message=(
            f"the longest prompt (about {prompt} tokens) and `{new}` ({shown(answer)}) are more than `{length}`"
            f" ({shown(whole)})"
        ),
        hint=f"shorten the prompt, lower `{new}`, or raise `{length}`",
    )


def _sections(situation: Situation) -> Iterator[Fault]:
    for section in ("rollout", "data", "trainer"):
        if not any(path.startswith(f"training_config.{section}.") for path in situation.values):
            path = f"training_config.{section}"
            yield Fault(key=path, message=f"the recipe must have `{path}`, and has not")
    for path in ("run.replicas", *_WORKERS):
        count = situation.number(path)
        if count is not None and count < 1:
            name = situation.name(path)
            yield Fault(key=name, message=f"`{name}` must be at least 1, found {shown(count)}")
    if situation.own_data is False:
        yield Fault(key="data", where=("data",), message="reinforcement needs training rows", hint="say `data.train`")


_RFT = Scope(techniques=("rft",))
_RFT_ON_HYPERPOD = Scope(techniques=("rft",), platform="hyperpod")

RULES = (
    Rule(
        id="rft_lambda_equal",
        level="documented",
        severity="error",
        statement="Both places of a training job's recipe that name the reward function name the same one.",
        sources=("template file",),
        because="the two values contradict each other",
        scope=Scope(techniques=("rft",), platform="sagemaker"),
        check=_one_function,
    ),
    Rule(
        id="rft_lambda_name",
        level="enforced",
        severity="error",
        statement="The name of a reward function on HyperPod contains SageMaker.",
        sources=("AWS docs (other pages)", "Nova Forge SDK validator"),
        scope=Scope(techniques=("rft", "evaluation"), platform="hyperpod"),
        check=_function_name,
    ),
    Rule(
        id="rft_lambda_load",
        level="documented",
        severity="warning",
        statement="The reward function serves 64 calls at once for each rollout worker, each within 15 minutes.",
        sources=("recipe text", "AWS docs (other pages)"),
        scope=_RFT_ON_HYPERPOD,
        check=_calls_at_once,
    ),
    Rule(
        id="rft_tokens",
        level="documented",
        severity="error",
        statement="Prompt and answer fit into max_length together: prompt + max_new_tokens <= max_length.",
        sources=("AWS docs (other pages)",),
        because="an answer as long as the whole leaves no room for a prompt; with an estimated prompt it is a warning",
        scope=_RFT,
        check=_prompt_and_answer,
    ),
    Rule(
        id="rft_generation",
        level="enforced",
        severity="by source",  # HyperPod's template has the bounds; for training jobs only a page of AWS's states them
        statement="Each prompt gets from 2 to 16 answers.",
        sources=("template file",),
        scope=_RFT,
        carried={"bounds": ("number_generation",)},
    ),
    Rule(
        id="rft_reasoning",
        level="documented",
        severity="by source",
        statement="reasoning_effort is high, low or null.",
        sources=("recipe text", "AWS docs (other pages)"),
        scope=_RFT,
        carried={"bounds": ("training_config.reasoning_effort",)},
    ),
    Rule(
        id="rft_offpolicy",
        level="documented",
        severity="by source",
        statement=(
            "refit_freq is from 1 to 4, age_tolerance from 1 to 20, clip_ratio_high from 0.1 to 10, ent_coeff"
            " from 0 to 0.1."
        ),
        sources=("AWS docs (other pages)",),
        scope=_RFT_ON_HYPERPOD,
        carried={"bounds": ("refit_freq", "age_tolerance", "clip_ratio_high", "ent_coeff")},
    ),
    Rule(
        id="rft_hyperpod_sections",
        level="enforced",
        severity="error",
        statement=(
            "A HyperPod recipe has the sections rollout, data and trainer, rows to learn from, and at least"
            " one instance for each role."
        ),
        sources=("launcher/nova/launchers.py",),
        scope=_RFT_ON_HYPERPOD,
        check=_sections,
    ),
    Rule(
        id="mtrl",
        level="enforced",
        severity="error",
        statement=(
            "Over several turns: lora_rank 16 to 32, lora_alpha 16 to 128, clipping 0 to 1 below and 1 to 10"
            " above, 8, 16, 32 or 64 prompts a step with 2 to 32 answers each, 32 to 96 rollouts at once, 512"
            " to 8192 tokens."
        ),
        sources=("mtrl template file",),
        scope=Scope(techniques=("multi-turn-rft",)),
        carried={
            "bounds": (
                "lora_rank",
                "lora_alpha",
                "clip_low_threshold",
                "clip_high_threshold",
                "training_batch_size",
                "group_size",
                "max_concurrency",
                "max_tokens",
            ),
        },
    ),
)
