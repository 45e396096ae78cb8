"""CPT rows: a text, and nothing else.

Source: AWS's pages on continued pre-training for Nova.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.columns import blank_rows
from novaline.datasets.formats.conversation import Shape
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext, View


class PlainCorpusText(Shape):
    """A text that is not the empty one."""

    text: Annotated[str, Meta(min_length=1)]


class CorpusText(Shape):
    """A CPT row."""

    text: str


def flaws(row: CorpusText, context: RuleContext) -> Iterator[Flaw]:
    """Every rule of a CPT row."""
    if not row.text.strip():
        yield Flaw("empty-text", "`text` has no text, or only white space")


def view(row: CorpusText) -> View:
    """What a CPT row says: its text is the prompt, for there is no answer."""
    return View(
        prompt=row.text,
        question=row.text,
        answer=None,
        system=None,
        features=frozenset(),
        media=(),
        texts=(row.text,),
    )


def _columns(rows: list[PlainCorpusText]) -> Columns:
    texts = [row.text for row in rows]
    return Columns(prompts=texts, answers=None, systems=None, doubtful=blank_rows(texts), keys=len(texts))


CPT = FormatSpec(
    name="cpt",
    title="the form of CPT rows",
    example='{"text": "…"}',
    fast=(FastShape(PlainCorpusText, _columns),),
    full=CorpusText,
    flaws=flaws,
    view=view,
)
