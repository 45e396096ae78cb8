"""The proof itself: statements are taken away, an exercise is done, and the refusal is looked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from novaline.rehearsal.proof.exercises import Exercise
from novaline.rehearsal.proof.reasons import reason
from novaline.rehearsal.proof.statements import Statement, taken_away

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Result = Literal["needed", "unneeded here", "not shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What taking a statement away showed; `evidence` is the refusal, or the reason why AWS needs it."""

    statement: Statement
    result: Result
    evidence: str


Report = Callable[[Shown], None]


def prove_needed(
    iam: IAMClient, groups: Sequence[Sequence[Statement]], exercise: Exercise, *, report: Report
) -> tuple[Shown, ...]:
    """Take each group away by itself and do the exercise: the want of each of its statements must show.

    A group of more than one is for statements that do the same for different resources: the refusal names those.
    """
    shown = []
    for group in groups:
        with taken_away(iam, group):
            said = exercise()
        for statement in group:
            refusal = statement.refusal_in(said)
            found = Shown(
                statement=statement,
                result="needed" if refusal else "not shown",
                evidence=refusal or said or "everything worked without it",
            )
            shown.append(found)
            report(found)
    return tuple(shown)


def prove_unneeded(
    iam: IAMClient, statements: Sequence[Statement], exercise: Exercise, *, report: Report
) -> tuple[Shown, ...]:
    """Take all of the statements away together: the exercise must work, and each has its reason."""
    with taken_away(iam, statements):
        said = exercise()
    shown = []
    for statement in statements:
        why = reason(role=statement.role, sid=statement.sid) or ""
        found = Shown(
            statement=statement,
            result="not shown" if said else "unneeded here",
            evidence=f"without it and all others that no rehearsal needs: {said}" if said else why,
        )
        shown.append(found)
        report(found)
    return tuple(shown)
