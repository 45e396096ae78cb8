"""`novaline check FILE`: is the customization right, and is its data? Offline, within two seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from novaline.cli import output

_UNSEEN = {"sha256": None, "bytes": None, "rows": None}
"""What an offline check knows of data in S3."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check", short_help="Check a customization file and its data, offline.")(check)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The customization file.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check a customization file and its datasets. Offline: no AWS account, no cost."""
    with output.reporting(json=json):
        from novaline.customization.checks import check_file  # noqa: PLC0415  # `--help` must not wait for it

        checked = check_file(file)
        if json:
            output.print_json(
                {
                    "customization": checked.customization.model_dump(mode="json"),
                    "datasets": {
                        **{name: {"path": uri, **_UNSEEN} for name, uri in checked.remote.items()},
                        **{
                            name: {"path": data.name, "sha256": data.sha256, "bytes": data.bytes, "rows": data.rows}
                            for name, data in checked.datasets.items()
                        },
                    },
                    "cost": checked.cost.as_json(),
                    "findings": [finding.as_json() for finding in checked.findings],
                }
            )
            return
        output.print_findings(checked.findings)
        known = {name: f"{name} {data.rows:,} rows" for name, data in checked.datasets.items()}
        known |= {name: f"{name} in S3" for name in checked.remote}
        rows = ", ".join(known[name] for name in sorted(known))
        text = Text.assemble(
            (f"{file}: ", "bold"), ("ok", "bold green"), f" ({output.summary(checked.findings)}; {rows})"
        )
        output.stdout().print(text)
