"""Distillation: a teacher answers prompts, on one machine without accelerators."""

from __future__ import annotations

from collections.abc import Iterator

from novaline.recipes.rules.model import Fault, Rule, Scope, Situation

_REGION_OF_PREMIER = "us-east-1"
_TEXTS = (
    "distillation_data", "maxNumberOfPrompts", "maxResponseLength", "minNumberOfPrompts", "maxInputFileSizeInGB",
    "maxLineLengthInKB", "maxStudentModelFineTuningContextLengthInTokens", "temperature", "top_p",
)  # fmt: skip


def _needs(situation: Situation) -> Iterator[Fault]:
    model = situation.recipe.model
    if model.name == "nova-premier" and situation.region not in (None, _REGION_OF_PREMIER):
        yield Fault(
            key="teacher",
            severity="error",
            where=("teacher",),
            message=f"{model.title} teaches only in {_REGION_OF_PREMIER}, and this runs in {situation.region}",
            sources=("AWS docs (other pages)",),
            hint="take nova-pro as the teacher, or an environment there",
        )
    # Where nobody writes them, they are the environment's own.
    for path in ("training_config.kms_key", "training_config.customer_bucket"):
        if path in situation.written and path not in situation.refused and not situation.values.get(path):
            name = situation.written[path]
            message = f"distillation needs `{name}`, and it is empty"
            yield Fault(
                key=name,
                message=message,
                hint="leave it out: the environment's own is taken then",
                severity="error",
                sources=("template file",),  # it marks both as required
            )
    if situation.instance_count != 1:
        message = f"distillation should run on 1 instance, found {situation.instance_count}"
        yield Fault(key="count", where=("instances", "count"), message=message, sources=("AWS docs (other pages)",))


RULES = (
    Rule(
        id="distill",
        level="documented",
        severity="by source",
        statement=(
            "Every value of distillation is a text; kms_key and customer_bucket are given; one instance;"
            " Premier teaches in us-east-1 only; answers have 5000 to 5120 tokens, the student's rows 32000 or"
            " 64000."
        ),
        sources=("recipe text", "template file", "AWS docs (other pages)", "PySDK"),
        scope=Scope(techniques=("distillation",)),
        carried={
            "bounds": ("maxResponseLength", "maxStudentModelFineTuningContextLengthInTokens"),
            "type": _TEXTS,
        },
        check=_needs,
    ),
)
