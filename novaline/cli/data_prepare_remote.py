"""`novaline data prepare s3://… --output s3://… --remote --env E`: the environment prepares data where it lies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from novaline.cli import output as show
from novaline.cli.data_prepare_view import mapped, shown_size
from novaline.findings import Finding, UsageProblem

if TYPE_CHECKING:
    from novaline.datasets.prepare.request import Asked
    from novaline.datasets.remote.prepare_request import Options
    from novaline.runs.deployed import PreparationPlace
    from novaline.runs.map_execution import Progress
    from novaline.runs.preparation import Preparer


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOrder:
    """What is to be prepared of what, as far as that can be judged without a look at the data."""

    sources: tuple[str, ...]
    output: str
    options: Options


def prepare_remotely(asked: Asked, *, output: str | None, environment: str, as_json: bool) -> None:
    """Prepare objects in the environment's data bucket and print what was made.

    Raises UsageProblem before anything is started when the options are wrong; NovalineError with what the data is
    refused for, and then nothing was written. After Ctrl-C the preparation goes on.
    """
    order = order_of(asked, output=output)
    from novaline.runs.clients import account_clients  # noqa: PLC0415 - boto3, which `--help` must not wait for
    from novaline.runs.deployed import preparation_place, require_account  # noqa: PLC0415 - likewise
    from novaline.runs.launch import environment_named  # noqa: PLC0415 - likewise
    from novaline.runs.preparation import Preparer  # noqa: PLC0415 - likewise

    found = environment_named(environment)
    clients = account_clients(found.region)
    require_account(clients.sts, found)
    place = preparation_place(clients.cloudformation, found)
    prepare_and_show(Preparer(states=clients.states, s3=clients.s3, place=place), order, as_json=as_json)


def order_of(asked: Asked, *, output: str | None) -> RemoteOrder:
    """The order that the options make. Raises UsageProblem for what does not fit together, or not into S3."""
    from novaline.datasets.prepare.request import request_without_sources  # noqa: PLC0415 - `--help` must not wait
    from novaline.datasets.remote.prepare_request import Options, Output  # noqa: PLC0415 - likewise

    if asked.show:
        hint = "look at rows with --show and without --remote: few of them are read"
        raise UsageProblem.of("wrong-usage", "--show prints rows here, and --remote reads them in AWS", hint=hint)
    request = request_without_sources(asked)
    if output is None:
        hint = "add --output s3://BUCKET/prepared/NAME, in the environment's data bucket"
        raise UsageProblem.of("no-output", "nothing says where the rows should go", hint=hint)
    Output.of(output, shares=request.shares, only=request.only)
    for source in asked.sources:
        _check_source(source)
    return RemoteOrder(sources=asked.sources, output=output, options=Options.of(request, kind=asked.kind))


def _check_source(source: str) -> None:
    if not source.startswith("s3://"):
        message = f"--remote reads what lies in S3, and {source} does not"
        raise UsageProblem.of("not-in-s3", message, hint="leave --remote out, or upload it to the data bucket first")


def prepare_and_show(preparer: Preparer, order: RemoteOrder, *, as_json: bool) -> None:
    """Start a preparation, follow it, print what it made. Raises as `prepare_remotely` does."""
    require_place(preparer.place, order)
    name = preparation_name((*order.sources, order.output), created=datetime.now(UTC))
    execution = preparer.start(name, sources=order.sources, output=order.output, options=order.options.as_json())
    try:
        report = preparer.finish(execution, progress=_progress(name))
    except KeyboardInterrupt:
        show.stderr().print(Text(f"the preparation {name} goes on in AWS: {execution}"))
        raise
    if as_json:
        show.print_json({key: value for key, value in report.items() if key != "exit_code"})
    else:
        _show(report, order.options.format, environment=preparer.place.environment)


def require_place(place: PreparationPlace, order: RemoteOrder) -> None:
    """Raises UsageProblem for sources, or an output, in another bucket than the environment's."""
    from novaline.datasets.remote.prepare_request import require_in_bucket  # noqa: PLC0415 - `--help` must not wait

    for uri in (*order.sources, order.output):
        require_in_bucket(uri, bucket=place.data_bucket)


def preparation_name(uris: Sequence[str], *, created: datetime) -> str:
    """`prepare-<UTC yyyymmdd-hhmmss>-<6 hex of the URIs>`, the name of the execution."""
    digest = hashlib.sha256("\n".join(uris).encode()).hexdigest()
    return f"prepare-{created.astimezone(UTC):%Y%m%d-%H%M%S}-{digest[:6]}"


def _show(report: Mapping[str, Any], name: str, *, environment: str) -> None:
    """The result for a person, as the local command shows it."""
    console = show.stdout()
    show.print_findings(Finding(**each) for each in report["findings"])
    console.print(Text(mapped(report["mapping"], name)))
    width = max(map(len, report["files"]))
    for uri, file in zip(report["files"], report["manifest"]["files"], strict=True):
        console.print(Text(f"{uri:<{width}}  {file['rows']:>10,} rows  {shown_size(file['bytes']):>9}"))
    left_out = sum(report["manifest"]["skipped"].values())
    if left_out:
        console.print(Text(f"{left_out:,} rows left out", style="bold yellow"))
    console.print(Text(f"{report['output']}  what was made of what"))
    there = f"--remote --env {environment}"
    console.print(Text(f"next: novaline data validate {report['files'][0]} --format {name} {there}"))


def _progress(name: str) -> Progress:
    """One line on stderr each time that more parts are done."""
    console, last = show.stderr(), [(-1, -1)]

    def tell(done: int, parts: int) -> None:
        if (done, parts) != last[0]:
            last[0] = (done, parts)
            console.print(Text(f"{name}: {done:,} of {parts:,} parts", style="dim"))

    return tell
