"""Rules between the parts of a customization: names, gate and deployment, time limits, cost, region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from novaline.cost.estimate import Cost
from novaline.customization.model import Deployment, duration_text
from novaline.customization.settings import JobSettings
from novaline.customization.structure import Parts
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.findings import Finding, nearest

if TYPE_CHECKING:
    from novaline.environments import Environment

BEDROCK_REGIONS = ("us-east-1",)
"""Where Bedrock imports a customized Nova model and serves it on demand (AWS documentation, mid 2026)."""

LONGEST_JOB = timedelta(days=5)
"""SageMaker's default quota for the run time of a training job, and what the workflow waits for."""

_SHORTEST_JOB = timedelta(minutes=15)


def of_names(document: SourceDocument, parts: Parts) -> Iterator[Finding]:
    """Stages and evaluations give their names to jobs and folders of the run: no two are alike."""
    taken: dict[str, DataPath] = {}
    for key, items in (("stages", parts.stages), ("evaluations", parts.evaluations)):
        for index, item in enumerate(items):
            if item is None:
                continue
            path: DataPath = (key, index, "name")
            jobs = [item.name] if key == "stages" else [item.name, f"{item.name}-base", f"{item.name}-candidate"]
            clash = next((job for job in jobs if job in taken), None)
            if clash is not None:
                line = document.locate(taken[clash])[0]
                message = f"the name {clash!r} is taken: a stage or evaluation on line {line} uses it"
                yield document.finding("duplicate-name", message, path, hint="names of jobs differ")
            taken.update((job, path) for job in jobs if job not in taken)


def of_gate_and_deployment(document: SourceDocument, parts: Parts) -> Iterator[Finding]:
    """The gate judges an evaluation that exists; a deployment is named, and ends or says that it stays."""
    names = [evaluation.name for evaluation in parts.evaluations if evaluation is not None]
    if parts.gate is not None and names and parts.gate.evaluation not in names and None not in parts.evaluations:
        close = nearest(parts.gate.evaluation, names)
        message = f"the gate judges the evaluation {parts.gate.evaluation!r}, which is not among {', '.join(names)}"
        hint = f"did you mean `{close}`?" if close else None
        yield document.finding("unknown-evaluation", message, ("gate", "evaluation"), hint=hint)
    if parts.deployment is not None:
        yield from _deployment(document, parts.deployment)


def _deployment(document: SourceDocument, deployment: Deployment) -> Iterator[Finding]:
    written = document.data.get("deployment", {}) if isinstance(document.data, dict) else {}
    if written.get("target", "none") != deployment.target:
        return  # the target is a mistake of its own; what goes with it cannot be judged
    if deployment.target == "none":
        for key in [key for key in ("name", "time_to_live", "keep") if key in written]:
            message = f"`{key}` has no meaning with `target: none`"
            yield document.finding("without-effect", message, ("deployment", key), key=True, hint="remove it")
        return
    if "name" not in written:
        message = "`deployment` lacks `name`"
        hint = "it is the deployment's name in Bedrock, and stays when a later run exchanges the model"
        yield document.finding("missing-key", message, ("deployment", "name"), hint=hint)
    if "time_to_live" in written and deployment.keep:
        message = "`time_to_live` and `keep: true` contradict each other"
        yield document.finding("contradiction", message, ("deployment", "keep"), key=True, hint="keep one of the two")
    elif "time_to_live" not in written and not deployment.keep:
        message = "a deployment says when it is to end, `time_to_live`, or `keep: true`"
        hint = "a forgotten deployment is paid for until somebody finds it; 72h suits a trial"
        yield document.finding("missing-key", message, ("deployment", "time_to_live"), hint=hint)
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


def of_cost(document: SourceDocument, parts: Parts, cost: Cost, environment: Environment | None) -> Iterator[Finding]:
    """No run without a known worst case, and none above the customization's or the environment's limit."""
    unpriced = sorted({line.instance_type for line in cost.lines if line.price is None})
    if unpriced:
        region = environment.region if environment is not None else "us-east-1"
        message = f"no price is known for {', '.join(unpriced)} in {region}, so the run's worst case is unknown"
        hint = f"say what an instance hour costs: budget: {{usd: …, prices: {{{unpriced[0]}: …}}}}"
        yield document.finding("price-unknown", message, ("budget",), key=True, hint=hint)
        return
    worst = cost.worst_case_usd
    if worst is None or not cost.lines:
        return
    if parts.budget is not None and parts.budget.usd < worst:
        message = f"the worst case of this run is ${worst:,.2f}, above its budget of ${parts.budget.usd:,.2f}"
        yield document.finding("over-budget", message, ("budget", "usd"), hint=_cheaper(cost))
    if environment is not None and environment.budget_usd_per_run < worst:
        limit = f"${environment.budget_usd_per_run:,.2f}"
        message = f"the worst case of this run is ${worst:,.2f}; the environment {environment.name} allows {limit}"
        raising = f"raise `budget_usd_per_run` of the environment {environment.name}"
        yield document.finding("over-environment-budget", message, ("budget", "usd"), hint=_cheaper(cost, raising))


def of_region(
    document: SourceDocument, parts: Parts, jobs: Iterable[JobSettings], environment: Environment
) -> Iterator[Finding]:
    """Amazon publishes images in some regions only, and Bedrock serves customized Nova models in fewer."""
    region = environment.region
    for recipe in {job.recipe.id: job.recipe for job in jobs}.values():
        if recipe.image("sagemaker", region) is None:
            message = f"Amazon publishes no image for {recipe.title} in {region}, where {environment.name} is"
            hint = f"it does in {', '.join(recipe.accounts)}"
            yield document.finding("region", message, ("model",), hint=hint)
    deploys = parts.deployment is not None and parts.deployment.target == "bedrock-on-demand"
    if deploys and region not in BEDROCK_REGIONS:
        message = (
            f"Bedrock takes customized Nova models in {', '.join(BEDROCK_REGIONS)}; {environment.name} is in {region}"
        )
        hint = "choose another environment, or `deployment: {target: none}`"
        yield document.finding("region", message, ("deployment", "target"), hint=hint)


def _cheaper(cost: Cost, raising: str = "raise the budget") -> str:
    parts = []
    for line in cost.lines:
        if line.worst_case_usd is not None:
            machines = f"{line.instance_count} of {line.instance_type} for {line.timeout_hours:g} h"
            parts.append(f"{line.job}: {machines} = ${line.worst_case_usd:,.2f}")
    return f"{raising}, or shorten a `timeout` ({'; '.join(parts)})"
