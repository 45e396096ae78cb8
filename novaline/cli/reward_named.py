"""Which reward a command line means: one of an environment, a kind of the library, or a function in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from novaline.cli.reward_own import MAKE_LIBRARIES, check_own_options, its_words_aside, use_libraries
from novaline.findings import Finding, NovalineError, UsageProblem, nearest
from novaline.rewards.kinds import KINDS, check_options
from novaline.rewards.options import WrongOptions
from novaline.rewards.settings import RewardSpec, WrongSpec, load

if TYPE_CHECKING:
    from novaline.environments import Environment
    from novaline.environments.functions import RewardSettings
    from novaline.rewards.scoring import Scorer

DEFAULT_TIMEOUT_SECONDS = 60
"""Of a reward that no environment declares: what an environment gives one that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A reward that was named. `settings` and `environment` are None for one that no environment declares."""

    spec: RewardSpec
    root: Path
    environment: Environment | None = None
    settings: RewardSettings | None = None

    @property
    def calls_model(self) -> bool:
        """Whether it asks a model for every sample, also inside of others."""
        return _calls_model(self.spec.function, self.spec.options)

    @property
    def timeout_seconds(self) -> int:
        """How long the function may take for one batch."""
        return DEFAULT_TIMEOUT_SECONDS if self.settings is None else self.settings.timeout_seconds


def environment_of(env: str | None, file: Path | None) -> tuple[Environment | None, Path]:
    """The environment that is named, if one is, and the folder that its own files are seen from.

    Raises NovalineError for a file with mistakes, UsageProblem for one that is not there, or when both are given.
    """
    if env is not None and file is not None:
        message = "--env and --environment-file name two environments"
        raise UsageProblem.of("two-environments", message, hint="leave one of them out")
    if file is not None:
        from novaline.environments import load_environment  # noqa: PLC0415  # only where an environment is named

        if not file.is_file():
            raise UsageProblem.of("no-such-file", f"there is no file {file}", hint="name an environment's YAML file")
        return load_environment(file), file.resolve().parent.parent
    if env is None:
        return None, Path.cwd()
    from novaline.places import project_root  # noqa: PLC0415  # likewise
    from novaline.runs.launch import environment_named  # noqa: PLC0415  # likewise

    return environment_named(env), project_root() or Path.cwd()


def named(name: str, environment: Environment | None, root: Path, options: Mapping[str, object]) -> Named:
    """The reward of that name. Raises UsageProblem for a name that nobody knows; says then what is known."""
    if environment is not None:
        settings = environment.rewards.get(name)
        if settings is None:
            close = nearest(name, environment.rewards)
            known = ", ".join(environment.rewards) or "none"
            hint = f"did you mean {close}?" if close else f"it declares {known}; a kind is tested without --env"
            message = f"the environment {environment.name} declares no reward {name!r}"
            raise UsageProblem.of("unknown-reward", message, hint=hint)
        spec = settings.spec(name)
        spec = replace(spec, options={**spec.options, **options})
        return Named(spec=spec, root=root, environment=environment, settings=settings)
    if ":" in name:
        _require_file(name, root)
        return Named(spec=RewardSpec(name=name.rpartition(":")[2], function=name, options=options), root=root)
    if name not in KINDS:
        close = nearest(name, KINDS)
        hint = f"did you mean {close}?" if close else "`novaline reward list` shows the kinds"
        message = f"there is no kind of reward {name!r}, and no environment is named"
        raise UsageProblem.of("unknown-reward", message, hint=f"{hint}; one of an environment needs --env, your own is "
                              "FILE.py:function")  # fmt: skip
    return Named(spec=RewardSpec(name=name, function=name, options=options), root=root)


def _require_file(name: str, root: Path) -> None:
    place = name.rpartition(":")[0]
    if place.endswith(".py") and not (root / place).is_file():
        raise UsageProblem.of("no-such-file", f"there is no file {place}", hint="name it as it is seen from here")


def scorer_of(found: Named) -> Scorer:
    """The reward, loaded. Raises NovalineError with everything that is wrong with its options, or its file."""
    spec = found.spec
    if spec.own:
        check_own_options(found)
        use_libraries(found)
    else:
        problems = check_options(spec.function, spec.options)
        if problems:
            raise NovalineError(
                Finding(
                    code="wrong-options",
                    severity="error",
                    message=f"{spec.name}: {f'`{problem.path}` ' if problem.path else ''}{problem.message}",
                    hint=problem.hint or f"`novaline reward list {spec.function}` shows the options",
                )
                for problem in problems
            )
    try:
        with its_words_aside():
            return load(spec, root=found.root)
    except (WrongSpec, WrongOptions) as problem:
        raise NovalineError.of("wrong-reward", str(problem), hint="see docs/rewards.md") from None
    except ImportError as problem:
        message = f"{spec.function} cannot be imported: {problem}"
        hint = "install it beside novaline, or test the deployed function: --deployed"
        if found.settings is not None and found.settings.requirements is not None:
            hint = f"install the `requirements`: {MAKE_LIBRARIES}; or test the deployed function: --deployed"
        raise NovalineError.of("wrong-reward", message, hint=hint) from None
    except Exception as problem:  # a person's own file may raise whatever it likes
        message = f"{spec.function} cannot be loaded: {type(problem).__name__}: {problem}"
        raise NovalineError.of("wrong-reward", message, hint="run the file by itself to see where") from None


def read_options(given: Sequence[str]) -> dict[str, object]:
    """Options as they are written: `name=value`, value as JSON or as plain text; or one JSON object."""
    found: dict[str, object] = {}
    for text in given:
        if text.lstrip().startswith("{"):
            value = _json(text, text)
            if not isinstance(value, dict):
                raise _no_options(text)
            found.update(value)
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise _no_options(text)
        found[name.strip()] = _json(value, value)
    return found


def _json(text: str, otherwise: object) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return otherwise


def _no_options(text: str) -> UsageProblem:
    message = f"{text!r} is no option of a reward"
    return UsageProblem.of("wrong-option", message, hint="""say --options name=value, or --options '{"name": …}'""")


def _calls_model(function: str, options: Mapping[str, object]) -> bool:
    from novaline.rewards.judging.models import judge_models  # noqa: PLC0415  # `--help` must not wait for it

    kind = KINDS.get(function)
    return (kind is not None and kind.calls_model) or bool(judge_models(function, options))
