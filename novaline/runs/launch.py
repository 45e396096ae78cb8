"""From a customization file to a run that has started: check, compile, upload, start."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from novaline.customization.checks import Checked, check_file
from novaline.customization.compile import CompiledRun, compile_run
from novaline.customization.runnable import refuse_unless_runnable
from novaline.customization.stored_data import StoredData
from novaline.environments import Environment, load_environment
from novaline.findings import NovalineError, UsageProblem, nearest
from novaline.places import project_root
from novaline.requests.resources import Resources
from novaline.runs.identity import run_id
from novaline.runs.start import start
from novaline.runs.upload import Report, upload_run

if TYPE_CHECKING:
    from novaline.runs.clients import Clients


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run that may start: a customization that passed its checks, the environment, the run's id and time."""

    checked: Checked
    environment: Environment
    run: str
    created: datetime

    @property
    def held_out(self) -> Path:
        """The dataset of the evaluation that the gate looks at, a local file. Raises ValueError for one in S3."""
        return self.checked.datasets[f"{self.checked.customization.gate.evaluation}/data"].path

    def in_words(self) -> str:
        """What would run on what, and its cost, in one line."""
        customization, cost = self.checked.customization, self.checked.cost
        rows = sum(item.rows for name, item in self.checked.datasets.items() if name.endswith("/train"))
        money = f"expected {_dollars(cost.expected_usd)}, at most {_dollars(cost.worst_case_usd)}"
        return f"{customization.model}, {rows:,} training rows; on AWS: {money}"


def order(
    file: Path,
    environment: Environment,
    *,
    stored: StoredData | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Order:
    """The order for a run of `file`; `stored` is asked about data in S3, and is needed where there is some.

    Raises NovalineError with every finding, among them a budget that is too small, or with all that the workflow cannot
    run yet.
    """
    checked = check_file(file, environment=environment, stored=stored)
    refuse_unless_runnable(checked)
    if checked.remote:
        message = f"nobody was asked whether {', '.join(sorted(set(checked.remote.values())))} may be used"
        raise NovalineError.of("not-validated", message)
    created = now().astimezone(UTC).replace(microsecond=0)
    digest = hashlib.sha256(checked.document.text.encode())
    for name, dataset in sorted(checked.datasets.items()):
        digest.update(f"{name}={dataset.digest};".encode())
    run = run_id(checked.customization.name, created=created, content=digest.hexdigest())
    return Order(checked=checked, environment=environment, run=run, created=created)


def compiled(given: Order, resources: Resources) -> CompiledRun:
    """The order as requests, recipes and claim that name the environment's resources."""
    created = given.created.isoformat().replace("+00:00", "Z")
    return compile_run(
        given.checked, environment=given.environment, resources=resources, run=given.run, created=created
    )


def training_jobs(run: CompiledRun) -> tuple[str, ...]:
    """The base names of the stages' training jobs, whose logs tell how they go."""
    return tuple(stage["job"]["base_name"] for stage in run.claim["stages"])


def launch(clients: Clients, run: CompiledRun, resources: Resources, *, report: Report = lambda _: None) -> str:
    """Uploads what the run needs and starts it; the execution's ARN. Nothing is started when anything fails."""
    claim = upload_run(clients.s3, run, resources, report=report)
    return start(clients.states, claim, resources)


def environment_named(name: str, *, root: Path | None = None) -> Environment:
    """The environment of that name, from `environments/` of the checkout. Raises UsageProblem when there is none."""
    checkout = root or project_root()
    if checkout is None:
        message = "there is no environments/ folder here: the working directory is in no checkout of Novaline"
        raise UsageProblem.of("no-checkout", message, hint="change into the repository (the folder with cdk.json)")
    folder = checkout / "environments"
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in known:
        close = nearest(name, known)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(known) or 'none'}"
        raise UsageProblem.of("unknown-environment", f"there is no environment {name!r} in {folder}", hint=hint)
    return load_environment(folder / f"{name}.yaml")


def _dollars(amount: float | None) -> str:
    return "unknown" if amount is None else f"${amount:,.0f}"
