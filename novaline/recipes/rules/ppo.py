"""PPO: five models that learn and answer together, so that their sizes must fit."""

from __future__ import annotations

from collections.abc import Iterator

from novaline.recipes.problems import listed, shown
from novaline.recipes.rules.model import Fault, Rule, Scope, Situation

_BATCH = "ppo_actor_train.model.global_batch_size"
_BUFFER = "ppo_actor_train.trajectory_buffer_scale"
_OTHERS = tuple(f"ppo_{part}.model.global_batch_size" for part in ("reward", "critic", "anchor"))
_LENGTHS = (
    *(f"ppo_{part}.max_length" for part in ("reward", "critic", "anchor", "actor_train")),
    "ppo_actor_generation.actor_model_max_length",
)
_KL = ("ppo_actor_train.model.kl_loss_coeff", "ppo_actor_train.model.kl_reward_penalty_coeff")
_KL_TYPE = "ppo_actor_train.model.kl_loss_type"


def _divisible(situation: Situation) -> Iterator[Fault]:
    batch, buffer = situation.number(_BATCH), situation.number(_BUFFER)
    critic = _OTHERS[1]
    for path in _OTHERS:
        part = situation.number(path)
        blamed = situation.first_written(path, _BATCH)
        if blamed is not None and batch is not None and part and batch % part:
            yield Fault(
                key=blamed,
                message=f"`{_BATCH}` ({shown(batch)}) should be a multiple of `{path}` ({shown(part)})",
            )
    part, blamed = situation.number(critic), situation.first_written(_BUFFER)
    # With a batch that is itself a multiple, so is the buffer's; it is only looked at where the buffer was changed.
    if blamed is not None and batch is not None and buffer is not None and part and batch * buffer % part:
        yield Fault(
            key=blamed,
            message=(
                f"`{_BATCH}` times `{_BUFFER}` ({shown(batch * buffer)}) should be a multiple of `{critic}`"
                f" ({shown(part)})"
            ),
        )


def _equal_lengths(situation: Situation) -> Iterator[Fault]:
    lengths = {path: number for path in _LENGTHS if (number := situation.number(path)) is not None}
    blamed = situation.first_written(*_LENGTHS)
    if blamed is not None and len(set(lengths.values())) > 1:
        found = listed(f"`{path}` is {shown(number)}" for path, number in lengths.items())
        yield Fault(key=blamed, message=f"the five lengths must be equal: {found}", hint="override all five alike")


def _kl_terms(situation: Situation) -> Iterator[Fault]:
    coefficients = [situation.number(path) for path in _KL]
    if _KL_TYPE in situation.written and _KL_TYPE not in situation.refused and not any(coefficients):
        name = situation.written[_KL_TYPE]
        either = " or ".join(f"`{path}`" for path in _KL)
        yield Fault(key=name, message=f"`{name}` has no effect while both coefficients are 0", hint=f"raise {either}")


_PPO = Scope(techniques=("ppo",))

RULES = (
    Rule(
        id="ppo_divisible",
        level="documented",
        severity="warning",
        statement=(
            "The actor's batch is a multiple of those of reward, critic and anchor; times the trajectory"
            " buffer's scale, of the critic's."
        ),
        sources=("AWS docs (other pages)",),
        because="the recipe that Amazon ships for Micro breaks it",
        scope=_PPO,
        check=_divisible,
    ),
    Rule(
        id="ppo_lengths",
        level="documented",
        severity="error",
        statement="max_length is the same for reward, critic, anchor and actor, and for the actor that generates.",
        sources=("AWS docs (other pages)",),
        because="the values contradict each other",
        scope=_PPO,
        check=_equal_lengths,
    ),
    Rule(
        id="ppo_enums",
        level="documented",
        severity="warning",
        statement=(
            "The trajectory buffer's scale is 1, 2, 4, 8 or 16; kl_loss_type is kl, mse, abs or low_var_kl,"
            " and counts only with an anchor and a coefficient above 0."
        ),
        sources=("AWS docs (other pages)",),
        scope=_PPO,
        carried={"bounds": ("trajectory_buffer_scale", "kl_loss_type")},
        check=_kl_terms,
    ),
    Rule(
        id="ppo_replicas",
        level="documented",
        severity="by source",
        statement=(
            "The actor learns on 1 or 2 instances for Micro, 1, 2 or 4 for Lite, 3, 6 or 12 for Pro (2, 2 and"
            " 6 in the hub template); it generates on 1 for Micro, 1 or 2 for Lite and Pro; reward, critic and"
            " anchor have 1 each."
        ),
        sources=("AWS docs (other pages)", "template file"),
        scope=_PPO,
        carried={
            "bounds": ("actor_generation_replicas", "rm_replicas", "cm_replicas", "am_replicas"),
        },
    ),
)
