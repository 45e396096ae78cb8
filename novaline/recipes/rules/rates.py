"""Learning rates, and what else is a rate or a share."""

from __future__ import annotations

from collections.abc import Iterator

from novaline.recipes.problems import shown
from novaline.recipes.rules.model import Check, Fault, Rule, Scope, Situation

_DROPOUTS = ("hidden_dropout", "attention_dropout", "ffn_dropout")
_SHARES = (
    *_DROPOUTS, "adapter_dropout", "betas", "adam_beta1", "adam_beta2", "weight_decay",
)  # fmt: skip


def ordered(low: str, high: str, *, equal: bool = False) -> Check:
    """A check that one key's value is below another's, or `equal` to it; both are full paths."""

    def check(situation: Situation) -> Iterator[Fault]:
        blamed = situation.first_written(low, high)
        least, most = situation.number(low), situation.number(high)
        if blamed is None or least is None or most is None or least < most or (equal and least == most):
            return
        name, other = situation.name(low), situation.name(high)
        demand = "at most" if equal else "below"
        yield Fault(
            key=blamed,
            message=f"`{name}` ({shown(least)}) must be {demand} `{other}` ({shown(most)})",
            hint=_ours(situation, low, high),
        )

    return check


def _ours(situation: Situation, low: str, high: str) -> str | None:
    for path, other in ((low, high), (high, low)):
        if path not in situation.written:
            return f"`{situation.name(path)}` is the recipe's; override it as well, or change `{situation.name(other)}`"
    return None


RULES = (
    Rule(
        id="min_lr_lt_lr",
        level="documented",
        severity="error",
        statement="The learning rate ends below where it starts: min_lr < lr.",
        sources=("AWS training-jobs page", "recipe text", "AWS docs (other pages)"),
        because="the two values contradict each other",
        scope=Scope(techniques=("sft", "dpo", "cpt"), generation="nova-1"),
        check=ordered("training_config.model.optim.sched.min_lr", "training_config.model.optim.lr"),
    ),
    Rule(
        id="min_lr_lt_lr_sft2",
        level="documented",
        severity="error",
        statement="The learning rate ends below where it starts: lr_scheduler.min_lr < optim_config.lr.",
        sources=("AWS docs (other pages)",),
        because="the two values contradict each other",
        scope=Scope(techniques=("sft",), generation="nova-2"),
        check=ordered("training_config.lr_scheduler.min_lr", "training_config.optim_config.lr"),
    ),
    Rule(
        id="min_lr_lt_lr_cpt2",
        level="documented",
        severity="error",
        statement="The learning rate ends below where it starts: optim.sched.min_lr < optim.lr.",
        sources=("recipe text", "AWS docs (other pages)"),
        because="the two values contradict each other",
        scope=Scope(techniques=("cpt",), generation="nova-2"),
        check=ordered("training_config.optim.sched.min_lr", "training_config.optim.lr"),
    ),
    Rule(
        id="min_lr_floor",
        level="documented",
        severity="by source",
        statement="min_lr is from 1e-7 to 1.",
        sources=("template file", "AWS training-jobs page"),
        scope=Scope(techniques=("sft", "dpo")),
        carried={"bounds": ("min_lr",)},
    ),
    Rule(
        id="rft_lr",
        level="enforced",
        severity="error",
        statement=(
            "The learning rate of reinforcement is at most 1e-3; at least 1e-8 on HyperPod, 1e-7 on training jobs."
        ),
        sources=("template file",),
        scope=Scope(techniques=("rft",)),
        carried={"bounds": ("optim_config.lr",)},
    ),
    Rule(
        id="unit_interval",
        level="enforced",
        note="for the three dropouts in training_config.model, documented for the rest",
        severity="by source",
        statement="Dropouts, Adam's betas and weight decay are from 0 to 1.",
        sources=("AWS training-jobs page", "recipe text", "nova_schema_validation.py"),
        scope=Scope(techniques=("sft", "dpo", "cpt", "ppo")),
        carried={"bounds": _SHARES},
        enforced_by={f"training_config.model.{name}": "Amazon's recipe launcher" for name in _DROPOUTS},
    ),
    Rule(
        id="eps",
        level="documented",
        severity="by source",
        statement="Adam's eps is from 1e-10 to 1e-6.",
        sources=("AWS training-jobs page",),
        scope=Scope(techniques=("sft", "dpo")),
        carried={"bounds": ("optim.eps",)},
    ),
    Rule(
        id="optimizer_fixed",
        level="documented",
        severity="by source",
        statement="The optimizer is distributed_fused_adam.",
        sources=("AWS training-jobs page", "recipe text"),
        scope=Scope(techniques=("sft", "dpo", "cpt", "ppo"), generation="nova-1"),
        carried={"bounds": ("optim.name",)},
    ),
    Rule(
        id="dpo_beta",
        level="documented",
        severity="by source",
        statement="beta of DPO is from 0.001 to 0.1; the recipe's text goes to 0.5.",
        sources=("AWS training-jobs page", "template file", "recipe text"),
        scope=Scope(techniques=("dpo",)),
        carried={"bounds": ("dpo_cfg.beta",)},
    ),
    Rule(
        id="model_merge",
        level="enforced",
        severity="error",
        statement="The fine-tuned model's share in the merged one is from 0 to 1; 1 merges nothing.",
        sources=("template file",),
        scope=Scope(techniques=("sft",), generation="nova-2"),
        carried={"bounds": ("model_importance_score.fine_tuned_model",)},
    ),
)
