"""Checks a customization file: its form, the recipe's rules, its datasets, its cost. Everything at once, offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from novaline.cost.estimate import Cost
from novaline.customization import relations
from novaline.customization.costing import estimate
from novaline.customization.model import Customization, Evaluation, Stage
from novaline.customization.settings import JobSettings, PlacedProblem, evaluation_settings, stage_settings
from novaline.customization.structure import Parts, read_parts
from novaline.customization.yaml_source import DataPath, SourceDocument, load_yaml
from novaline.datasets.scan import Dataset, Kind, scan
from novaline.findings import Finding, NovalineError, Severity, errors_in
from novaline.recipes.catalogue import Catalogue, catalogue
from novaline.recipes.model import Model

if TYPE_CHECKING:
    from novaline.environments import Environment

_FEWEST_ROWS_NOVA_2 = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A customization that passed. `datasets` are by `<stage>/train`, `<stage>/validation` and `<evaluation>/data`.

    `findings` are warnings only: an error raises.
    """

    document: SourceDocument
    customization: Customization
    stages: Mapping[str, JobSettings]
    evaluations: Mapping[str, JobSettings]
    datasets: Mapping[str, Dataset]
    cost: Cost
    findings: tuple[Finding, ...]


def check_file(path: Path, *, environment: Environment | None = None) -> Checked:
    """The customization in the file at `path`, checked; with `environment` also against its region and its budget.

    Raises NovalineError with every finding (warnings among them) when one is an error, UsageProblem when there is no
    such file. Data files are looked for relative to the customization file.
    """
    document = load_yaml(path)
    checker = _Checker(document, environment, catalogue())
    return checker.check()


class _Checker:
    """One check of one file."""

    def __init__(self, document: SourceDocument, environment: Environment | None, recipes: Catalogue) -> None:
        self.document = document
        self.environment = environment
        self.recipes = recipes
        self.findings: list[Finding] = []
        self.datasets: dict[str, Dataset] = {}
        self.held_out: set[int] = set()

    def check(self) -> Checked:
        parts, findings = read_parts(self.document)
        self.findings += findings
        self.findings += relations.of_names(self.document, parts)
        self.findings += relations.of_gate_and_deployment(self.document, parts)
        self.findings += relations.of_timeouts(self.document, parts)
        stages, evaluations = self._settings(parts)
        if parts.model in self.recipes.models():
            self._data(parts, stages, self.recipes.model(parts.model))
        cost = estimate(
            stages=stages, evaluations=evaluations, datasets=self.datasets, environment=self.environment, parts=parts
        )
        self.findings += relations.of_cost(self.document, parts, cost, self.environment)
        if self.environment is not None:
            jobs = [*stages.values(), *evaluations.values()]
            self.findings += relations.of_region(self.document, parts, jobs, self.environment)
        self.findings.sort(key=self._order)
        if errors_in(self.findings):
            raise NovalineError(self.findings)
        return Checked(
            document=self.document,
            customization=Customization.model_validate(self.document.data),
            stages=stages,
            evaluations=evaluations,
            datasets=self.datasets,
            cost=cost,
            findings=tuple(self.findings),
        )

    def _order(self, finding: Finding) -> tuple[bool, str, int, int]:
        """The customization file before its datasets, each from top to bottom."""
        file = finding.file or ""
        return file != self.document.file, file, finding.line or 0, finding.column or 0

    def _settings(self, parts: Parts) -> tuple[dict[str, JobSettings], dict[str, JobSettings]]:
        stages: dict[str, JobSettings] = {}
        evaluations: dict[str, JobSettings] = {}
        if parts.model not in self.recipes.models():
            return stages, evaluations
        for index, stage in enumerate(parts.stages):
            if stage is not None:
                found, problems = stage_settings(self.recipes, model=parts.model, stage=stage)
                self.findings += self._placed(("stages", index), problems)
                if found is not None:
                    stages[stage.name] = found
        for index, evaluation in enumerate(parts.evaluations):
            if evaluation is not None:
                found, problems = evaluation_settings(self.recipes, model=parts.model, evaluation=evaluation)
                self.findings += self._placed(("evaluations", index), problems)
                if found is not None:
                    evaluations[evaluation.name] = found
        return stages, evaluations

    def _placed(self, base: DataPath, problems: tuple[PlacedProblem, ...]) -> Iterator[Finding]:
        for path, problem in problems:
            yield self.document.finding(
                problem.code,
                problem.message,
                (*base, *path),
                severity=problem.severity,
                key=problem.on_key,
                hint=problem.hint,
            )

    def _data(self, parts: Parts, stages: Mapping[str, JobSettings], model: Model) -> None:
        """Evaluations first: training data is then held against what they ask."""
        for index, evaluation in enumerate(parts.evaluations):
            if evaluation is not None:
                self._evaluation_data(("evaluations", index), evaluation, model)
        for index, stage in enumerate(parts.stages):
            if stage is not None:
                self._stage_data(("stages", index), stage, stages.get(stage.name), model)

    def _evaluation_data(self, base: DataPath, evaluation: Evaluation, model: Model) -> None:
        self._scan((*base, "data"), f"{evaluation.name}/data", evaluation.data, kind="gen_qa", model=model)

    def _stage_data(self, base: DataPath, stage: Stage, settings: JobSettings | None, model: Model) -> None:
        where = (*base, "data", "train")
        train = self._scan(where, f"{stage.name}/train", stage.data.train, kind="sft", model=model)
        if train is not None and settings is not None and train.rows:
            self._row_counts(where, train, settings)
        if stage.data.validation is None:
            return
        where = (*base, "data", "validation")
        validation = self._scan(where, f"{stage.name}/validation", stage.data.validation, kind="sft", model=model)
        if model.generation == "nova-2":
            message = (
                f"AWS documents no validation data for {model.title} on training jobs; its recipe has a key for it"
            )
            self._warn("validation-unsupported", message, where, hint="leave it out if the job refuses the channel")
        if train is not None and validation is not None and validation.sha256 == train.sha256:
            self._warn("validation-is-training", "validation and training data are the same file", where)

    def _row_counts(self, where: DataPath, train: Dataset, settings: JobSettings) -> None:
        batch = settings.number("global_batch_size") or 0
        nova_2 = settings.recipe.model.generation == "nova-2"
        if train.rows < batch:
            message = f"{train.rows:,} rows are fewer than one global batch of {batch:.0f}"
            severity: Severity = "error" if nova_2 else "warning"
            hint = "add rows, or lower `global_batch_size`"
            self.findings.append(self.document.finding("too-few-rows", message, where, severity=severity, hint=hint))
        elif nova_2 and train.rows < _FEWEST_ROWS_NOVA_2:
            message = f"{train.rows:,} rows; AWS asks for at least {_FEWEST_ROWS_NOVA_2} and advises 2,000 to 10,000"
            self._warn("few-rows", message, where)

    def _scan(self, where: DataPath, key: str, written: str, *, kind: Kind, model: Model) -> Dataset | None:
        if written.startswith("s3://"):
            message = "this version takes local files, which it uploads and pins by digest and version; found an S3 URI"
            self.findings.append(self.document.finding("not-supported", message, where, hint="download it first"))
            return None
        path = Path(self.document.file).parent / written
        try:
            found = scan(path, kind=kind, model=model, held_out=frozenset(self.held_out), keep_prompts=kind == "gen_qa")
        except OSError as problem:
            self.findings.append(self._not_readable(path, problem, where))
            return None
        self.findings += found.findings
        self.held_out |= found.prompts
        self.datasets[key] = found.dataset
        return found.dataset

    def _not_readable(self, path: Path, problem: OSError, where: DataPath) -> Finding:
        if not isinstance(problem, FileNotFoundError):
            message = f"cannot read the dataset {path}: {problem.strerror}"
            return self.document.finding(
                "unreadable-dataset", message, where, hint="name a JSONL file that you may read"
            )
        hint = "paths are relative to the customization file"
        beside = sorted(item.name for item in path.parent.glob("*.jsonl"))[:5]
        if beside:
            hint += f"; {path.parent} holds {', '.join(beside)}"
        message = f"cannot read the dataset {path}: there is no such file"
        return self.document.finding("missing-dataset", message, where, hint=hint)

    def _warn(self, code: str, message: str, where: DataPath, *, hint: str | None = None) -> None:
        self.findings.append(self.document.finding(code, message, where, severity="warning", hint=hint))
