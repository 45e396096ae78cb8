"""The rows of the tasks llm_judge and rubric_llm_judge: a prompt, the reference's answer (A) and the candidate's (B).

Source: AWS's evaluation page for Nova. Equal answers are no flaw: a candidate may well be right.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.columns import blank_rows
from novaline.datasets.formats.conversation import Shape
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext, View

_NonEmpty = Annotated[str, Meta(min_length=1)]


class PlainJudgement(Shape):
    """A row whose texts are not empty."""

    prompt: _NonEmpty
    response_A: _NonEmpty  # noqa: N815  # AWS's field name
    response_B: _NonEmpty  # noqa: N815  # AWS's field name


class Judgement(Shape):
    """A row of a judge."""

    prompt: str
    response_A: str  # noqa: N815  # AWS's field name
    response_B: str  # noqa: N815  # AWS's field name


def flaws(row: Judgement, context: RuleContext) -> Iterator[Flaw]:
    """Every rule of a judge's row."""
    if not row.prompt.strip():
        yield Flaw("empty-text", "`prompt` has no text, or only white space")
    if not row.response_A.strip():
        message = "`response_A`, the reference's answer, has no text, or only white space"
        yield Flaw("empty-answer", message)
    if not row.response_B.strip():
        message = "`response_B`, the candidate's answer, has no text, or only white space"
        yield Flaw("empty-candidate", message, "warning", hint="true if the candidate said nothing; else fill it in")


def view(row: Judgement) -> View:
    """What a judge's row says: the reference is the answer."""
    return View(
        prompt=row.prompt,
        question=row.prompt,
        answer=row.response_A,
        system=None,
        features=frozenset(),
        media=(),
        texts=(row.prompt, row.response_A, row.response_B),
    )


def _columns(rows: list[PlainJudgement]) -> Columns:
    prompts = [row.prompt for row in rows]
    references = [row.response_A for row in rows]
    candidates = [row.response_B for row in rows]
    return Columns(
        prompts=prompts,
        answers=references,
        systems=None,
        doubtful=blank_rows(prompts, references, candidates),
        keys=3 * len(rows),
        read=(prompts, references, candidates),
    )


def _judge(name: str) -> FormatSpec[Judgement]:
    return FormatSpec(
        name=name,
        title=f"the form of {name} rows",
        example='{"prompt": "…", "response_A": "…", "response_B": "…"}',
        fast=(FastShape(PlainJudgement, _columns),),
        full=Judgement,
        flaws=flaws,
        view=view,
    )


LLM_JUDGE = _judge("llm_judge")
RUBRIC_LLM_JUDGE = _judge("rubric_llm_judge")
