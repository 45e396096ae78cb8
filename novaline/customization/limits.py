"""Limits from outside the file: what the run may cost, and what there is in the environment's region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from novaline.cost.estimate import Cost
from novaline.cost.managed import ManagedCost
from novaline.cost.prices import customization_rate, price_book
from novaline.customization.availability import PLATFORMS, has_instances, recipe_platform
from novaline.customization.costing import DEFAULT_REGION
from novaline.customization.managed import BEDROCK_REGION, SERVERLESS_REGIONS
from novaline.customization.settings import JobSettings
from novaline.customization.stored_data import SCHEME
from novaline.customization.structure import Parts
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.findings import Finding, Severity, nearest
from novaline.recipes.catalogue import Catalogue
from novaline.recipes.problems import listed

if TYPE_CHECKING:
    from novaline.environments import Environment

BEDROCK_REGIONS = ("us-east-1",)
"""Where Bedrock imports a customized Nova model and serves it on demand (AWS documentation, mid 2026)."""

OF_MONEY = frozenset({"price-unknown", "over-budget", "over-environment-budget"})
"""Codes of what `of_cost` finds: reasons not to run, and none not to look at a plan."""

_DECIDING = ("technique", "tuning", "platform", "teacher", "task", "timeout", "instances")
"""Keys of stages and evaluations that decide what a job costs at most."""


def is_settled(document: SourceDocument, findings: Iterable[Finding]) -> bool:
    """Whether nothing is wrong with what decides the cost: else a sum would blame the budget for another mistake."""
    wrong = {(finding.line, finding.column) for finding in findings if finding.severity == "error"}
    deciding = (
        path
        for path in document.values
        if len(path) > 2 and path[0] in ("stages", "evaluations") and path[2] in _DECIDING
    )
    return not any(document.locate(path, key=key)[:2] in wrong for path in deciding for key in (False, True))


def of_cost(document: SourceDocument, parts: Parts, cost: Cost, environment: Environment | None) -> Iterator[Finding]:
    """No run on instances without a known worst case, and none above the customization's or the environment's limit."""
    region = environment.region if environment is not None else DEFAULT_REGION
    unpriced = sorted({line.instance_type for line in cost.lines if line.price is None})
    if unpriced:
        if not any(path[:2] == ("budget", "prices") for path in parts.unknown):
            message = f"no price is known for {', '.join(unpriced)} in {region}, so the run's worst case is unknown"
            hint = f"say what an instance hour costs: budget: {{usd: …, prices: {{{unpriced[0]}: …}}}}"
            yield document.finding("price-unknown", message, ("budget",), key=True, hint=hint)
        return
    unknown = [line for line in cost.managed if line.worst_case_usd is None]
    for hint, jobs in _by_reason(unknown, parts, region).items():
        message = f"what AWS charges for {listed(jobs)} at most is not known, so the run's worst case is not either"
        yield document.finding("price-unknown", message, ("budget",), key=True, severity="warning", hint=hint)
    worst = sum(line.worst_case_usd or 0.0 for line in cost.lines)
    worst += sum(line.worst_case_usd or 0.0 for line in cost.managed)
    least = "at least " if unknown else ""
    if parts.budget is not None and parts.known("budget", "usd") and parts.budget.usd < worst:
        message = f"the worst case of this run is {least}${worst:,.2f}, above its budget of ${parts.budget.usd:,.2f}"
        yield document.finding("over-budget", message, ("budget", "usd"), hint=_cheaper(cost))
    if environment is not None and environment.budget_usd_per_run < worst:
        limit = f"${environment.budget_usd_per_run:,.2f}"
        message = (
            f"the worst case of this run is {least}${worst:,.2f}; the environment {environment.name} allows {limit}"
        )
        raising = f"raise `budget_usd_per_run` of the environment {environment.name}"
        yield document.finding("over-environment-budget", message, ("budget", "usd"), hint=_cheaper(cost, raising))


def _by_reason(unknown: Sequence[ManagedCost], parts: Parts, region: str) -> dict[str, list[str]]:
    """Why the worst case of jobs without instances is not known, and what to do: hint → the jobs."""
    platforms = {stage.name: stage.platform for stage in parts.stages if stage is not None}
    in_s3 = {stage.name for stage in parts.stages if stage is not None and stage.data.train.startswith(SCHEME)}
    unseen = in_s3 & {line.job for line in unknown if not line.dataset_bytes}
    found: dict[str, list[str]] = {}
    for line in unknown:
        rate = customization_rate(region, line.model, line.technique, book=price_book())
        if platforms.get(line.job) == "serverless":
            hint = "no source states what serverless jobs cost, and `novaline prices refresh` does not ask for it"
        elif rate is None:
            hint = "`novaline prices refresh` asks AWS for the price"
        elif line.rate is None and line.job in unseen:
            hint = "the job is billed by token, and its data lies in S3: `run` looks it up"
        elif line.rate is None:
            hint = "the job is billed by token: say `epochCount`, how often it reads its rows"
        else:
            hint = "the job is billed by token, and no source states how many tokens images and videos are"
        found.setdefault(hint, []).append(line.job)
    return found


def _cheaper(cost: Cost, raising: str = "raise the budget") -> str:
    parts = []
    for line in cost.lines:
        if line.worst_case_usd is not None:
            machines = f"{line.instance_count} of {line.instance_type} for {line.timeout_hours:g} h"
            parts.append(f"{line.job}: {machines} = ${line.worst_case_usd:,.2f}")
    return f"{raising}, or shorten a `timeout` ({'; '.join(parts)})"


def of_region(
    document: SourceDocument,
    parts: Parts,
    jobs: Mapping[DataPath, JobSettings],
    environment: Environment,
) -> Iterator[Finding]:
    """Amazon publishes images in some regions only, and its managed jobs and deployments are in fewer.

    `jobs` are settings by the place of their stage or evaluation. The same reason is told once, at its first place.
    """
    region, told = environment.region, set[str]()
    for where, settings in jobs.items():
        found = _of_job(settings, region)
        if found is not None and found[0] not in told:
            told.add(found[0])
            message, hint = found
            severity: Severity = "warning" if settings.platform == "serverless" else "error"
            place = (*where, "platform" if (*where, "platform") in document.values else "name")
            message = f"{message}; {environment.name} is in {region}"
            yield document.finding("region", message, place, severity=severity, hint=hint)
    deploys = parts.deployment is not None and parts.deployment.target == "bedrock-on-demand"
    if deploys and region not in BEDROCK_REGIONS and parts.known("deployment", "target"):
        message = (
            f"Bedrock takes customized Nova models in {', '.join(BEDROCK_REGIONS)}; {environment.name} is in {region}"
        )
        hint = "choose another environment, or `deployment: {target: none}`"
        yield document.finding("region", message, ("deployment", "target"), hint=hint)


def of_images(recipes: Catalogue, environment: Environment) -> Iterator[Finding]:
    """A pin whose name no recipe runs pins nothing, and its reader believes that it does."""
    if not environment.images:
        return
    known = {image.name for recipe in recipes.all() for image in recipe.images.values()}
    for name in environment.images:
        if name not in known:
            close = nearest(name, known)
            yield Finding(
                code="unknown-image",
                severity="error",
                message=f"the environment {environment.name} pins the image {name}, which no recipe runs",
                hint=f"did you mean {close}?" if close else f"images are {', '.join(sorted(known))}",
            )


def _of_job(settings: JobSettings, region: str) -> tuple[str, str] | None:
    """Why the job does not run in the region, and what to do."""
    recipe, platform = settings.recipe, settings.platform
    if platform == "bedrock":
        message = f"Bedrock customizes Nova models in {BEDROCK_REGION}"
        return None if region == BEDROCK_REGION else (message, "choose another environment")
    if platform == "serverless":
        message = f"{PLATFORMS[platform]} is known to train Nova models in {listed(SERVERLESS_REGIONS)}"
        return None if region in SERVERLESS_REGIONS else (message, "choose another environment")
    image = recipe.images.get(recipe_platform(platform))
    if not has_instances(platform) or image is None or image.uri(region) is not None:
        return None
    return f"Amazon publishes no image of {recipe.title} there", f"it does in {', '.join(image.accounts)}"
