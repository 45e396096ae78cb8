"""The plan as a person reads it: what it costs, what runs on what, what AWS is asked, who needs which permission."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from novaline.cli.plan_cards import card, heading, service_of
from novaline.cost.estimate import JobCost
from novaline.customization.model import duration_text
from novaline.customization.plan import Plan
from novaline.customization.planned_jobs import PlannedJob
from novaline.recipes.problems import listed
from novaline.requests.permissions import TITLES, Permission, Who
from novaline.requests.planned import PlannedRequest

_WIDEST = 140


def show_plan(plan: Plan, *, console: Console) -> None:
    """Prints the plan, section by section: money first, then each job, then what AWS is asked for."""
    width = min(console.width, _WIDEST)
    customization, environment = plan.checked.customization, plan.environment
    place = f"{environment.name} (account {environment.account}, {environment.region})"
    console.print(Text.assemble((customization.name, "bold"), f": {customization.model} in {place}"))
    console.print(Text("Offline: AWS was asked nothing, and nothing has begun.", style="dim"))
    _section(console, "Jobs", _cost(plan), width)
    for line in _money(plan):
        console.print(line, width=width, soft_wrap=False)
    for job in plan.jobs:
        _section(console, heading(job), card(job, environment=environment.name), width)
    _section(console, "Data to upload", _data(plan), width)
    _section(console, "Requests to AWS", _requests(plan), width)
    _section(console, "Permissions", _permissions(plan), width)
    _section(console, "Quotas that the account needs", _quotas(plan), width)
    if plan.notes:
        _section(console, "Left to you", _list(plan.notes), width)
    console.print()
    for line in _promises(plan):
        console.print(line, width=width, soft_wrap=False)
    if plan.obstacles:
        found = [f"line {item.line}: {item.message}" for item in plan.obstacles]
        _section(console, "This plan cannot run: `novaline run` and `rehearse` refuse it", _list(found), width)


def _section(console: Console, title: str, body: RenderableType, width: int) -> None:
    console.print()
    console.print(Text(title, style="bold cyan"), width=width, soft_wrap=False)
    console.print(body, width=width, soft_wrap=False)


def _cost(plan: Plan) -> Table:
    table = _table("job", "on", "hours", "limit", "expected $", "worst $")
    for job in plan.jobs:
        for line in job.lines:
            hours = _hours(line.expected_hours if isinstance(line, JobCost) else None)
            limit = duration_text(job.settings.timeout)
            table.add_row(line.job, _machines(job), hours, limit, _usd(line.expected_usd), _usd(line.worst_case_usd))
        if not job.lines:
            limit = duration_text(job.settings.timeout)
            table.add_row(job.name, _machines(job), "unknown", limit, "the cluster's", "the cluster's")
    cost = plan.compiled.cost
    table.add_section()
    worst = Text(_usd(cost.worst_case_usd), style="bold")
    table.add_row(Text("total", style="bold"), "", "", "", _usd(cost.expected_usd), worst)
    return table


def _machines(job: PlannedJob) -> str:
    settings = job.settings
    return f"{settings.instance_count} x {settings.instance_type}" if settings.instance_type else service_of(job)


def _money(plan: Plan) -> list[Text]:
    cost, budget = plan.compiled.cost, plan.checked.customization.budget
    allowed = f"${plan.environment.budget_usd_per_run:,.2f}"
    hours, limit_hours = plan.expected_hours, plan.limit_hours
    beside = ", beside the cluster" if any(job.settings.platform == "hyperpod" for job in plan.jobs) else ""
    time = "unknown" if hours is None else f"about {hours:.1f} h"
    lines = [
        Text(f"Time: {time}, at most {limit_hours:g} h, besides waiting for capacity."),
        Text(
            f"Cost: expected {_dollars(cost.expected_usd)}, in the worst case {_dollars(cost.worst_case_usd)}{beside}."
        ),
        Text(
            f"Budget: ${budget.usd:,.2f}, and {plan.environment.name} allows {allowed} a run; "
            "a run whose worst case is above one of them is refused."
        ),
    ]
    sources = dict.fromkeys(
        f"Price of {line.instance_type}: ${line.price.usd_per_hour:g} an hour. Source: {line.price.source}"
        for line in cost.lines
        if line.price is not None
    )
    rates = dict.fromkeys(
        f"Price of {line.job}: ${line.rate.usd:g} for {_unit(line.rate.unit)}. Source: {line.rate.source}"
        for line in cost.managed
        if line.rate is not None
    )
    if cost.storage is not None:
        rates[f"Price of keeping the model: ${cost.storage.usd:g} a month. Source: {cost.storage.source}"] = None
    lines += [Text(source + ".", style="dim") for source in (*sources, *rates)]
    return [*lines, *(Text(line, style="dim") for line in _caveats(plan))]


def _caveats(plan: Plan) -> Iterator[str]:
    """How far the figures can be trusted, and why some are missing."""
    lines = plan.compiled.cost.lines
    if any(line.expected_hours is not None for line in lines):
        yield "Expected hours, and what follows from them, are a rough model: it may be off by a factor of two."
    unseen = {key.partition("/")[0] for key in plan.checked.remote if not key.endswith("/validation")}
    unknown = [line.job for line in lines if line.expected_hours is None]
    in_s3 = [job for job in unknown if job.removesuffix("-base").removesuffix("-candidate") in unseen]
    if in_s3:
        yield f"No hours are expected of {listed(in_s3)}: the data lies in S3, and how much it is, `run` asks."
    generating = [job for job in unknown if job not in in_s3]
    if generating:
        yield (
            f"No hours are expected of {listed(generating)}: they depend on what is generated, and nobody publishes "
            "how long that takes. Only the worst case is known."
        )
    serverless = [job.name for job in plan.jobs if job.settings.platform == "serverless"]
    if serverless:
        yield f"No source states a price for {listed(serverless)}, and `novaline prices refresh` cannot ask for one."


def _unit(unit: str) -> str:
    return f"an {unit}" if unit == "hour" else f"{unit}"


def _data(plan: Plan) -> Table:
    table = _table("what", "file", "bytes", "SHA-256")
    for upload in plan.compiled.uploads:
        size, digest = upload.bytes, upload.sha256
        known = ("", "") if size is None or digest is None else (f"{size:,}", f"{digest[:12]}…")
        table.add_row(upload.what, upload.name, *known)
    return table


def _requests(plan: Plan) -> Table:
    table = _table("state", "request", "with")
    for request in plan.requests:
        note = f" (if {request.condition})" if request.condition else ""
        table.add_row(request.state, f"{request.service} {request.action}", f"{_gist(request)}{note}")
    return table


def _gist(request: PlannedRequest) -> str:
    """The parameter that tells requests of one kind apart."""
    for name in ("TrainingJobName", "jobName", "modelName", "modelDeploymentName", "nameContains", "HubContentName"):
        if name in request.parameters:
            return str(request.parameters[name])
    return next(iter(request.at_run.values()), "")


def _permissions(plan: Plan) -> Table:
    """A row for each role: what its statements grant, and in yellow what nothing grants yet."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", min_width=16, max_width=24)
    table.add_column(overflow="fold")
    by_role: dict[Who, list[Permission]] = {}
    for permission in plan.permissions:
        by_role.setdefault(permission.who, []).append(permission)
    for who, found in by_role.items():
        text = Text(_actions([item for item in found if not item.missing]))
        for item in found:
            if item.missing:
                what = f"{_actions([item])} on {', '.join(item.resources)} ({item.because})"
                text.append(f"{chr(10) if text else ''}not granted yet: {what}", style="yellow")
        table.add_row(TITLES[who], text)
    return table


def _actions(permissions: list[Permission]) -> str:
    by_service: dict[str, list[str]] = {}
    for permission in permissions:
        for action in permission.actions:
            service, _, name = action.partition(":")
            by_service.setdefault(service, []).append(name)
    lines = (f"{service}: {', '.join(dict.fromkeys(names))}" for service, names in by_service.items())
    return "\n".join(lines)


def _quotas(plan: Plan) -> Table:
    table = _table("service", "quota", "needed", "code")
    for quota in plan.quotas:
        table.add_row(quota.service, quota.name, f"{quota.needed:,}", quota.code or "by its name")
    return table


def _promises(plan: Plan) -> list[Text]:
    customization = plan.checked.customization
    gate, deployment = customization.gate, customization.deployment
    against = f"{gate.metric} of {gate.evaluation} above the {gate.against} by more than {gate.margin:g}"
    lines = [Text(f"Gate: {against}, at {gate.confidence:.1%} confidence.")]
    if deployment.target == "none":
        return [*lines, Text("Deployment: none; the run stops after the gate.")]
    life = "until somebody ends it"
    if deployment.time_to_live is not None:
        life = f"with a time to live of {duration_text(deployment.time_to_live)}, recorded and not enforced yet"
    return [*lines, Text(f"Deployment: {deployment.name} on Bedrock, on demand, {life}.")]


def _list(items: list[str] | tuple[str, ...]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="yellow")
    table.add_column(overflow="fold")
    for item in items:
        table.add_row("-", Text(item))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    numeric = {"bytes", "needed", "hours", "limit", "expected $", "worst $"}
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    return table


def _hours(hours: float | None) -> str:
    return "unknown" if hours is None else f"{hours:.1f}"


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}"


def _dollars(amount: float | None) -> str:
    return "unknown" if amount is None else f"${amount:,.2f}"
