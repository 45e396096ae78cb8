"""Environment files, read: every mistake of every file at once, each with file, line and column."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from novaline.customization.yaml_source import SourceDocument, load_yaml
from novaline.environments.function_checks import function_findings
from novaline.environments.functions import Frozen, MetricSettings, ProcessorSettings, RewardSettings
from novaline.environments.model import Environment
from novaline.findings import Finding, NovalineError, UsageProblem, nearest


def load_environments(folder: Path) -> tuple[Environment, ...]:
    """Every environment in `folder`, sorted by name. Raises NovalineError with all findings of all its files."""
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise UsageProblem.of(
            "no-environments", f"no environment file in {folder}", hint="write one, such as environments/dev.yaml"
        )
    environments: list[Environment] = []
    findings: list[Finding] = []
    for file in files:
        try:
            environments.append(load_environment(file))
        except NovalineError as problem:
            findings.extend(problem.findings)
    if findings:
        raise NovalineError(findings)
    return tuple(sorted(environments, key=lambda environment: environment.name))


def load_environment(path: Path) -> Environment:
    """The environment in the file at `path`.

    Raises NovalineError with all findings: broken YAML, unknown or missing keys, wrong values, a name that is not the
    file's, rewards and processors that cannot be built. UsageProblem when there is no such file.
    """
    document = load_yaml(path)
    if not isinstance(document.data, dict):
        finding = document.finding("not-a-mapping", "an environment file is a list of keys and values", ())
        raise NovalineError([finding])
    root = path.parent.parent
    findings = [*function_findings(document, root=root)]
    try:
        environment = Environment.model_validate(document.data, context={"root": root})
    except ValidationError as problem:
        findings += _findings(document, problem.errors())
    if findings:
        raise NovalineError(sorted(findings, key=lambda found: (found.file != str(path), found.line, found.column)))
    if environment.name != path.stem:
        message = f"the file {path.name} holds the environment {environment.name!r}, but is named after {path.stem!r}"
        raise NovalineError([document.finding("name-mismatch", message, ("name",), hint="make the two names agree")])
    return environment


def _findings(document: SourceDocument, errors: Iterable[ErrorDetails]) -> list[Finding]:
    errors = list(errors)
    replaced = {error["loc"][:-1] for error in errors if _replaced(error["loc"])}
    said = (error for error in errors if not (error["type"] == "missing" and error["loc"][:-1] in replaced))
    return [_finding(document, error) for error in said]


def _replaced(location: tuple[int | str, ...]) -> bool:
    """Whether an unknown key is `scoring` of a reward, which older files have where `function` stands now."""
    return len(location) == 3 and location[0] == "rewards" and location[2] == "scoring"


def _finding(document: SourceDocument, error: ErrorDetails) -> Finding:
    kind, value = error["type"], error["input"]
    path = tuple(part for part in error["loc"] if part != "[key]")
    about_key = len(path) != len(error["loc"])
    name = ".".join(str(part) for part in path) or "the file"
    if kind == "extra_forbidden" and _replaced(path):
        hint = f"write `function: {value if isinstance(value, str) else 'classification'}`"
        return document.finding("replaced-key", "`scoring` is called `function` now", path, key=True, hint=hint)
    if kind == "extra_forbidden":
        guess = nearest(str(path[-1]), _known_keys(path))
        hint = f"did you mean {guess!r}?" if guess else f"known keys: {', '.join(_known_keys(path))}"
        return document.finding("unknown-key", f"unknown key {path[-1]!r}", path, key=True, hint=hint)
    if kind == "missing":
        return document.finding("missing-key", f"the key {name!r} is missing", path, hint=_expectation(path))
    if path == ("account",):
        return document.finding(
            "account-id", f"account is {value!r}, not twelve digits in quotes", path, hint=_quoted(value)
        )
    if kind == "value_error":
        return document.finding("wrong-value", error["msg"].removeprefix("Value error, "), path, key=True)
    what = "the name" if about_key else name
    message = f"{what} is {value!r}: {_in_words(error, str(path[0]))}"
    return document.finding("wrong-value", message, path, key=about_key, hint=_expectation(path))


_FORMS = {
    "name": "a lower-case letter, then 1 to 15 lower-case letters and digits",
    "notifications": "an e-mail address",
    "images": "repository:tag → sha256:… with 64 lower-case hexadecimal digits",
    "rewards": "lower-case letters and digits, beginning with a letter, with single - between them",
    "processors": "lower-case letters and digits, beginning with a letter, with single - (in metrics _) between them",
    "tags": "letters, digits, spaces and _ . : / = + @ -",
}


def _in_words(error: ErrorDetails, key: str) -> str:
    """What was expected, without a pattern or a word of pydantic's."""
    if error["type"] == "string_pattern_mismatch" and key in _FORMS:
        return f"it must be {_FORMS[key]}"
    text = error["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    words = {
        "boolean": "true or false",
        "string": "text",
        "dictionary": "a mapping",
        "integer": "a whole number",
        "number": "a number",
    }
    return f"it must be {words.get(text.split(',')[0], text)}"


def _quoted(value: object) -> str:
    digits = str(value)
    if isinstance(value, int) and not isinstance(value, bool) and len(digits) == 12:
        return f'an account id is text, and may begin with a zero: write account: "{digits}"'
    return 'write it like account: "111111111111"'


def _known_keys(path: tuple[str | int, ...]) -> list[str]:
    return sorted(_model_at(path).model_fields)


def _model_at(path: tuple[str | int, ...]) -> type[Frozen]:
    """The model whose key `path` ends in."""
    match path:
        case ("rewards", _, _, *_):
            return RewardSettings
        case ("processors", _, "metrics", _, _, *_):
            return MetricSettings
        case ("processors", _, _, *_):
            return ProcessorSettings
        case _:
            return Environment


def _expectation(path: tuple[str | int, ...]) -> str | None:
    depth = {Environment: 0, RewardSettings: 2, ProcessorSettings: 2, MetricSettings: 4}
    model = _model_at(path)
    field = model.model_fields.get(str(path[depth[model]])) if path else None
    return field.description if field is not None else None
