"""A recipe with settings tried on it, as `novaline recipes show --set` takes them: `key=value` in YAML 1.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from novaline.customization.yaml_source import parse_yaml
from novaline.findings import Finding, NovalineError, UsageProblem, errors_in
from novaline.recipes.model import JsonValue, Platform, Recipe
from novaline.recipes.overrides import Problem, resolve_overrides
from novaline.recipes.rendering import default_values, render, resolve
from novaline.recipes.rules import Situation, check_rules

_PLACES = {"sagemaker": "SageMaker training jobs", "hyperpod": "HyperPod"}
_FORM = "write --set KEY=VALUE, for instance --set learning_rate=1e-5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A recipe on one platform with overrides (by full path) that passed. `findings` are warnings only."""

    recipe: Recipe
    platform: Platform
    overrides: Mapping[str, JsonValue]
    findings: tuple[Finding, ...]

    @property
    def values(self) -> dict[str, JsonValue]:
        """Every key with its value, interpolations resolved."""
        return resolve({**default_values(self.recipe), **self.overrides})

    def rendered(self) -> bytes:
        """The YAML that the container reads."""
        return render(self.recipe, {**default_values(self.recipe), **self.overrides})


def try_settings(recipe: Recipe, settings: Sequence[str], *, platform: Platform | None = None) -> Trial:
    """The recipe with these settings, each `key=value`; `platform` None is the recipe's first.

    Raises NovalineError with every problem at once, UsageProblem where the recipe does not run on the platform.
    """
    chosen = platform or recipe.platforms[0]
    if chosen not in recipe.platforms:
        runs = " and ".join(_PLACES[one] for one in recipe.platforms)
        message = f"{recipe.id} does not run on {_PLACES[chosen]}; it runs on {runs}"
        raise UsageProblem.of("wrong-platform", message, hint=f"leave out --platform, or say {recipe.platforms[0]}")
    overrides, findings = _read(settings)
    resolution = resolve_overrides(recipe, overrides, platform=chosen)
    findings += [_finding(problem) for problem in resolution.problems]
    # Data, machines and start are the stage's: of the rules, those count that speak of what was set.
    situation = Situation.of(recipe, resolution, platform=chosen, validation_data=True)
    findings += [
        _finding(problem)
        for problem in check_rules(situation)
        if problem.where is None and problem.key in resolution.written.values()
    ]
    if errors_in(findings):
        raise NovalineError(findings)
    return Trial(recipe=recipe, platform=chosen, overrides=resolution.values, findings=tuple(findings))


def _read(settings: Sequence[str]) -> tuple[dict[str, object], list[Finding]]:
    """The settings as a mapping, and what cannot be read of them."""
    values: dict[str, object] = {}
    findings: list[Finding] = []
    for setting in settings:
        key, mark, text = setting.partition("=")
        key = key.strip()
        if not mark or not key:
            findings.append(_wrong("setting-form", f"--set takes KEY=VALUE, found {setting!r}", _FORM))
        elif key in values:
            findings.append(_wrong("duplicate-override", f"`{key}` is set twice", "keep one of the two"))
        else:
            try:
                values[key] = parse_yaml(text, file=f"--set {key}").data
            except NovalineError as problem:
                findings += problem.findings
    return values, findings


def _finding(problem: Problem) -> Finding:
    return Finding(code=problem.code, severity=problem.severity, message=problem.message, hint=problem.hint)


def _wrong(code: str, message: str, hint: str) -> Finding:
    return Finding(code=code, severity="error", message=message, hint=hint)
