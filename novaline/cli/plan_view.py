"""The plan as a person reads it: what runs on what, what differs from the recipe, what AWS is asked, what it costs."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from novaline.customization.model import duration_text
from novaline.customization.plan import Plan
from novaline.recipes.overrides import shown
from novaline.requests.planned import PlannedRequest

_WIDEST_TABLE = 140


def show_plan(plan: Plan, *, console: Console) -> None:
    """Prints the plan, section by section."""
    customization = plan.checked.customization
    title = Text.assemble(
        (customization.name, "bold"), f": {customization.model} in {plan.environment} ({plan.region})"
    )
    console.print(title)
    for heading, table in (
        ("Jobs", _jobs(plan)),
        ("Recipe, where it differs from the published one", _differences(plan)),
        ("Data to upload", _data(plan)),
        ("Requests to AWS", _requests(plan)),
        ("Quotas that the account needs", _quotas(plan)),
        ("Cost, US dollars", _cost(plan)),
    ):
        console.print()
        console.print(Text(heading, style="bold cyan"))
        console.print(table, width=min(max(console.width, 80), _WIDEST_TABLE))
    console.print()
    _show_promises(plan, console)


def _jobs(plan: Plan) -> Table:
    table = _table("job", "what", "recipe", "instances", "rows", "at most")
    for job in plan.jobs:
        settings = job.settings
        recipe = f"{settings.recipe.id} {settings.recipe.version}"
        machines = f"{settings.instance_count} of {settings.instance_type}"
        table.add_row(job.name, job.what, recipe, machines, f"{job.rows:,}", duration_text(settings.timeout))
    return table


def _differences(plan: Plan) -> Table:
    table = _table("job", "key", "published", "here")
    for job in plan.jobs:
        for item in job.differences:
            table.add_row(job.name, item.path, shown(item.default), Text(shown(item.value), style="bold yellow"))
    if not table.row_count:
        table.add_row("", "nothing differs", "", "")
    return table


def _data(plan: Plan) -> Table:
    table = _table("what", "file", "size", "SHA-256")
    for upload in plan.compiled.uploads:
        table.add_row(upload.what, str(upload.path), f"{upload.bytes:,} bytes", f"{upload.sha256[:16]}…")
    return table


def _requests(plan: Plan) -> Table:
    table = _table("state", "request", "with")
    for request in plan.requests:
        note = f" (if {request.condition})" if request.condition else ""
        table.add_row(request.state, f"{request.service} {request.action}", f"{_gist(request)}{note}")
    return table


def _gist(request: PlannedRequest) -> str:
    """The parameter that tells requests of one kind apart."""
    for name in ("TrainingJobName", "modelName", "modelDeploymentName", "nameContains"):
        if name in request.parameters:
            return str(request.parameters[name])
    return next(iter(request.at_run.values()), "")


def _quotas(plan: Plan) -> Table:
    table = _table("service", "quota", "needed")
    for quota in plan.quotas:
        table.add_row(quota.service, quota.name, f"{quota.needed:,}")
    return table


def _cost(plan: Plan) -> Table:
    table = _table("job", "an hour", "expected", "worst case")
    for line in plan.compiled.cost.lines:
        hourly = None if line.price is None else line.price.usd_per_hour * line.instance_count
        expected = f"{line.expected_hours:.1f} h  {_usd(line.expected_usd)}"
        worst = f"{line.timeout_hours:.1f} h  {_usd(line.worst_case_usd)}"
        table.add_row(line.job, _usd(hourly), expected, worst)
    cost = plan.compiled.cost
    table.add_section()
    table.add_row(
        Text("total", style="bold"), "", _usd(cost.expected_usd), Text(_usd(cost.worst_case_usd), style="bold")
    )
    return table


def _show_promises(plan: Plan, console: Console) -> None:
    customization = plan.checked.customization
    gate = customization.gate
    against = f"{gate.metric} of {gate.evaluation} above the {gate.against} by more than {gate.margin:g}"
    console.print(Text(f"Gate: {against}, at {gate.confidence:.1%} confidence."))
    deployment = customization.deployment
    if deployment.target == "none":
        console.print(Text("Deployment: none; the run stops after the gate."))
    else:
        life = (
            "until somebody ends it"
            if deployment.time_to_live is None
            else f"with a time to live of {duration_text(deployment.time_to_live)}, recorded and not enforced yet"
        )
        console.print(Text(f"Deployment: {deployment.name} on Bedrock, on demand, {life}."))
    console.print(Text(f"Budget: ${customization.budget.usd:,.2f}; a run whose worst case is above it is refused."))
    sources = {f"{line.instance_type}: {line.price.source}" for line in plan.compiled.cost.lines if line.price}
    for source in sorted(sources):
        console.print(Text(f"Price of {source}.", style="dim"))
    console.print(Text("Expected cost is a rough model: see novaline/cost/estimate.py.", style="dim"))


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    numeric = {"rows", "size", "needed", "an hour", "expected", "worst case"}
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    return table


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}"
