"""How many rows a step learns from: `global_batch_size` by technique. The keys' bounds carry these rules."""

from __future__ import annotations

from collections.abc import Mapping

from novaline.recipes.rules.model import Carrier, Rule, Scope

_KEY: Mapping[Carrier, tuple[str, ...]] = {"bounds": ("training_config.global_batch_size",)}

RULES = (
    Rule(
        id="gbs_sft1",
        level="documented",
        severity="by source",
        statement="A batch of SFT of the first generation is 16, 32 or 64 rows; 16 or 32 for Pro.",
        sources=("AWS training-jobs page", "recipe text"),
        scope=Scope(techniques=("sft",), generation="nova-1"),
        carried=_KEY,
    ),
    Rule(
        id="gbs_dpo",
        level="documented",
        severity="by source",
        statement=(
            "A batch of DPO is 16, 32, 64, 128 or 256 rows on the p families, at most 128 for Pro; 16, 32 or"
            " 64 on g5 and g6. The hub template stops at 64 with LoRA and at 128 with every weight."
        ),
        sources=("AWS training-jobs page", "recipe text"),
        scope=Scope(techniques=("dpo",)),
        carried=_KEY,
    ),
    Rule(
        id="gbs_sft2",
        level="documented",
        severity="by source",
        statement="A batch of SFT of Nova 2 is 32, 64 or 128 rows; the hub template goes to 256.",
        sources=("recipe text", "template file"),
        scope=Scope(techniques=("sft",), generation="nova-2"),
        carried=_KEY,
    ),
    Rule(
        id="gbs_cpt",
        level="documented",
        severity="by source",
        statement="A batch of continued pre-training is 32, 64, 128 or 256 rows.",
        sources=("recipe text", "template file"),
        scope=Scope(techniques=("cpt",)),
        carried=_KEY,
    ),
    Rule(
        id="gbs_rft",
        level="documented",
        severity="by source",
        statement="A batch of reinforcement is from 16 to 256 rows, to 128 with LoRA on training jobs; a power of two.",
        sources=("template file", "recipe text"),
        scope=Scope(techniques=("rft",)),
        carried=_KEY,
    ),
    Rule(
        id="gbs_ppo",
        level="enforced",
        severity="error",
        statement="The actor of PPO learns from 256 rows a step for Micro, from 160 for Lite and Pro.",
        sources=("template file",),
        scope=Scope(techniques=("ppo",)),
        carried={"bounds": ("ppo_actor_train.model.global_batch_size",)},
    ),
)
