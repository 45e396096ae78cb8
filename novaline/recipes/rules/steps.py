"""How long training goes on: epochs, steps, warm-up, checkpoints, looks at the validation data."""

from __future__ import annotations

from collections.abc import Iterator

from novaline.recipes.problems import shown
from novaline.recipes.rules.model import Fault, Rule, Scope, Situation
from novaline.recipes.rules.rates import ordered

_USUAL_WARMUP = 0.15
_LONG_WARMUP = 0.3
"""Twice the usual share. A short warm-up is none of this rule's business: the pages bound it at 20 steps."""


def _save_le_max(situation: Situation) -> Iterator[Fault]:
    saves, steps = situation.path("save_steps"), situation.path("max_steps")
    if saves and steps:
        yield from ordered(saves, steps, equal=True)(situation)


def _warmup_share(situation: Situation) -> Iterator[Fault]:
    warmup, steps = "training_config.lr_scheduler.warmup_steps", "training_config.max_steps"
    rising, whole = situation.number(warmup), situation.number(steps)
    blamed = situation.first_written(warmup, steps)
    if blamed is None or rising is None or not whole or rising <= _LONG_WARMUP * whole:
        return
    usual = max(1, round(_USUAL_WARMUP * whole))
    name, other = situation.name(warmup), situation.name(steps)
    share = f"{round(100 * rising / whole)} % of" if rising < whole else "no shorter than"
    yield Fault(
        key=blamed,
        message=f"`{name}` ({shown(rising)}) is {share} `{other}` ({shown(whole)}); about 15 % is advised",
        hint=f"`{name}: {usual}` would be usual for {shown(whole)} steps",
    )


def _validation_keys(situation: Situation) -> Iterator[Fault]:
    if situation.validation_data:
        if situation.platform == "sagemaker":
            yield Fault(
                key="validation",
                where=("data", "validation"),
                message=(
                    "training jobs may take no validation data for SFT of Nova 2: AWS's documentation says that they do"
                    " not, yet the recipe has a place for it and the Nova Forge SDK sends it"
                ),
                hint="leave `data.validation` out to be sure",
                sourced=True,
            )
        return
    for leaf in ("val_check_interval", "limit_val_batches"):
        for path in situation.paths(leaf):
            if path in situation.written and path not in situation.refused:
                name = situation.written[path]
                yield Fault(key=name, message=f"`{name}` has no effect without validation data", on_key=True)


RULES = (
    Rule(
        id="epochs_sft",
        level="documented",
        severity="by source",
        statement=(
            "SFT of the first generation trains for at least 1 epoch; at most 5 are advised, the hub template has 100."
        ),
        sources=("AWS training-jobs page", "template file", "AWS docs (other pages)"),
        scope=Scope(techniques=("sft",), generation="nova-1"),
        carried={"bounds": ("trainer.max_epochs",)},
    ),
    Rule(
        id="epochs_dpo",
        level="documented",
        severity="by source",
        statement="DPO trains for 1 to 5 epochs; the hub template has 100.",
        sources=("AWS training-jobs page", "template file"),
        scope=Scope(techniques=("dpo",)),
        carried={"bounds": ("trainer.max_epochs",)},
    ),
    Rule(
        id="epochs_xor_steps",
        level="advice",
        severity="error",
        statement="Training of the first generation is counted in epochs or in steps, not in both.",
        sources=("AWS docs (other pages)",),
        because="the recipes count epochs and have no key for steps",
        scope=Scope(techniques=("sft", "cpt"), generation="nova-1"),
        absent={"max_steps": "this recipe counts epochs: say `max_epochs`"},
    ),
    Rule(
        id="warmup",
        level="documented",
        severity="by source",
        statement="The learning rate rises for 1 to 20 steps; the hub template has 0 to 100.",
        sources=("AWS training-jobs page", "AWS docs (other pages)", "template file"),
        scope=Scope(techniques=("sft", "dpo", "cpt")),
        carried={"bounds": ("warmup_steps",)},
    ),
    Rule(
        id="warmup_share",
        level="advice",
        severity="warning",
        statement="The learning rate rises for about 15 % of the steps.",
        sources=("recipe text",),
        scope=Scope(techniques=("sft",), generation="nova-2"),
        check=_warmup_share,
    ),
    Rule(
        id="save_le_max",
        level="enforced",
        severity="error",
        statement="A checkpoint is saved before training ends: save_steps <= max_steps.",
        sources=("sagemaker-train 1.27 RecipeResolver", "Nova Forge SDK validator", "recipe text"),
        scope=Scope(techniques=("sft", "rft"), generation="nova-2"),
        check=_save_le_max,
    ),
    Rule(
        id="max_steps_min",
        level="enforced",
        severity="error",
        statement="Nova 2 trains for at least 4 steps of SFT, 5 of reinforcement, 10 of continued pre-training.",
        sources=("template file",),
        scope=Scope(techniques=("sft", "rft", "cpt"), generation="nova-2"),
        carried={"bounds": ("max_steps", "save_steps")},
    ),
    Rule(
        id="validation_keys",
        level="documented",
        severity="warning",
        statement="val_check_interval and limit_val_batches count only with validation data; 0 batches turn it off.",
        sources=("recipe text",),
        scope=Scope(techniques=("sft",), generation="nova-2"),
        code="override-without-effect",
        check=_validation_keys,
    ),
)
