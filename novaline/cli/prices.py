"""`novaline prices show | refresh`: the prices that costs are estimated with, and asking AWS for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from novaline.cli import output
from novaline.cli.groups import command_group
from novaline.findings import UsageProblem

if TYPE_CHECKING:
    from rich.console import Console

    from novaline.cost.book import Change, Entry
    from novaline.cost.price_list import PricingClient
    from novaline.cost.refresh import Refreshed

_JSON = typer.Option("--json", help="Print one JSON document.")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_DEFAULT_REGION = "us-east-1"
"""Where every model can be customized, and what `check` assumes without an environment."""
_HEADINGS = {
    "training-instance": "training jobs, per instance hour",
    "customization": "jobs that Bedrock manages",
    "storage": "custom models kept in Bedrock, per month",
    "throughput": "provisioned throughput, per model unit hour",
    "function-time": "Lambda, per GB second",
    "function-calls": "Lambda, per 1,000,000 calls",
    "tokens-read": "Bedrock on demand, per 1,000 tokens read",
    "tokens-written": "Bedrock on demand, per 1,000 tokens written",
}


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    group = command_group("prices", help="Show the prices behind every cost, and ask AWS for them.")
    group.command("show", short_help="Show the prices, with source and date.")(show)
    group.command("refresh", short_help="Ask the AWS Price List API; needs credentials, costs nothing.")(refresh_prices)
    app.add_typer(group)


def show(
    *,
    region: Annotated[str | None, typer.Option("--region", metavar="NAME", help="Only of this region.")] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Show the prices that `check` and `plan` use: the project's own ahead of those that Novaline ships. Offline."""
    with output.reporting(json=json):
        from novaline.cost.prices import price_book  # noqa: PLC0415  # `--help` must not wait for it

        wanted = None if region is None else _region(region)
        entries = [entry for entry in price_book() if wanted in (None, entry.region)]
        if json:
            output.print_json({"prices": [_as_json(entry) for entry in entries]})
        else:
            _show(output.stdout(), entries, region)


def refresh_prices(
    *,
    region: Annotated[
        list[str] | None,
        typer.Option("--region", metavar="NAME", help="A region to ask for; repeat it for more. Default: us-east-1."),
    ] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Ask the AWS Price List API and write the project's prices.json. Needs pricing:GetProducts; asking is free.

    It asks for training instances and for Nova in Bedrock; not for jobs without instances, nor for distillation.
    """
    with output.reporting(json=json):
        from novaline.cost.prices import FILE_NAME  # noqa: PLC0415  # `--help` must not wait for it
        from novaline.cost.refresh import refresh  # noqa: PLC0415  # likewise
        from novaline.places import project_root  # noqa: PLC0415  # likewise
        from novaline.recipes.catalogue import catalogue  # noqa: PLC0415  # likewise
        from novaline.runs.problems import explained  # noqa: PLC0415  # likewise

        regions = list(dict.fromkeys(_region(name) for name in region or [_DEFAULT_REGION]))
        root = project_root()
        if root is None:
            message = "there is no project here to keep prices in: no folder above has a cdk.json"
            raise UsageProblem.of("no-checkout", message, hint="change into the repository (the folder with cdk.json)")
        types = {kind for recipe in catalogue().all() for kind in recipe.instances.types}
        console = output.stderr()
        with explained("asking for prices"):
            found = refresh(
                _client(),
                root / FILE_NAME,
                regions=regions,
                types=types,
                day=datetime.now(UTC).date(),
                report=lambda text: None if json else console.print(Text(f"{text} …", style="dim")),
            )
        if json:
            output.print_json(
                {
                    "file": str(found.path),
                    "confirmed": [_as_json(entry) for entry in found.confirmed],
                    "changes": [_change_as_json(change) for change in found.changes],
                    "unlisted": [_as_json(entry) for entry in found.unlisted],
                    "unread": list(found.unread),
                }
            )
        else:
            _show_refreshed(output.stdout(), found)


def _client() -> PricingClient:
    import boto3  # noqa: PLC0415 - half a second that the other commands must not pay
    from botocore.config import Config  # noqa: PLC0415 - likewise

    from novaline.cost.price_list import API_REGION  # noqa: PLC0415 - likewise

    config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, user_agent_extra="novaline")
    client: PricingClient = boto3.Session().client("pricing", region_name=API_REGION, config=config)
    return client


def _region(name: str) -> str:
    if _REGION.fullmatch(name) is None:
        raise UsageProblem.of("region", f"{name!r} is no region of AWS", hint="regions look like us-east-1")
    return name


def _show(console: Console, entries: Sequence[Entry], region: str | None) -> None:
    if not entries:
        place = f" in {region}" if region else ""
        console.print(Text(f"no price is known{place}; `novaline prices refresh` asks AWS"))
        _say_what_is_not_asked(console)
        return
    notes: dict[str, int] = {}
    last: Entry | None = None
    for entry in entries:
        if last is None or last.region != entry.region:
            console.print(Text(entry.region, style="bold"))
        if last is None or (last.region, last.what) != (entry.region, entry.what):
            console.print(Text(f"  {_HEADINGS[entry.what]}"))
        last = entry
        note = notes.setdefault(entry.source, len(notes) + 1)
        state = ("confirmed", "green") if entry.confirmed else ("unconfirmed", "yellow")
        price = f"{_dollars(entry.usd):>13}  {_detail(entry):<36}{entry.date or 'no date':<12}"
        console.print(Text.assemble(price, state, (f" [{note}]", "dim")))
    console.print()
    for source, note in notes.items():
        console.print(Text(f"[{note}] {source}", style="dim"))
    if not all(entry.confirmed for entry in entries):
        console.print(Text("What is not confirmed may be out of date: `novaline prices refresh` asks AWS."))
    _say_what_is_not_asked(console)


def _detail(entry: Entry) -> str:
    if entry.what == "customization":
        return f"{entry.subject}, {entry.technique}, per {entry.unit}"
    if entry.what == "throughput":
        return f"{entry.subject}, {'no commitment' if entry.commitment == 'none' else entry.commitment}"
    return entry.subject


def _show_refreshed(console: Console, found: Refreshed) -> None:
    for change in found.changes:
        if change.before is None:
            line = f"  new      {_dollars(change.after.usd)}"
        else:
            line = f"  changed  {_dollars(change.before.usd)} → {_dollars(change.after.usd)}"
        console.print(Text(f"{line} per {change.after.unit}  {change.after.title} ({change.after.region})"))
    for entry in found.unlisted:
        text = (
            f"  kept     {_dollars(entry.usd)} per {entry.unit}  {entry.title} ({entry.region}): AWS lists it no more"
        )
        console.print(Text(text, style="yellow"))
    for text in found.unread:
        console.print(Text(f"  not understood: {text}", style="yellow"))
    counts = f"{len(found.confirmed)} prices confirmed, {len(found.changes)} new or changed"
    console.print(Text.assemble((str(found.path), "bold"), f": {counts}"))
    _say_what_is_not_asked(console)


def _say_what_is_not_asked(console: Console) -> None:
    """Else a person whose hint led here looks for a price that cannot come."""
    from novaline.cost.price_list import NOT_ASKED  # noqa: PLC0415  # `--help` must not wait for it

    told = f"`refresh` does not ask for {NOT_ASKED}: no source says how AWS lists them. Nor for Lambda and for tokens."
    console.print(Text(told, style="dim"))


def _as_json(entry: Entry) -> dict[str, object]:
    return {
        "what": entry.what,
        "region": entry.region,
        "subject": entry.subject,
        "technique": entry.technique,
        "commitment": entry.commitment,
        "usd": entry.usd,
        "unit": entry.unit,
        "source": entry.source,
        "date": entry.date,
        "confirmed": entry.confirmed,
        "usage_type": entry.usage_type,
    }


def _change_as_json(change: Change) -> dict[str, object]:
    before = None if change.before is None else _as_json(change.before)
    return {"before": before, "after": _as_json(change.after)}


def _dollars(amount: float) -> str:
    """At least cents, and every digit that the price has: $60.50, $0.00378, $0.0000133334."""
    text = f"{amount:.10f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"${int(whole):,}.{cents:0<2}"
