"""The rules that Amazon states about Nova's recipes, and what a job breaks of them.

A rule about one key is carried by the key's own bounds, lock or type, and found where overrides are resolved; the rest
are checks of a situation.
"""

from __future__ import annotations

from novaline.recipes.model import Platform, Recipe
from novaline.recipes.problems import Problem, listed
from novaline.recipes.rules import (
    adapters,
    batches,
    distillation,
    evaluation,
    lengths,
    platforms,
    ppo,
    rates,
    reinforcement,
    steps,
)
from novaline.recipes.rules.model import Carrier, Check, Fault, Level, Rule, Scope, Situation, in_words

__all__ = [
    "RULES",
    "Check",
    "Fault",
    "Level",
    "Rule",
    "Scope",
    "Situation",
    "carrier",
    "check_rules",
    "rule_of_absence",
]

RULES: tuple[Rule, ...] = (
    *rates.RULES,
    *lengths.RULES,
    *batches.RULES,
    *steps.RULES,
    *adapters.RULES,
    *platforms.RULES,
    *reinforcement.RULES,
    *ppo.RULES,
    *distillation.RULES,
    *evaluation.RULES,
)
"""Every rule; each id once."""


def check_rules(situation: Situation) -> tuple[Problem, ...]:
    """What the situation breaks, in the order of the rules.

    A value that is refused already takes part in no rule, and values that are all the recipe's own are never blamed:
    what Amazon ships passes.
    """
    return tuple(
        _problem(rule, fault)
        for rule in RULES
        if rule.check is not None and _holds(rule, situation)
        for fault in rule.check(situation)
    )


def carrier(kind: Carrier, path: str, recipe: Recipe, *, platform: Platform, instance_type: str) -> Rule | None:
    """The rule that a key's own specification upholds in this way."""
    for rule in RULES:
        if rule.carries(kind, path) and rule.scope.holds(recipe, platform=platform, instance_type=instance_type):
            return rule
    return None


def rule_of_absence(key: str, recipe: Recipe, *, platform: Platform, instance_type: str) -> Rule | None:
    """The rule by which this recipe has no such key; `absent` of it says what to do instead."""
    leaf = key.rpartition(".")[2]
    for rule in RULES:
        if leaf in rule.absent and rule.scope.holds(recipe, platform=platform, instance_type=instance_type):
            return rule
    return None


def _so_say(rule: Rule, fault: Fault) -> str:
    sources = in_words(fault.sources or rule.sources)
    return f"so {'says' if len(sources) == 1 else 'say'} {listed(sources)}"


def _holds(rule: Rule, situation: Situation) -> bool:
    return rule.scope.holds(situation.recipe, platform=situation.platform, instance_type=situation.instance_type)


def _problem(rule: Rule, fault: Fault) -> Problem:
    severity = fault.severity or ("warning" if rule.severity == "by source" else rule.severity)
    code = rule.code or ("override-relation" if severity == "error" else "override-advice")
    return Problem(
        key=fault.key,
        code=code,
        severity=severity,
        message=fault.message if fault.sourced else f"{fault.message}; {_so_say(rule, fault)}",
        hint=fault.hint,
        on_key=fault.on_key,
        rule=rule.id,
        where=fault.where,
    )
