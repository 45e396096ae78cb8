"""How long a row may be: `max_length` by technique and machine. The keys' bounds carry these rules."""

from __future__ import annotations

from collections.abc import Mapping

from novaline.recipes.rules.model import Carrier, Rule, Scope

_KEY: Mapping[Carrier, tuple[str, ...]] = {"bounds": ("training_config.max_length",)}

RULES = (
    Rule(
        id="max_length_multiple",
        level="documented",
        severity="error",
        statement="max_length of the first generation is a multiple of 1024, and at least 1024.",
        sources=("AWS training-jobs page", "recipe text"),
        because="no length between two multiples is offered by any source",
        scope=Scope(techniques=("sft", "dpo"), generation="nova-1"),
        carried={"multiple": ("training_config.max_length",)},
    ),
    Rule(
        id="max_length_sft_p",
        level="documented",
        severity="by source",
        statement="On p4d, p5 and p5en, rows of SFT have at most 65,536 tokens; 32,768 with LoRA of Lite.",
        sources=("AWS training-jobs page",),
        scope=Scope(techniques=("sft",), generation="nova-1", families=("p5", "p5en", "p4d")),
        carried=_KEY,
    ),
    Rule(
        id="max_length_sft_g",
        level="documented",
        severity="by source",
        statement="On g5 and g6, rows of SFT have at most 8,192 tokens with LoRA, 4,096 with every weight of Micro.",
        sources=("recipe text",),
        scope=Scope(techniques=("sft",), generation="nova-1", families=("g5", "g6")),
        carried=_KEY,
    ),
    Rule(
        id="max_length_dpo",
        level="documented",
        severity="by source",
        statement="Rows of DPO have at most 32,768 tokens on p5 and p5en, 16,384 on p4d, 4,096 on g5 and g6.",
        sources=("AWS training-jobs page", "recipe text"),
        scope=Scope(techniques=("dpo",)),
        carried=_KEY,
    ),
    Rule(
        id="max_length_sft2",
        level="documented",
        severity="by source",
        statement="max_length of SFT of Nova 2 is 8192, 16384, 32768 or 65536.",
        sources=("recipe text",),
        scope=Scope(techniques=("sft",), generation="nova-2"),
        carried=_KEY,
    ),
    Rule(
        id="max_length_cpt",
        level="documented",
        severity="by source",
        statement="Pieces of text of continued pre-training have at most 8,192 tokens.",
        sources=("AWS docs (other pages)",),
        scope=Scope(techniques=("cpt",)),
        carried=_KEY,
    ),
    Rule(
        id="max_length_rft",
        level="enforced",
        severity="error",
        statement="Prompt and answer of reinforcement have from 4,096 to 32,768 tokens together.",
        sources=("template file", "AWS docs (other pages)"),
        scope=Scope(techniques=("rft",)),
        carried=_KEY,
    ),
)
