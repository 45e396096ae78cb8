"""What the reference of a row says: texts out of what people write there."""

from __future__ import annotations

import json
from typing import Final

from novaline.rewards.contract import Rollout, Unscorable

USUAL_FIELDS: Final = ("label", "answer", "class", "category", "intent", "response", "text")
FIELD_DOC: Final = (
    "the field of the reference that holds the right answer, when the reference is an object with several; without"
    f" it, the first of {', '.join(USUAL_FIELDS)}, or the only one"
)


def texts_of(rollout: Rollout, field: str = "") -> list[str]:
    """The right answers in the reference: one, or several of which each is right. Raises Unscorable."""
    reference = part_of(rollout, field)
    found = [_text(one) for one in reference] if isinstance(reference, list) else [_text(reference)]
    if not found:
        raise Unscorable("the reference is an empty list")
    return found


def part_of(rollout: Rollout, field: str = "") -> object:
    """The reference, or what its field holds, as it came. Raises Unscorable when the row has none."""
    reference = rollout.reference
    if reference is None:
        raise Unscorable("the sample has no reference_answer")
    if field:
        if not isinstance(reference, dict) or reference.get(field) is None:
            raise Unscorable(f"the reference has no field {field}")
        return reference[field]
    return reference


def _text(reference: object) -> str:
    """The text in a reference: text, a number, or an object that holds one under a usual name."""
    while isinstance(reference, dict):
        name = next((name for name in USUAL_FIELDS if name in reference), None)
        if name is None and len(reference) != 1:
            raise Unscorable(f"the reference is an object without {', '.join(USUAL_FIELDS)}: set reference_field")
        reference = reference[name] if name is not None else next(iter(reference.values()))
    if isinstance(reference, str):
        return reference
    if isinstance(reference, bool | int | float):
        return json.dumps(reference)
    raise Unscorable(f"the reference holds {type(reference).__name__} where text is expected")
