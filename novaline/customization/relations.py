"""Rules between the parts of a customization: names, tasks and their data, gate and deployment, time limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from novaline.customization.model import Deployment, duration_text
from novaline.customization.structure import Parts
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.findings import Finding, nearest
from novaline.recipes.model import EvaluationTask

LONGEST_JOB = timedelta(days=5)
"""SageMaker's default quota for the run time of a training job, and what the workflow waits for."""

_SHORTEST_JOB = timedelta(minutes=15)
_OWN_METRICS = {"gen_qa": ("exact_match", "quasi_exact_match")}
"""What the gate can compare of the tasks that give several metrics."""


def of_names(document: SourceDocument, parts: Parts) -> Iterator[Finding]:
    """Stages and evaluations give their names to jobs and folders of the run: no two are alike."""
    taken: dict[str, DataPath] = {}
    for key, items in (("stages", parts.stages), ("evaluations", parts.evaluations)):
        for index, item in enumerate(items):
            path: DataPath = (key, index, "name")
            if item is None or not parts.known(*path):
                continue
            jobs = [item.name] if key == "stages" else [item.name, f"{item.name}-base", f"{item.name}-candidate"]
            clash = next((job for job in jobs if job in taken), None)
            if clash is not None:
                line = document.locate(taken[clash])[0]
                message = f"the name {clash!r} is taken: a stage or evaluation on line {line} uses it"
                yield document.finding("duplicate-name", message, path, hint="names of jobs differ")
            taken.update((job, path) for job in jobs if job not in taken)


def of_tasks(document: SourceDocument, parts: Parts, tasks: Mapping[str, EvaluationTask]) -> Iterator[Finding]:
    """A task that no published recipe names may be refused. What a task needs is among the recipe's rules."""
    for index, evaluation in enumerate(parts.evaluations):
        if evaluation is not None and tasks[evaluation.task].documented_only:
            message = f"AWS's pages name `{evaluation.task}`, and no published recipe does: a job may refuse it"
            yield document.finding("documented-only", message, ("evaluations", index, "task"), severity="warning")


def of_gate(document: SourceDocument, parts: Parts, tasks: Mapping[str, EvaluationTask]) -> Iterator[Finding]:
    """The gate judges an evaluation that exists, by a metric that its task gives."""
    gate = parts.gate
    if gate is None or not parts.known("gate", "evaluation"):
        return
    named = {
        evaluation.name: index
        for index, evaluation in enumerate(parts.evaluations)
        if evaluation is not None and parts.known("evaluations", index, "name")
    }
    if gate.evaluation not in named:
        if len(named) == len(parts.evaluations) and named:
            close = nearest(gate.evaluation, named)
            message = f"the gate judges the evaluation {gate.evaluation!r}, which is not among {', '.join(named)}"
            hint = f"did you mean `{close}`?" if close else None
            yield document.finding("unknown-evaluation", message, ("gate", "evaluation"), hint=hint)
        return
    index = named[gate.evaluation]
    evaluation = parts.evaluations[index]
    if evaluation is None or not parts.known("evaluations", index, "task") or not parts.known("gate", "metric"):
        return
    given = _metrics(tasks[evaluation.task])
    if gate.metric not in given:
        own = ", ".join(given) or "none that a gate can compare"
        message = f"`task: {evaluation.task}` of {gate.evaluation!r} gives no `{gate.metric}`; it gives {own}"
        fitting = [task.name for task in tasks.values() if gate.metric in _metrics(task)]
        hint = f"let the gate judge an evaluation whose task gives it: {', '.join(fitting)}"
        yield document.finding("metric-not-given", message, ("gate", "metric"), hint=hint)


def _metrics(task: EvaluationTask) -> tuple[str, ...]:
    return (task.metric,) if task.metric != "all" else _OWN_METRICS.get(task.name, ())


def of_deployment(document: SourceDocument, parts: Parts) -> Iterator[Finding]:
    """A deployment is named, and ends or says that it stays."""
    if parts.deployment is None:
        return
    written = document.data.get("deployment", {}) if isinstance(document.data, dict) else {}
    if not parts.known("deployment", "target"):
        yield from _lifetime(document, parts.deployment, written)  # the rest depends on the target
        return
    yield from _deployment(document, parts.deployment, written)
    last = parts.stages[-1] if parts.stages else None
    full = last is not None and last.tuning == "full" and parts.known("stages", len(parts.stages) - 1, "tuning")
    if parts.deployment.target == "bedrock-on-demand" and full:
        message = "AWS's table of customization options has no on-demand deployment of a model that is tuned in full"
        hint = "`tuning: lora`, or `deployment: {target: none}` and provisioned throughput"
        where = ("deployment", "target")
        yield document.finding("full-on-demand", message, where, severity="warning", hint=hint)


def _deployment(document: SourceDocument, deployment: Deployment, written: Mapping[str, object]) -> Iterator[Finding]:
    if deployment.target == "none":
        for key in [key for key in ("name", "time_to_live", "keep") if key in written]:
            message = f"`{key}` has no meaning with `target: none`"
            yield document.finding("without-effect", message, ("deployment", key), key=True, hint="remove it")
        return
    if "name" not in written:
        message = "`deployment` lacks `name`"
        hint = "it is the deployment's name in Bedrock, and stays when a later run exchanges the model"
        yield document.finding("missing-key", message, ("deployment", "name"), hint=hint)
    if "time_to_live" not in written and not deployment.keep:
        message = "a deployment says when it is to end, `time_to_live`, or `keep: true`"
        hint = "a forgotten deployment is paid for until somebody finds it; 72h suits a trial"
        yield document.finding("missing-key", message, ("deployment", "time_to_live"), hint=hint)
    yield from _lifetime(document, deployment, written)


def _lifetime(document: SourceDocument, deployment: Deployment, written: Mapping[str, object]) -> Iterator[Finding]:
    """How long a deployment stays, whatever its target."""
    if "time_to_live" in written and deployment.keep:
        message = "`time_to_live` and `keep: true` contradict each other"
        yield document.finding("contradiction", message, ("deployment", "keep"), key=True, hint="keep one of the two")
    ttl = deployment.time_to_live
    if ttl is not None and ttl % timedelta(hours=1):
        message = f"`time_to_live` counts whole hours, found {duration_text(ttl)}"
        yield document.finding("wrong-value", message, ("deployment", "time_to_live"))


def of_timeouts(document: SourceDocument, parts: Parts) -> Iterator[Finding]:
    """A job may run as long as SageMaker lets it, and long enough to start."""
    for key, items in (("stages", parts.stages), ("evaluations", parts.evaluations)):
        for index, item in enumerate(items):
            if item is None or _SHORTEST_JOB <= item.timeout <= LONGEST_JOB:
                continue
            bounds = f"from {duration_text(_SHORTEST_JOB)} to {duration_text(LONGEST_JOB)}"
            message = f"`timeout` must be {bounds}, found {duration_text(item.timeout)}"
            yield document.finding("wrong-value", message, (key, index, "timeout"))
