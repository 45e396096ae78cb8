"""A reward as it is deployed: the file `reward.json` in the function's asset, and the scorer that it describes."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

from novaline.rewards.contract import Reward, Rollout, Score, Unscorable, number_of
from novaline.rewards.kinds import build
from novaline.rewards.scoring import Scorer

FILE_NAME: Final = "reward.json"
"""Beside the packages in the function's asset."""


class WrongSpec(ValueError):
    """What is declared as a reward is none; the message says what was found and expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardSpec:
    """What is declared: a kind of the library, or a function of one's own as `module:function`."""

    name: str
    function: str
    options: Mapping[str, object] = field(default_factory=dict)
    fallback: float = 0.0
    log_prompts: bool = False

    @property
    def own(self) -> bool:
        """Whether the function is the user's own, not a kind of the library."""
        return ":" in self.function

    def to_json(self) -> str:
        """The text of `reward.json`; the same spec always gives the same text."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return json.dumps(found | {"options": dict(self.options)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> RewardSpec:
        """The spec in the text of `reward.json`. Raises WrongSpec."""
        try:
            found: Any = json.loads(text)
        except ValueError as problem:
            raise WrongSpec(f"{FILE_NAME} is no JSON: {problem}") from problem
        if not isinstance(found, dict):
            raise WrongSpec(f"{FILE_NAME} holds an object, not {type(found).__name__}")
        unknown = found.keys() - {one.name for one in fields(cls)}
        if unknown:
            raise WrongSpec(f"{FILE_NAME} holds unknown names: {', '.join(sorted(unknown))}")
        found = {"options": {}, "fallback": 0.0, "log_prompts": False, **found}
        for name, kind in (("name", str), ("function", str), ("options", dict), ("log_prompts", bool)):
            if not isinstance(found.get(name), kind):
                raise WrongSpec(f"{FILE_NAME}: {name} is {found.get(name)!r}, expected {kind.__name__}")
        try:
            fallback = number_of(found["fallback"], "fallback")
        except Unscorable as problem:
            raise WrongSpec(f"{FILE_NAME}: {problem}") from None
        return cls(**{**found, "fallback": fallback})


def deployed_root() -> Path:
    """Where a function's asset lies: as Lambda says, or else where this package does."""
    return Path(os.environ.get("LAMBDA_TASK_ROOT") or Path(__file__).resolve().parents[2])


def deployed_spec() -> RewardSpec:
    """The spec beside the packages of the running function. Raises WrongSpec, or FileNotFoundError."""
    return RewardSpec.from_json((deployed_root() / FILE_NAME).read_text(encoding="utf-8"))


def load(spec: RewardSpec, *, root: Path | None = None) -> Scorer:
    """The scorer that a spec describes. Raises WrongSpec, UnknownKind, WrongOptions, and what an own module raises.

    A function of one's own is called with the rollout, and with the options by name; it gives a number or a Score.
    `module` is importable, or a path to a file (`rewards/tone.py`) seen from `root`, or else from the deployed root;
    the file's folder is then on the path, as it is in Lambda.
    """
    reward = _own(spec, root) if spec.own else build(spec.function, spec.options)
    return Scorer(name=spec.name, reward=reward, fallback=spec.fallback, log_prompts=spec.log_prompts)


def _own(spec: RewardSpec, root: Path | None) -> Reward:
    place, _, name = spec.function.rpartition(":")
    module = _file(place, root) if place.endswith(".py") else importlib.import_module(place)
    function = getattr(module, name, None)
    if not callable(function):
        raise WrongSpec(f"{place} has no function {name}: it defines {', '.join(_functions(module)) or 'none'}")
    if inspect.iscoroutinefunction(function):
        raise WrongSpec(f"{spec.function} is an async function; a reward is an ordinary one")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise WrongSpec(f"{spec.function} yields; a reward returns one score for one rollout")
    try:
        inspect.signature(function).bind(None, **spec.options)
    except TypeError as problem:
        raise WrongSpec(f"{spec.function} cannot be called with a rollout and these options: {problem}") from problem
    return as_reward(functools.partial(function, **spec.options) if spec.options else function)


def as_reward(function: Callable[[Rollout], object]) -> Reward:
    """The function as a Reward: a plain number that it gives becomes a Score."""

    def reward(rollout: Rollout) -> Score:
        given = function(rollout)
        return given if isinstance(given, Score) else Score(number_of(given, "the reward"))

    return reward


def _file(place: str, root: Path | None) -> ModuleType:
    path = (root or deployed_root()) / place
    if not path.is_file():
        raise WrongSpec(f"there is no file {path}")
    name = f"own_{path.stem}"  # in nobody's way, whatever the file is called
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a path that ends in .py has a loader"
    assert spec.loader is not None, "likewise"
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _functions(module: ModuleType) -> list[str]:
    found = inspect.getmembers(module, inspect.isfunction)
    return [name for name, function in found if cast("Callable[..., object]", function).__module__ == module.__name__]
