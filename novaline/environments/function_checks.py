"""What is wrong with declared rewards and processors, beyond their keys and types: functions, options, files, models.

Judged on the document's plain data, so that these mistakes are found together with those of every other key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.environments.functions import ProcessorSettings, looks_own
from novaline.findings import Finding, NovalineError, nearest
from novaline.own_code import WrongReference, own_function, read_pins, together
from novaline.rewards.judging.models import AREAS, UnknownModel, judge_models, model_arns, routes
from novaline.rewards.kinds import KINDS, check_options

_Settings = Mapping[str, object]


def function_findings(document: SourceDocument, *, root: Path) -> Iterator[Finding]:
    """Every mistake in `rewards` and `processors`; files of one's own are seen from `root`, and not executed."""
    for name, settings in _mappings(document, ("rewards",)):
        where: DataPath = ("rewards", name)
        yield from _scoring(document, where, settings, root, pinned="requirements" in settings)
        yield from _requirements(document, where, settings, root, own=looks_own(str(settings.get("function"))))
    for name, settings in _mappings(document, ("processors",)):
        where = ("processors", name)
        metrics = [*_mappings(document, (*where, "metrics"))]
        for metric, scoring in metrics:
            place = (*where, "metrics", metric)
            yield from _scoring(document, place, scoring, root, pinned="requirements" in settings)
        own = any(looks_own(str(scoring.get("function"))) for _, scoring in metrics)
        yield from _requirements(document, where, settings, root, own=own)
        yield from _as_a_whole(document, where, settings, root)


def _mappings(document: SourceDocument, path: DataPath) -> Iterator[tuple[str, _Settings]]:
    """The mappings under `path` by name; what is none is the model's to refuse."""
    found: object = document.data
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    for name, settings in found.items() if isinstance(found, Mapping) else ():
        if isinstance(settings, Mapping):
            yield str(name), settings


def _scoring(
    document: SourceDocument, where: DataPath, settings: _Settings, root: Path, *, pinned: bool
) -> Iterator[Finding]:
    """The function of a reward or a metric, and its options."""
    function, options = settings.get("function"), settings.get("options", {})
    if not isinstance(function, str) or not isinstance(options, Mapping):
        return
    if looks_own(function):
        yield from _own(document, where, function, options, root, pinned=pinned)
    elif function not in KINDS:
        close = nearest(function, KINDS)
        hint = f"did you mean {close!r}?" if close else f"it has {', '.join(KINDS)}"
        message = f"the library has no reward {function!r}"
        hint += "; a function of your own is written like rewards/tone.py:score"
        yield document.finding("unknown-function", message, (*where, "function"), hint=hint)
    else:
        problems = check_options(function, options)
        for problem in problems:
            path = (*where, "options", *_parts(problem.path))
            message = f"{_written(where)}.options{_joint(problem.path)} {problem.message}".strip()
            yield document.finding("wrong-option", message, path, key=True, hint=problem.hint or None)
        if not problems:
            yield from _models(document, where, function, options)


def _models(document: SourceDocument, where: DataPath, function: str, options: _Settings) -> Iterator[Finding]:
    """The models that judge can be asked from where the function runs."""
    data = document.data
    assert isinstance(data, Mapping), "a document without rewards has no judge"
    region, account = data.get("region"), data.get("account")
    if not isinstance(region, str) or not isinstance(account, str):
        return
    for model in judge_models(function, options):
        try:
            model_arns(model, region=region, account=account)
            _, area = routes(model)
            if area is not None and region not in AREAS[area]:
                raise UnknownModel(f"{model} cannot be asked from {region}: it is for {', '.join(AREAS[area])}")
        except UnknownModel as problem:
            path = (*where, "options", "model")
            yield document.finding("unknown-model", str(problem), path, hint="name a model that can be asked there")


def _own(
    document: SourceDocument, where: DataPath, function: str, options: _Settings, root: Path, *, pinned: bool
) -> Iterator[Finding]:
    """A function of one's own: its file keeps the contract, its options are what it takes, its imports are there."""
    try:
        own = own_function(root, function)
    except WrongReference as problem:
        yield document.finding("own-function", str(problem), (*where, "function"), hint=problem.hint)
        return
    except NovalineError as problem:
        yield from problem.findings
        return
    for option, message, hint in own.refused_options(options):
        yield document.finding("wrong-option", message, (*where, "options", option), key=True, hint=hint)
    if not pinned:
        yield from own.libraries.values()


def _requirements(
    document: SourceDocument, where: DataPath, settings: _Settings, root: Path, *, own: bool
) -> Iterator[Finding]:
    """The file of pins is there, within `root`, and pins; and somebody needs it."""
    declared, place = settings.get("requirements"), (*where, "requirements")
    if not isinstance(declared, str):
        return
    if not own:
        message = "`requirements` have no meaning here: rewards of the library need no others"
        yield document.finding("without-effect", message, place, key=True, hint="remove it")
        return
    path, inside = root / declared, PurePosixPath(declared)
    if inside.is_absolute() or ".." in inside.parts:
        message = f"{declared} lies outside the folder that holds environments/"
        yield document.finding("wrong-value", message, place, hint="write it like rewards/requirements.txt")
    elif not path.is_file():
        message = f"there is no file {declared}"
        yield document.finding("wrong-value", message, place, hint=f"it is looked for in {root.resolve()}")
    else:
        try:
            read_pins(path)
        except NovalineError as problem:
            yield from problem.findings


def _as_a_whole(document: SourceDocument, where: DataPath, settings: _Settings, root: Path) -> Iterator[Finding]:
    """What the keys of a processor say together; what one of them says wrongly was found before."""
    try:
        spec = ProcessorSettings.model_validate(settings).spec(str(where[-1]))
    except ValueError:
        return
    for problem in spec.problems():
        path, _, message = problem.partition(": ")
        message = f"{_written(where)}.{path} {message}"
        yield document.finding("wrong-value", message, (*where, *path.split(".")), key=True)
    try:
        functions = [own_function(root, metric.function) for metric in spec.metrics if metric.own]
    except (WrongReference, NovalineError):
        return
    try:
        together(functions)
    except WrongReference as problem:
        yield document.finding("own-module", str(problem), (*where, "metrics"), key=True, hint=problem.hint)


def _parts(path: str) -> DataPath:
    """`rewards.tone.labels[2]` as the way there."""
    found = re.findall(r"\[(\d+)\]|([^.\[\]]+)", path)
    return tuple(int(index) if index else name for index, name in found)


def _joint(path: str) -> str:
    return path if not path or path.startswith("[") else f".{path}"


def _written(where: DataPath) -> str:
    return ".".join(str(part) for part in where)
