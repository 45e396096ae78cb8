"""Classes of honest answers, scored; and the form of the reference that stands for a right answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from novaline.rewards.laboratory.bench import Bench, Scored
from novaline.rewards.laboratory.candidates import Form, Right, forms
from novaline.rewards.laboratory.model import Graded
from novaline.rewards.laboratory.samples import Answer
from novaline.rewards.laboratory.stress import made_of

_ROWS_FOR_FORMS: Final = 40
"""Rows that decide which form of the reference is taken: a form is right for all rows or for none."""


@dataclass(slots=True, kw_only=True)
class HonestBench(Bench):
    """A bench that remembers all honest rewards."""

    honest: list[Scored] = field(default_factory=list)

    def graded(self, name: str, about: str, made: Sequence[tuple[int, Answer]]) -> tuple[Graded, list[Scored]]:
        """The rewards of one class of honest answers."""
        scored = self.score(made)
        self.honest += scored
        return _graded(name, about, made, scored), scored


def right_form(bench: HonestBench) -> tuple[tuple[Graded, ...], Right | None]:
    """Every form of the reference with its rewards, and the one that stands for a right answer.

    That is the form that earns most of those in which wrong answers earn less; of equals the plainer. Where they earn
    more in some, it is the first such form, so that it is told; where the reference makes no difference, the dearest.
    """
    few = range(0, len(bench.rows), -(-len(bench.rows) // _ROWS_FOR_FORMS))
    tried: list[_TriedForm] = []
    for form in forms([row.reference for row in bench.rows]):
        either = Right(bench.rows, form)
        found, _ = bench.graded(form.name, "the reference", made_of(few, either.right))
        wrong = [each.reward for each in bench.score(made_of(few, either.wrong), counted=False)]
        lost = sum(reward for reward in wrong if reward is not None)
        if found.rewards:  # rows that a form cannot be made of count as nothing for it
            tried.append(
                _TriedForm(form=form, graded=found, right=sum(found.rewards) / len(few), wrong=lost / len(few))
            )
    if not tried:
        return (), None
    sound = [each for each in tried if each.right > each.wrong]
    inverted = [each for each in tried if each.right < each.wrong]
    best = max(sound, key=lambda each: each.right) if sound else max(inverted[:1] or tried, key=lambda each: each.right)
    return tuple(each.graded for each in tried), Right(bench.rows, best.form)


@dataclass(frozen=True, slots=True, kw_only=True)
class _TriedForm:
    """A form with what right and wrong answers earn in it, on average over the rows that were asked."""

    form: Form
    graded: Graded
    right: float
    wrong: float


def _graded(name: str, about: str, made: Sequence[tuple[int, Answer]], scored: Sequence[Scored]) -> Graded:
    return Graded(
        name=name,
        about=about,
        rewards=tuple(each.reward for each in scored if each.reward is not None),
        fallbacks=sum(each.fallback is True for each in scored),
        example=_shown(made[0][1]) if made else "",
    )


def _shown(answer: Answer) -> str:
    calls = ", ".join(str(call.get("name")) for call in answer.calls)
    return answer.text[:200] or (f"calls {calls}" if calls else "")
