"""A model's verdict by a rubric, through Converse of Amazon Bedrock.

An answer is graded on a scale and scored from 0 (its worst) to 1 (its best). A verdict that is lost, to throttling, to
faults or to a reply that is none, is an error: the sample gets the declared fallback, and the measure `judge_lost`.
Whatever the judged model wrote reaches the judge as fenced data; see `judging.question`, and its limits in the
documentation: a judge is a model, and can be wrong, or be charmed, where a rule cannot.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from novaline.rewards.contract import Reward, Rollout, Score
from novaline.rewards.judging.asking import Judging, Spent, VerdictLost
from novaline.rewards.judging.bedrock import converse
from novaline.rewards.judging.models import UnknownModel, routes
from novaline.rewards.judging.panel import Outcome, at_once
from novaline.rewards.judging.question import Case, Grading
from novaline.rewards.options import OptionProblem

_SPEAKERS: Final = ("assistant", "nova_assistant")


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a judge."""

    model: str = field(
        metadata={
            "doc": "who judges: a foundation model's id, an inference profile (us.amazon.nova-pro-v1:0), or an ARN"
        }
    )
    rubric: str = field(metadata={"doc": "what is graded, and what earns how much; the judge sees it as it stands"})
    scale: tuple[float, ...] = field(
        default=(0.0, 10.0), metadata={"doc": "the worst and the best grade; the reward is 0 and 1 there"}
    )
    reference: bool = field(
        default=True, metadata={"doc": "whether the judge sees the reference of rows that have one"}
    )
    max_tokens: int = field(default=300, metadata={"doc": "tokens that a verdict may have"})
    temperature: float = field(default=0.0, metadata={"doc": "of the judge, 0 to 1"})
    attempts: int = field(default=5, metadata={"doc": "calls for one verdict, at most, before it is lost"})
    concurrency: int = field(default=8, metadata={"doc": "verdicts asked for at once, by one invocation"})
    call_seconds: float = field(default=30.0, metadata={"doc": "how long one call may take"})
    verdict_seconds: float = field(
        default=120.0, metadata={"doc": "how long one verdict may take, with all attempts and the pauses between them"}
    )
    most_characters: int = field(
        default=20_000, metadata={"doc": "of the task, of the reference and of the answer, each, that the judge sees"}
    )

    def problems(self) -> Iterable[OptionProblem]:
        """What types cannot say."""
        try:
            routes(self.model)
        except UnknownModel as problem:
            yield OptionProblem("model", str(problem))
        if not self.rubric.strip():
            yield OptionProblem("rubric", "is empty, expected what a good answer is")
        if len(self.scale) != 2 or self.scale[0] >= self.scale[1]:
            yield OptionProblem("scale", "expected two numbers, the worst and the best: [0, 10]")
        bounds = {
            "max_tokens": (20, 5_000), "temperature": (0, 1), "attempts": (1, 20), "concurrency": (1, 64),
            "call_seconds": (1, 900), "verdict_seconds": (1, 900), "most_characters": (100, 400_000),
        }  # fmt: skip
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                yield OptionProblem(name, f"is {getattr(self, name)}, expected {least} to {most}")


def reward(options: Options) -> Reward:
    """See the module."""
    grading = Grading(
        model=options.model,
        rubric=options.rubric,
        lowest=options.scale[0],
        highest=options.scale[1],
        max_tokens=options.max_tokens,
        temperature=float(options.temperature),
        most_characters=options.most_characters,
    )
    ask = converse(call_seconds=options.call_seconds, connections=options.concurrency)
    return Judge(options, Judging(grading=grading, attempts=options.attempts, seconds=options.verdict_seconds, ask=ask))


class Judge:
    """A reward that asks a model, for the rollouts of a batch at once."""

    def __init__(self, options: Options, judging: Judging) -> None:
        self._options = options
        self._judging = judging

    def __call__(self, rollout: Rollout) -> Score:
        """The verdict on one rollout. Raises VerdictLost, which is Unscorable."""
        (outcome,) = self.score_many([rollout], seconds=None)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def score_many(self, rollouts: Sequence[Rollout], *, seconds: float | None) -> list[Outcome]:
        """One outcome a rollout, in their order; what has no verdict after `seconds` is a VerdictLost."""
        options = self._options
        rounds = -(-len(rollouts) // options.concurrency)
        limit = rounds * options.verdict_seconds if seconds is None else seconds
        until = self._judging.pace.now() + limit
        return at_once(
            rollouts,
            lambda rollout: self._judging.score(self._case(rollout), until=until),
            threads=options.concurrency,
            seconds=limit,
            late=lambda: VerdictLost("no verdict when the time of the batch was over", Spent().measures(lost=True)),
        )

    def _case(self, rollout: Rollout) -> Case:
        reference = rollout.reference if self._options.reference else None
        return Case(task=task_of(rollout), answer=answer_of(rollout), reference=reference)


def task_of(rollout: Rollout) -> str:
    """What the model was asked: its one prompt, or the whole conversation before its last words, speaker by speaker."""
    before = [message for message in rollout.messages if isinstance(message, Mapping)]
    for last in range(len(before) - 1, -1, -1):
        if before[last].get("role") in _SPEAKERS:
            del before[last:]
            break
    if len(before) <= 1:
        return rollout.prompt
    return "\n\n".join(f"{message.get('role')}: {words_of(message)}" for message in before)


def answer_of(rollout: Rollout) -> str:
    """What the model said, and the calls that it made."""
    calls = [f"calls {call.name} with {_arguments(call.arguments)}" for call in rollout.tool_calls]
    return "\n".join([rollout.answer, *calls] if rollout.answer else calls)


def words_of(message: Mapping[str, object]) -> str:
    """The text of a turn."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = [part.get("text") for part in content if isinstance(part, Mapping)] if isinstance(content, list) else []
    return "\n".join(part for part in parts if isinstance(part, str))


def _arguments(arguments: Mapping[str, object] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
