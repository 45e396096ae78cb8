"""The rows of the task gen_qa: what is asked, and what should be answered.

Source: AWS's evaluation page for Nova, and the checks of nova-forge-sdk 1.4. An evaluation's texts may hold any word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.columns import blank_rows
from novaline.datasets.formats.conversation import Shape
from novaline.datasets.formats.images import image_flaws
from novaline.datasets.formats.media import MOST_IMAGES
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, Medium, RuleContext, View

_NonEmpty = Annotated[str, Meta(min_length=1)]


class PlainQuestionAnswer(Shape):
    """A row without pictures."""

    query: _NonEmpty
    response: _NonEmpty
    system: str | UnsetType = UNSET


class ImageData(Shape):
    """A picture inside the row."""

    data: str


class QuestionAnswer(Shape):
    """A gen_qa row."""

    query: str
    response: str
    system: str | UnsetType = UNSET
    images: list[ImageData] | UnsetType = UNSET
    metadata: str | UnsetType = UNSET


def flaws(row: QuestionAnswer, context: RuleContext) -> Iterator[Flaw]:
    """Every rule of a gen_qa row."""
    if not row.query.strip():
        yield Flaw("empty-text", "`query` has no text, or only white space")
    if not row.response.strip():
        yield Flaw("empty-answer", "`response` has no text, or only white space")
    if not row.images:
        return
    model = context.model
    if model is not None and "image" not in model.media:
        yield Flaw("media-not-supported", f"{model.title} takes no images", detail="found at images")
    if len(row.images) > MOST_IMAGES:
        message = f"a row has more than {MOST_IMAGES} images, AWS's limit for messages of training rows"
        yield Flaw("too-many-images", message, "warning", detail=f"found {len(row.images)}")
    for index, image in enumerate(row.images):
        yield from image_flaws(image.data, f"images[{index}].data")


def view(row: QuestionAnswer) -> View:
    """What a gen_qa row says. A picture is told apart by its digest."""
    images = [] if row.images is UNSET else row.images
    digests = [hashlib.sha256(image.data.encode("utf-8", "surrogatepass")).hexdigest() for image in images]
    asked = "\n".join([row.query, *digests])
    features = {"system": row.system, "image": images, "metadata": row.metadata}
    return View(
        prompt=asked,
        question=asked,
        answer=row.response,
        system=None if not row.system else row.system,
        features=frozenset(name for name, value in features.items() if value),
        media=(Medium(kind="image", uri=""),) * len(images),
        texts=(*((row.system,) if row.system else ()), row.query, row.response),
    )


def _columns(rows: list[PlainQuestionAnswer]) -> Columns:
    prompts = [row.query for row in rows]
    answers = [row.response for row in rows]
    systems = [row.system or "" for row in rows]
    keys = 2 * len(rows) + [row.system is not UNSET for row in rows].count(True)
    return Columns(
        prompts=prompts,
        answers=answers,
        systems=systems if any(systems) else None,
        doubtful=blank_rows(prompts, answers),
        keys=keys,
    )


GEN_QA = FormatSpec(
    name="gen_qa",
    title="the form of gen_qa rows",
    example='{"query": "…", "response": "…", "system": "…"}',
    fast=(FastShape(PlainQuestionAnswer, _columns),),
    full=QuestionAnswer,
    flaws=flaws,
    view=view,
)
