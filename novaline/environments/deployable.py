"""Declared rewards and processors as they are deployed: what lies in the function's asset, and what it may ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from novaline.environments.functions import ProcessorSettings, RewardSettings
from novaline.environments.model import Environment
from novaline.findings import Finding
from novaline.own_code import OwnFunction, Pins, own_function, read_pins, together
from novaline.rewards.judging.models import judge_models, model_arns
from novaline.rewards.processing.settings import FILE_NAME as PROCESSOR_FILE
from novaline.rewards.settings import FILE_NAME as REWARD_FILE
from novaline.rewards.settings import RewardSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedFunction:
    """The asset's files beside the code: texts by place; the pins of its libraries; and the models that it may ask.

    `models` are ARNs: of a foundation model, or of an inference profile, with those of the models that it leads to.
    """

    files: Mapping[str, str]
    libraries: Mapping[str, Finding]
    pins: Pins | None
    models: Mapping[str, tuple[str, ...]]


def deployed_reward(environment: Environment, name: str) -> DeployedFunction:
    """A reward of the environment. Raises NovalineError: a file of one's own may have changed since it was checked."""
    settings = environment.rewards[name]
    deployed = _own_files(environment, [settings.spec(name)])
    return DeployedFunction(
        files={**deployed.files, REWARD_FILE: deployed.specs[0].to_json()},
        libraries=deployed.libraries,
        pins=_pins(environment, settings),
        models=_models(environment, deployed.specs),
    )


def deployed_processor(environment: Environment, name: str) -> DeployedFunction:
    """A processor of the environment. Raises NovalineError, likewise."""
    settings = environment.processors[name]
    spec = settings.spec(name)
    deployed = _own_files(environment, spec.metrics)
    return DeployedFunction(
        files={**deployed.files, PROCESSOR_FILE: replace(spec, metrics=deployed.specs).to_json()},
        libraries=deployed.libraries,
        pins=_pins(environment, settings),
        models=_models(environment, deployed.specs),
    )


def pinned_functions(environments: Iterable[Environment]) -> Iterator[tuple[str, Pins, Mapping[str, Finding]]]:
    """What pins libraries: its name in words, the pins, and what it imports, each with the finding where it lacks."""
    for environment in environments:
        for name in sorted(environment.rewards):
            found = deployed_reward(environment, name)
            if found.pins is not None:
                yield f"reward {name} of {environment.name}", found.pins, found.libraries
        for name in sorted(environment.processors):
            found = deployed_processor(environment, name)
            if found.pins is not None:
                yield f"processor {name} of {environment.name}", found.pins, found.libraries


def own_sources(environment: Environment) -> Iterator[str]:
    """All that a template depends on beside the environment's file: texts of own files, and pins."""
    functions = [deployed_reward(environment, name) for name in sorted(environment.rewards)]
    functions += [deployed_processor(environment, name) for name in sorted(environment.processors)]
    for function in functions:
        yield from (f"{place}\n{text}" for place, text in sorted(function.files.items()))
        yield function.pins.text if function.pins is not None else ""


@dataclass(frozen=True, slots=True)
class _Own:
    specs: tuple[RewardSpec, ...]
    files: Mapping[str, str]
    libraries: Mapping[str, Finding]


def _own_files(environment: Environment, declared: Iterable[RewardSpec]) -> _Own:
    """The specs as the asset has them, where a function of one's own is a module at the top."""
    specs: list[RewardSpec] = []
    functions: list[OwnFunction] = []
    for spec in declared:
        if spec.own:
            functions.append(own_function(environment.root, spec.function))
            specs.append(replace(spec, function=functions[-1].reference))
        else:
            specs.append(spec)
    libraries = {name: finding for function in functions for name, finding in function.libraries.items()}
    return _Own(tuple(specs), together(functions), libraries)


def _pins(environment: Environment, settings: RewardSettings | ProcessorSettings) -> Pins | None:
    return None if settings.requirements is None else read_pins(Path(environment.root, settings.requirements))


def _models(environment: Environment, specs: Iterable[RewardSpec]) -> dict[str, tuple[str, ...]]:
    asked = (model for spec in specs for model in judge_models(spec.function, spec.options))
    arns = (model_arns(model, region=environment.region, account=environment.account) for model in asked)
    return {first: tuple(behind) for first, *behind in arns}
