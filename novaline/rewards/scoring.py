"""A batch of samples in, their scores out: each sample on its own, so that none costs another its score."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from novaline.rewards.contract import (
    BatchReward,
    Reward,
    Rollout,
    SampleAnswer,
    Score,
    Unscorable,
    answer_of,
    batch_of,
    fallback_answer,
    id_of,
    rollout_of,
)
from novaline.rewards.deadline import Deadline, OutOfTime, TookTooLong, interrupting

Log = Callable[[Mapping[str, object]], None]
"""Takes one structured line of log."""
_LONGEST_EXCERPT: Final = 2_000
"""Characters of a prompt or an answer in one line of log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A reward as it is declared: under which name, and what a sample gets that it cannot score."""

    name: str
    reward: Reward
    fallback: float = 0.0
    log_prompts: bool = False


@dataclass(frozen=True, slots=True)
class _Loss:
    """Why one sample has no score. `told` is what may hold words of the prompt."""

    reason: str
    where: str = ""
    told: str = ""
    measures: Mapping[str, float] = field(default_factory=dict)


_LATE: Final = _Loss("the time of the invocation was over")
_ENDLESS: Final = _Loss("it took a quarter of the batch's time, and others waited")


def score_batch(event: object, scorer: Scorer, *, log: Log, deadline: Deadline | None = None) -> list[SampleAnswer]:
    """The answers to a batch: same ids, same order, same count, finite numbers.

    A sample that cannot be scored, or not before the deadline, or that takes a quarter of the time while others wait,
    gets the scorer's fallback, the measure `unscorable`
    and a line in the log; the others keep theirs. The line tells the id and the reason; what may hold words of the
    prompt (the answer, and the message of an error other than Unscorable) only when the scorer says `log_prompts`.
    Raises NotABatch for an event that is no array, and nothing else but KeyboardInterrupt.
    """
    samples = batch_of(event)
    together = getattr(scorer.reward, "score_many", None) is not None
    scored = (_together if together else _in_turn)(samples, scorer.reward, deadline)
    answers: list[SampleAnswer] = []
    for position, sample in enumerate(samples):
        found = scored[position] if position < len(scored) else _LATE
        if isinstance(found, _Loss):
            sample_id = id_of(sample, position)
            log(_line(found, sample, sample_id, scorer))
            found = fallback_answer(sample_id, scorer.fallback, found.measures)
        answers.append(found)
    return answers


def _in_turn(samples: Sequence[object], reward: Reward, deadline: Deadline | None) -> Sequence[SampleAnswer | _Loss]:
    """The samples one after the other; those that the deadline leaves out are missing at the end."""
    scored: list[SampleAnswer | _Loss] = []
    last = len(samples) - 1

    def under_way() -> int | None:
        return len(scored) if len(scored) < last else None

    try:
        with interrupting(deadline, under_way):
            for position, sample in enumerate(samples):
                if deadline is not None and deadline.passed():
                    break
                try:
                    scored.append(_attempt(sample, position, reward))
                except TookTooLong:
                    if len(scored) == position:
                        scored.append(_ENDLESS)
    except OutOfTime:
        pass  # whatever was under way when it rang is not in the list
    return scored


def _together(samples: Sequence[object], reward: Reward, deadline: Deadline | None) -> Sequence[SampleAnswer | _Loss]:
    """All samples at once, as far as they can be read, by a reward that scores batches."""
    scored: list[SampleAnswer | _Loss] = [_LATE] * len(samples)
    rollouts: dict[int, Rollout] = {}
    for position, sample in enumerate(samples):
        try:
            rollouts[position] = rollout_of(sample)
        except Unscorable as problem:
            scored[position] = _Loss(str(problem))
    outcomes: Sequence[object] = ()
    try:
        with interrupting(deadline):
            # Less than is left: whoever waits for threads comes back a little late.
            seconds = None if deadline is None else max(0.0, deadline.left() * 0.95 - 0.25)
            outcomes = cast("BatchReward", reward).score_many(list(rollouts.values()), seconds=seconds)
    except OutOfTime:
        return scored
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        outcomes = [problem] * len(rollouts)
    if not isinstance(outcomes, list | tuple) or len(outcomes) != len(rollouts):
        outcomes = [Unscorable("score_many gave no list of one outcome a rollout")] * len(rollouts)
    for position, outcome in zip(rollouts, outcomes, strict=True):
        scored[position] = _attempt(samples[position], position, lambda _: _unwrapped(outcome))  # noqa: B023  # called at once
    return scored


def _unwrapped(outcome: object) -> Score:
    if isinstance(outcome, BaseException):
        raise outcome
    return cast("Score", outcome)


def _attempt(sample: object, position: int, reward: Reward) -> SampleAnswer | _Loss:
    """The answer for one sample, or why there is none; whatever the reward does, short of ending the process."""
    try:
        return answer_of(id_of(sample, position), reward(rollout_of(sample)))
    except (OutOfTime, KeyboardInterrupt):
        raise
    except Unscorable as problem:
        return _Loss(str(problem), measures=problem.measures)
    except BaseException as problem:  # SystemExit, too: whatever one sample does, the batch of a paid job goes on
        return _loss(problem)


def _loss(problem: BaseException) -> _Loss:
    """What may be told of an error of somebody's function: its kind and its line, its message only on demand."""
    frame = problem.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = "" if frame is None else f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}"
    try:
        told = str(problem)
    except Exception:  # an error that cannot even say what it is
        told = ""
    return _Loss(type(problem).__name__, where, told)


def _line(loss: _Loss, sample: object, sample_id: object, scorer: Scorer) -> Mapping[str, object]:
    named = sample_id if isinstance(sample_id, str | int) else repr(sample_id)
    line: dict[str, object] = {
        "level": "WARN",
        "message": "unscorable",
        "reward": scorer.name,
        "id": named[:_LONGEST_EXCERPT] if isinstance(named, str) else named,
        "reason": loss.reason,
    }
    if loss.where:
        line["where"] = loss.where
    if scorer.log_prompts:
        line |= dict(_words(loss, sample))
    return line


def _words(loss: _Loss, sample: object) -> Iterator[tuple[str, object]]:
    if loss.told:
        yield "told", loss.told[:_LONGEST_EXCERPT]
    try:
        rollout = rollout_of(sample)
    except Unscorable:
        return
    yield "prompt", rollout.prompt[:_LONGEST_EXCERPT]
    yield "answer", rollout.answer[:_LONGEST_EXCERPT]
