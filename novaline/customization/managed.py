"""Jobs that AWS runs without instances of one's own: Bedrock's managed customization, and SageMaker's serverless one.

Amazon publishes no recipes for Bedrock. What its job takes is written here as the keys of a recipe, so that overrides
are checked alike. Sources: the API reference of CreateModelCustomizationJob (bounds of reinforcement fine-tuning); the
page "Amazon Nova understanding model customization hyperparameters" (bounds and defaults of fine-tuning, for the models
of generation 1); the table of customization options in the Nova user guide (which techniques and tuning).
"""

from __future__ import annotations

from collections.abc import Mapping

from novaline.recipes.model import Bounds, Instances, KeySpec, Model, Recipe, Technique, Tuning

BEDROCK_REGION = "us-east-1"
"""Where Bedrock customizes Nova models (page "Customize a model with fine-tuning in Amazon Bedrock", 2026)."""

SERVERLESS_REGIONS = ("us-east-1", "us-west-2")
"""Where the SageMaker SDK starts serverless jobs of Nova models (its NOVA_REGIONS, release 3.27)."""

SERVERLESS: Mapping[Technique, tuple[Tuning, ...]] = {
    "sft": ("lora", "full"),
    "dpo": ("lora", "full"),
    "rft": ("lora",),
}
"""What serverless jobs train of what training jobs do (CustomizationTechnique SFT, DPO, RLVR; nova-forge-sdk 1.4)."""

_API = "API reference of CreateModelCustomizationJob"
_FINE_TUNING = "Amazon Nova understanding model customization hyperparameters"
_TITLES: Mapping[Technique, str] = {
    "sft": "fine-tuning", "rft": "reinforcement fine-tuning", "distillation": "distillation",
}  # fmt: skip
_BEDROCK: Mapping[str, tuple[Technique, ...]] = {
    "nova-micro": ("sft", "distillation"),
    "nova-lite": ("sft", "distillation"),
    "nova-pro": ("sft", "distillation"),
    "nova-2-lite": ("sft", "rft"),
}
_STUDENTS: Mapping[str, tuple[str, ...]] = {
    "nova-premier": ("nova-micro", "nova-lite", "nova-pro"),
    "nova-pro": ("nova-micro", "nova-lite"),
}


def bedrock_techniques(model: str) -> tuple[Technique, ...]:
    """The techniques of Bedrock's managed jobs for a model; none for a model that it does not customize."""
    return _BEDROCK.get(model, ())


def bedrock_students(teacher: str) -> tuple[str, ...]:
    """The models that Bedrock distils a teacher into."""
    return _STUDENTS.get(teacher, ())


def bedrock_recipe(model: Model, technique: Technique) -> Recipe | None:
    """What Bedrock's job takes, as a recipe whose paths are the API's own names; None where Bedrock has no such job.

    A default of None is left to Bedrock. Nothing in it names machines or images.
    """
    if technique not in bedrock_techniques(model.name):
        return None
    return Recipe(
        id=f"bedrock-{technique}",
        version="1",
        title=f"Bedrock's {_TITLES[technique]} of {model.title}",
        reference="",
        technique=technique,
        variant="lora",
        tuning="lora",
        model=model,
        platforms=[],
        instances=Instances(types=[], default_count=0),
        images={},
        keys=_keys(model, technique),
    )


def _keys(model: Model, technique: Technique) -> dict[str, KeySpec]:
    if technique == "rft":
        return _REINFORCEMENT
    if technique == "distillation":
        return _DISTILLATION
    return _FINE_TUNING_1 if model.generation == "nova-1" else _FINE_TUNING_2


def _integer(
    about: str, bounds: Bounds | None = None, *, default: int | None = None, unit: str | None = None
) -> KeySpec:
    return KeySpec(type="integer", default=default, about=about, unit=unit, documented=bounds)


def _float(about: str, bounds: Bounds | None = None, *, default: float | None = None) -> KeySpec:
    return KeySpec(type="float", default=default, about=about, documented=bounds)


def _api(minimum: float, maximum: float) -> Bounds:
    return Bounds(minimum=minimum, maximum=maximum, page=_API)


def _page(minimum: float, maximum: float) -> Bounds:
    return Bounds(minimum=minimum, maximum=maximum, page=_FINE_TUNING)


_PASSES = "How often the training data is read"
_RATE = "How far a step changes the weights"
_BATCH = "Rows in a step"
_WARMUP = "Steps over which the learning rate rises"

_FINE_TUNING_1: dict[str, KeySpec] = {
    "epochCount": _integer(_PASSES, _page(1, 5), default=2, unit="epochs"),
    "batchSize": _integer(_BATCH, unit="rows"),
    "learningRate": _float(_RATE, _page(1e-6, 1e-4), default=1e-5),
    "learningRateWarmupSteps": _integer(_WARMUP, _page(0, 100), default=10, unit="steps"),
}
# The page of bounds does not name generation 2: its keys are the same by nova-forge-sdk, its bounds are not known.
_FINE_TUNING_2: dict[str, KeySpec] = {
    "epochCount": _integer(_PASSES, unit="epochs"),
    "batchSize": _integer(_BATCH, unit="rows"),
    "learningRate": _float(_RATE),
    "learningRateWarmupSteps": _integer(_WARMUP, unit="steps"),
}
_REINFORCEMENT: dict[str, KeySpec] = {
    "epochCount": _integer(_PASSES, _api(1, 50), unit="epochs"),
    "batchSize": _integer(_BATCH, _api(16, 512), unit="rows"),
    "learningRate": _float(_RATE, _api(1e-7, 1e-3)),
    "maxPromptLength": _integer("Longest prompt", unit="tokens"),
    "trainingSamplePerPrompt": _integer("Answers tried for each prompt", _api(2, 16), unit="answers"),
    "inferenceMaxTokens": _integer("Longest answer", unit="tokens"),
    "reasoningEffort": KeySpec(
        type="string",
        default=None,
        about="How long the model thinks before it answers",
        documented=Bounds(allowed=["low", "medium", "high"], page=_API),
    ),
    "evalInterval": _integer("Steps between evaluations", _api(1, 100), unit="steps"),
}
_DISTILLATION: dict[str, KeySpec] = {
    "maxResponseLengthForInference": _integer("Longest answer of the teacher", unit="tokens"),
}
