"""`novaline data validate s3://… --remote --env E`: the environment reads the data where it lies, and tells."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from novaline.cli import output
from novaline.findings import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from novaline.datasets.report import Report
    from novaline.datasets.validate import Options
    from novaline.runs.inspection import Inspector
    from novaline.runs.map_execution import Progress


def validate_remotely(
    uris: Sequence[str], *, held_out: Sequence[str], environment: str, options: Options, as_json: bool
) -> int:
    """Inspect the objects in the environment's data bucket and print the report; the exit status.

    Raises NovalineError when it could not be inspected. After Ctrl-C the inspection goes on.
    """
    local = [uri for uri in (*uris, *held_out) if not uri.startswith("s3://")]
    if local:
        message = f"--remote reads what lies in S3, and {local[0]} is a local path"
        raise UsageProblem.of("not-in-s3", message, hint="leave --remote out, or upload it to the data bucket first")
    from novaline.runs.clients import account_clients  # noqa: PLC0415 - boto3, which `--help` must not wait for
    from novaline.runs.deployed import inspection_place, require_account  # noqa: PLC0415 - likewise
    from novaline.runs.inspection import Inspector  # noqa: PLC0415 - likewise
    from novaline.runs.launch import environment_named  # noqa: PLC0415 - likewise

    found = environment_named(environment)
    clients = account_clients(found.region)
    require_account(clients.sts, found)
    place = inspection_place(clients.cloudformation, found)
    inspector = Inspector(states=clients.states, s3=clients.s3, place=place)
    return inspect_and_show(inspector, uris, held_out=held_out, options=options, as_json=as_json)


def inspect_and_show(
    inspector: Inspector, uris: Sequence[str], *, held_out: Sequence[str], options: Options, as_json: bool
) -> int:
    """Start an inspection, follow it, print its report; 1 when a job would break on the data."""
    import msgspec  # noqa: PLC0415 - `--help` must not wait for it

    from novaline.cli.data_validate import show  # noqa: PLC0415 - it calls this module

    given = msgspec.to_builtins(options)
    name = inspection_name((*uris, *held_out), created=datetime.now(UTC))
    execution = inspector.start(name, sources=uris, held_out=held_out, options=given)
    try:
        document = inspector.finish(execution, progress=_progress(name))
    except KeyboardInterrupt:
        output.stderr().print(Text(f"the inspection {name} goes on in AWS: {execution}"))
        raise
    report = report_from(document)
    if as_json:
        output.print_json(document)
    else:
        show(report, json=False)
    return 1 if report.errors else 0


def inspection_name(uris: Sequence[str], *, created: datetime) -> str:
    """`validate-<UTC yyyymmdd-hhmmss>-<6 hex of the URIs>`, the name of the execution and of the report's folder."""
    digest = hashlib.sha256("\n".join(uris).encode()).hexdigest()
    return f"validate-{created.astimezone(UTC):%Y%m%d-%H%M%S}-{digest[:6]}"


def report_from(document: Mapping[str, Any]) -> Report:
    """The report that was written as this document; what did not fit into it is not in the report either."""
    from novaline.datasets.report import FileReport, Report, RowFinding  # noqa: PLC0415 - `--help` must not wait for it

    return Report(
        format=document["format"],
        files=tuple(FileReport(**file) for file in document["files"]),
        findings=tuple(RowFinding(**{**each, "lines": tuple(each["lines"])}) for each in document["findings"]),
        tokens=document["tokens"],
        longest_row=document["longest_row"],
        media=document["media"],
    )


def _progress(name: str) -> Progress:
    """One line on stderr each time that more parts are done."""
    console, last = output.stderr(), [-1]

    def tell(done: int, parts: int) -> None:
        if done != last[0]:
            last[0] = done
            console.print(Text(f"{name}: {done:,} of {parts:,} parts", style="dim"))

    return tell
