"""LoRA: which recipes have adapters, by which names, within which bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from novaline.recipes.problems import listed, shown
from novaline.recipes.rules.model import Fault, Rule, Scope, Situation

_NO_ADAPTERS = "this stage trains every weight; adapters need `tuning: lora`"
_ADAPTER_KEYS = (
    "lora_alpha", "alpha", "learning_rate_ratio", "loraplus_lr_ratio", "lora_plus_lr_ratio", "adapter_dropout",
    "lora_tuning",
)  # fmt: skip
_OF_TEXT: Mapping[str, float] = {"loraplus_lr_ratio": 16, "lora_tuning.alpha": 128}
_OF_MEDIA: Mapping[str, float] = {"loraplus_lr_ratio": 8, "lora_tuning.alpha": 32}


def _scheme_is_lora(situation: Situation) -> Iterator[Fault]:
    path = situation.path("peft_scheme")
    if path is not None and situation.values.get(path) != "lora":
        found = shown(situation.values.get(path))
        yield Fault(key=situation.name(path), message=f"`{path}` must be the text 'lora' for LoRA, found {found}")


def _scheme_is_none(situation: Situation) -> Iterator[Fault]:
    """1.0 recipes have null, SFT of Nova 2 the text "null", some no such key: each is left as Amazon has it."""
    path = situation.path("peft_scheme")
    if path is not None and situation.values.get(path) not in (None, "null"):
        found = shown(situation.values.get(path))
        yield Fault(
            key=situation.name(path), message=f"`{path}` must be null where every weight is trained, found {found}"
        )


def _settings_of_media(situation: Situation) -> Iterator[Fault]:
    """Recommended values for rows with images and the like, where nobody chose others."""
    if not situation.media:
        return
    advised = [
        (path, value)
        for leaf, value in _OF_MEDIA.items()
        if (path := situation.path(leaf)) and path not in situation.written and situation.number(path) == _OF_TEXT[leaf]
    ]
    if advised:
        media = listed(f"{kind}s" for kind in sorted(situation.media))
        wanted = listed(f"`{situation.name(path)}: {value:g}`" for path, value in advised)
        yield Fault(
            key="train",
            where=("data", "train"),
            message=f"for rows with {media}, {wanted} are advised, not the values for text",
            hint="override them, or write the recipe's own to keep these",
        )


RULES = (
    Rule(
        id="lora_block",
        level="documented",
        severity="error",
        statement="LoRA says peft_scheme: lora, and has a lora_tuning section.",
        sources=("recipe text",),
        because="the two values contradict each other",
        scope=Scope(tuning="lora"),
        carried={"lock": ("peft_scheme",)},
        check=_scheme_is_lora,
    ),
    Rule(
        id="full_no_lora",
        level="documented",
        severity="error",
        statement="Training of every weight has no peft_scheme (null) and no lora_tuning section.",
        sources=("AWS training-jobs page", "recipe text", "AWS docs (other pages)"),
        because="there are no adapters to set",
        scope=Scope(tuning="full"),
        carried={"lock": ("peft_scheme",)},
        absent=dict.fromkeys(_ADAPTER_KEYS, _NO_ADAPTERS),
        check=_scheme_is_none,
    ),
    Rule(
        id="lora_alpha",
        level="documented",
        severity="by source",
        statement="alpha of SFT and DPO is 32, 64, 96, 128, 160 or 192.",
        sources=("AWS training-jobs page", "recipe text", "template file"),
        scope=Scope(tuning="lora", techniques=("sft", "dpo")),
        carried={"bounds": ("lora_tuning.alpha",)},
    ),
    Rule(
        id="lora_alpha_rft",
        level="documented",
        severity="by source",
        statement=(
            "alpha of reinforcement is 16, 32 or 64 in the hub template; HyperPod's text has 32, 64, 96, 128, 160, 192."
        ),
        sources=("template file", "recipe text"),
        scope=Scope(tuning="lora", techniques=("rft",)),
        carried={"bounds": ("lora_tuning.alpha",)},
    ),
    Rule(
        id="lora_ratio",
        level="documented",
        severity="by source",
        statement="The ratio of the adapters' learning rates is from 0 to 100; from 1 to 70 in most hub templates.",
        sources=("AWS training-jobs page", "recipe text", "template file"),
        scope=Scope(tuning="lora"),
        carried={"bounds": ("loraplus_lr_ratio", "lora_plus_lr_ratio")},
    ),
    Rule(
        id="lora_ratio_key",
        level="documented",
        severity="error",
        statement=(
            "The ratio's key is loraplus_lr_ratio in the first generation and in reinforcement on HyperPod,"
            " lora_plus_lr_ratio elsewhere."
        ),
        sources=("recipe text",),
        because="a key by the other name would be read by nobody",
        scope=Scope(tuning="lora"),
        absent={"loraplus_lr_ratio": "", "lora_plus_lr_ratio": ""},
    ),
    Rule(
        id="lora_multimodal_defaults",
        level="advice",
        severity="warning",
        statement="For rows with images and the like a ratio of 8 and alpha 32 are advised; for text 16 and 128.",
        sources=("recipe text",),
        scope=Scope(techniques=("sft",), generation="nova-1", tuning="lora", models=("nova-lite", "nova-pro")),
        check=_settings_of_media,
    ),
)
