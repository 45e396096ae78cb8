"""The harder questions: is the contract kept under stress, is the same answer always paid the same, and how fast?"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final

from novaline.rewards.laboratory.bench import Bench
from novaline.rewards.laboratory.candidates import Maker, Right
from novaline.rewards.laboratory.exploits import FILLER, exploits
from novaline.rewards.laboratory.model import Pace, Repeated
from novaline.rewards.laboratory.samples import SHAPES, Answer, event_bytes, sample_of

_REPEATED: Final = 48
_ALONE: Final = 8
_TIMES: Final = 3
_SEED: Final = 20
_BATCH_OF_A_MODEL: Final = 16
"""Samples of the batch that is measured where each one costs money."""


def check_contract(bench: Bench, right: Right | None) -> int:
    """Both shapes of the event give the same rewards, and broken samples cost no other sample its own."""
    made = _some(bench, right, _REPEATED)
    first, second = (bench.score(made, shape=shape) for shape in SHAPES)
    for one, other in zip(first, second, strict=True):
        if one.reward != other.reward and not bench.subject.calls_model:
            message = f"the same answer gets {one.reward} in the one shape and {other.reward} in the other"
            bench.breach("shape-matters", message, f"both shapes of the event, {bench.rows[one.row].name}")
            break
    event, whole = _poisoned(bench, made[:4])
    answers = bench.answers(event, where="a batch with broken samples in it")
    rewards = [answer.get("aggregate_reward_score") if isinstance(answer, dict) else None for answer in answers]
    kept = [rewards[position] for position in whole]
    if kept != [each.reward for each in first[: len(kept)]] and not bench.subject.calls_model:
        message = "broken samples in a batch change the rewards of the others, or lose them"
        bench.breach("poison-spreads", message, "a batch with broken samples in it")
    bench.answers([], where="an empty batch")
    return bench.calls


def _poisoned(bench: Bench, made: Sequence[tuple[int, Answer]]) -> tuple[list[object], list[int]]:
    """Whole samples among broken ones, and the places of the whole ones."""
    poison: tuple[object, ...] = (
        {"id": "no-messages"},
        {"id": "messages-as-text", "messages": "user: hello"},
        {"id": "no-answer", "messages": [{"role": "user", "content": "hello"}]},
        {"id": "number", "messages": [{"role": "assistant", "content": 5}], "reference_answer": {"a": [None]}},
        {"id": "nothing", "messages": [None, {"role": "assistant", "content": None}]},
        {"id": 7, "messages": [{"role": "assistant", "content": [{"image": {}}]}], "reference_answer": []},
    )
    event: list[object] = []
    whole = []
    for number, (row, answer) in enumerate(made):
        whole.append(len(event))
        event += [sample_of(bench.rows[row], answer, f"whole-{number}"), *poison[number::4]]
    return event, whole


def score_again(bench: Bench, right: Right | None) -> tuple[Repeated, ...]:
    made = _some(bench, right, _REPEATED)
    samples = [sample_of(bench.rows[row], answer, f"again-{number}") for number, (row, answer) in enumerate(made)]
    first = _rewards(bench, samples)
    shuffled = list(range(len(samples)))
    random.Random(_SEED).shuffle(shuffled)  # noqa: S311  # an order, no secret
    in_disorder = dict(zip(shuffled, _rewards(bench, [samples[index] for index in shuffled]), strict=True))
    alone = {index: _rewards(bench, [samples[index]])[0] for index in range(min(_ALONE, len(samples)))}
    again = dict(enumerate(_rewards(bench, samples)))
    return tuple(
        _differences(bench, how, made, first, other)
        for how, other in (("again", again), ("in another order", in_disorder), ("alone", alone))
    )


def _rewards(bench: Bench, event: Sequence[object]) -> list[object]:
    answers = bench.answers(event, where=f"a batch of {len(event)}, scored again")
    return [answer.get("aggregate_reward_score") if isinstance(answer, dict) else None for answer in answers]


def _differences(
    bench: Bench, how: str, made: Sequence[tuple[int, Answer]], first: Sequence[object], other: dict[int, object]
) -> Repeated:
    differing = [index for index, reward in other.items() if reward != first[index]]
    gaps = [
        abs(one - two)
        for one, two in ((first[index], other[index]) for index in differing)
        if isinstance(one, int | float) and isinstance(two, int | float)
    ]
    return Repeated(
        how=how,
        samples=len(other),
        differing=len(differing),
        largest=max(gaps, default=0.0),
        row=bench.rows[made[differing[0]][0]].name if differing else None,
    )


def measure_pace(bench: Bench, right: Right | None, *, characters: int = 0) -> Pace:
    """A full batch of ordinary answers, a few samples alone, and the exploits that are slow to score.

    With `characters`, as much text stands before each answer: models think aloud.
    """
    count = min(bench.batch, _BATCH_OF_A_MODEL) if bench.subject.calls_model else bench.batch
    made = _some(bench, right, count, fill=True)
    if characters:
        thoughts = (FILLER * (characters // len(FILLER) + 1))[:characters]
        made = [(row, Answer(f"{thoughts}\n{answer.text}", answer.calls)) for row, answer in made]
    event = [sample_of(bench.rows[row], answer, f"pace-{number}") for number, (row, answer) in enumerate(made)]
    times = 1 if bench.subject.calls_model else _TIMES
    replies = [bench.subject.score(event) for _ in range(times)]
    alone = [bench.subject.score([sample]).seconds for sample in event[:_ALONE]]
    slow = [
        (bench.subject.score([sample_of(bench.rows[0], answer, "slow")]).seconds, exploit.name)
        for exploit in exploits(bench.rows, right)
        if (answer := exploit.answer(0)) is not None and len(answer.text) > 1000
    ]
    slowest, name = max(slow)
    bench.samples += times * len(event) + len(alone) + len(slow)
    bench.calls += times + len(alone) + len(slow)
    answers = replies[-1].answers
    batch_seconds = median(reply.seconds for reply in replies)
    return Pace(
        batch=len(event),
        batch_seconds=batch_seconds,
        sample_seconds=batch_seconds / len(event),
        alone_seconds=median(alone),
        slowest_seconds=slowest,
        slowest=name,
        event_bytes=event_bytes(event),
        answer_bytes=event_bytes(answers) if isinstance(answers, list) else 0,
    )


def _some(bench: Bench, right: Right | None, most: int, *, fill: bool = False) -> list[tuple[int, Answer]]:
    """Right answers, wrong ones and refusals in turn; with `fill` exactly so many."""
    count = most if fill else min(most, 3 * len(bench.rows))
    makers: list[Maker] = [lambda _: Answer("I cannot say.")]
    if right is not None:
        makers = [right.right, right.wrong, right.refusal]
    made = []
    for number in range(count):
        row = number // len(makers) % len(bench.rows)
        made.append((row, makers[number % len(makers)](row) or Answer("")))
    return made


def made_of(indexes: Iterable[int], maker: Maker) -> list[tuple[int, Answer]]:
    """The answers that can be made to these rows."""
    return [(index, answer) for index in indexes if (answer := maker(index)) is not None]
