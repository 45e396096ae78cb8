"""The examination itself: answers of known worth are made, scored as training would, and looked at from all sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from novaline.findings import NovalineError
from novaline.rewards.laboratory.bench import Bench, Scored
from novaline.rewards.laboratory.candidates import WORSE, Right, same_answers
from novaline.rewards.laboratory.exploits import Exploit, exploits
from novaline.rewards.laboratory.grading import HonestBench, right_form
from novaline.rewards.laboratory.model import (
    Examination,
    Order,
    OwnAnswers,
    Pace,
    Tried,
    distribution_of,
)
from novaline.rewards.laboratory.rows import Rows
from novaline.rewards.laboratory.samples import Answer
from novaline.rewards.laboratory.stress import check_contract, made_of, measure_pace, score_again
from novaline.rewards.laboratory.subject import Subject
from novaline.rewards.sizing import LAMBDA_BATCH_SIZE

Report = Callable[[str], None]


def examine(
    subject: Subject,
    rows: Rows,
    *,
    own: Sequence[tuple[int, str]] = (),
    batch: int = LAMBDA_BATCH_SIZE,
    report: Report = lambda _: None,
) -> Examination:
    """Examines a reward on rows, of which there is at least one; `own` are a person's answers by the index of the row.

    Raises NovalineError when the reward scores no right answer at all, with the reason and the first row.
    """
    bench = HonestBench(subject=subject, rows=rows.taken, batch=batch)
    report("writing the reference in every form")
    made, right = right_form(bench)
    report("scoring right answers and worse ones")
    right_scores = _right_scores(bench, right)
    _refuse_if_nothing_is_scored(bench, right, own)
    orders, wrong_mean = _orders(bench, right, right_scores)
    own_answers = _own(bench, own)
    if not bench.honest:
        bench.graded("refusal", "", [(index, Answer("I cannot say.")) for index in range(len(rows.taken))])
    report("trying exploits")
    one_for_all = _one_for_all(bench, right)
    right_rewards = [each.reward for each in right_scores if each.reward is not None]
    right_mean = fmean(right_rewards) if right_rewards else None
    best = {each.row: each.reward for each in right_scores if each.reward is not None}
    measure = _Measure(best=best, right=right_mean, honest=_highest(wrong_mean, one_for_all))
    tried = _exploits(bench, right, measure)
    report("checking the contract")
    checks = check_contract(bench, right)
    report("scoring again, in another order, and alone")
    repeated = score_again(bench, right)
    report("measuring")
    pace = measure_pace(bench, right)
    distribution = distribution_of(bench.honest)
    if distribution is None:
        raise _nothing_came_back(bench)
    return Examination(
        name=subject.name,
        where=subject.where,
        file=rows.file,
        rows=len(rows.taken),
        rows_in_all=rows.in_all,
        samples=bench.samples,
        calls=bench.calls,
        calls_model=subject.calls_model,
        checks=checks,
        breaches=bench.breaches,
        reasons=tuple(bench.reasons),
        forms=made,
        right=None if right is None else right.form.name,
        right_mean=right_mean,
        right_fallbacks=sum(each.fallback is True for each in right_scores),
        wrong_mean=wrong_mean,
        one_for_all=one_for_all,
        orders=orders,
        exploits=tried,
        distribution=distribution,
        repeated=repeated,
        pace=pace,
        own=own_answers,
    )


def measure(subject: Subject, rows: Rows, *, batch: int, characters: int) -> Pace:
    """How fast a reward scores full batches of right and wrong answers with so much text before them.

    Raises NovalineError when it scores none of them.
    """
    bench = HonestBench(subject=subject, rows=rows.taken, batch=batch)
    _, right = right_form(bench)
    _refuse_if_nothing_is_scored(bench, right, ())
    return measure_pace(bench, right, characters=characters)


def _right_scores(bench: HonestBench, right: Right | None) -> list[Scored]:
    if right is None:
        return []
    return bench.graded("right", "the right answer", made_of(range(len(bench.rows)), right.right))[1]


def _refuse_if_nothing_is_scored(bench: HonestBench, right: Right | None, own: Sequence[tuple[int, str]]) -> None:
    """A reward that fails for every row would pay for a run that learns nothing."""
    if right is None:
        answers = [(index, Answer(text)) for index, text in own] or [
            (index, Answer("I cannot say.")) for index in range(len(bench.rows))
        ]
        scored = bench.score(answers)
    else:
        scored = bench.honest
    if any(each.reward is not None and each.fallback is not True for each in scored):
        return
    if all(each.reward is None for each in scored):
        raise _nothing_came_back(bench)
    reason, _, first = bench.reasons[0]
    message = f"the reward fails on every one of {len(scored):,} answers: {reason} (first in {first})"
    if right is None:
        message += "; no row has a reference_answer"
    hint = "give the rows what the reward reads, or mend the reward: nothing can be learned from it"
    raise NovalineError.of("always-fails", message, hint=hint)


def _nothing_came_back(bench: Bench) -> NovalineError:
    breach = bench.breaches[0]
    message = f"the reward answers no sample: {breach.message} (in {breach.where})"
    return NovalineError.of("no-answers", message, hint="the function's log says more")


def _orders(
    bench: HonestBench, right: Right | None, right_scores: Sequence[Scored]
) -> tuple[tuple[Order, ...], float | None]:
    """The right answer against each worse one, and the mean reward of wrong answers."""
    if right is None:
        return (), None
    best = {each.row: each.reward for each in right_scores if each.reward is not None}
    found, wrong_mean = [], None
    for name, about in WORSE:
        made = made_of(range(len(bench.rows)), getattr(right, name))
        graded, scored = bench.graded(name, about, made)
        if graded.mean is None:
            continue
        wrong_mean = graded.mean if name == "wrong" else wrong_mean
        pairs = [(best[each.row], each) for each in scored if each.reward is not None and each.row in best]
        if pairs:
            found.append(_order(bench, name, about, pairs, graded.mean))
    return tuple(found), wrong_mean


def _order(bench: Bench, name: str, about: str, pairs: Sequence[tuple[float, Scored]], mean: float) -> Order:
    lower = [each for reward, each in pairs if each.reward is not None and each.reward > reward]
    return Order(
        name=name,
        about=about,
        higher=sum(each.reward is not None and reward > each.reward for reward, each in pairs),
        same=sum(reward == each.reward for reward, each in pairs),
        lower=len(lower),
        mean=mean,
        lowest_row=bench.rows[lower[0].row].name if lower else None,
    )


def _own(bench: HonestBench, own: Sequence[tuple[int, str]]) -> OwnAnswers | None:
    if not own:
        return None
    _, scored = bench.graded("own", "your answers", [(index, Answer(text)) for index, text in own])
    groups: dict[int, list[float]] = {}
    for each in scored:
        if each.reward is not None:
            groups.setdefault(each.row, []).append(each.reward)
    several = [rewards for rewards in groups.values() if len(rewards) > 1]
    rewards = [reward for group in groups.values() for reward in group]
    return OwnAnswers(
        count=len(own),
        rows=len(groups),
        mean=fmean(rewards) if rewards else 0.0,
        groups=len(several),
        tied=sum(len(set(rewards)) == 1 for rewards in several),
    )


def _one_for_all(bench: HonestBench, right: Right | None) -> float | None:
    """What one and the same answer to every prompt earns at best: the commonest one, or never calling a tool."""
    means = []
    for same in [] if right is None else same_answers(right):
        graded, _ = bench.graded("one for all", "", [(index, same) for index in range(len(bench.rows))])
        means.append(graded.mean)
    return _highest(*means)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measure:
    """What exploits are held against: the right answers' rewards by row, their mean, and what is earned honestly."""

    best: Mapping[int, float]
    right: float | None
    honest: float | None

    def gain(self, mean: float) -> float | None:
        """How far the mean goes from what is earned honestly to the right answers' reward."""
        if self.right is None or self.honest is None or self.right <= self.honest:
            return None
        return (mean - self.honest) / (self.right - self.honest)


def _exploits(bench: Bench, right: Right | None, measure: _Measure) -> tuple[Tried, ...]:
    found = []
    for exploit in exploits(bench.rows, right):
        made = made_of(range(len(bench.rows)), exploit.answer)
        scored = [each for each in bench.score(made, counted=False) if each.reward is not None]
        if scored:
            found.append(_tried(exploit, made, scored, measure))
    return tuple(found)


def _tried(exploit: Exploit, made: Sequence[tuple[int, Answer]], scored: Sequence[Scored], measure: _Measure) -> Tried:
    rewards = [each.reward for each in scored if each.reward is not None]
    best = measure.best
    reached = [each.reward >= best[each.row] for each in scored if each.reward is not None and each.row in best]
    return Tried(
        name=exploit.name,
        about=exploit.about,
        group=exploit.group,
        mean=fmean(rewards),
        highest=max(rewards),
        gain=measure.gain(fmean(rewards)),
        reached=sum(reached) / len(reached) if reached else None,
        example=made[0][1].text[:200],
    )


def _highest(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)
