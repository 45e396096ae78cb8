"""The datasets of a customization: each file read once, its rows checked where their form is known, and counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from novaline.customization.model import Evaluation, Stage
from novaline.customization.settings import JobSettings
from novaline.customization.structure import Parts
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.datasets.scan import Dataset, Kind, Scan, scan
from novaline.findings import Finding, Severity
from novaline.recipes.model import EvaluationTask, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """How many rows a job should have at least and at most; `says` names the source."""

    least: int
    says: str
    most: int | None = None


_BEDROCK_ROWS = {
    ("sft", "nova-1"): _Rows(least=8, most=20_000, says="Bedrock takes"),
    ("sft", "nova-2"): _Rows(least=200, most=20_000, says="Bedrock takes"),
    ("rft", "nova-2"): _Rows(least=100, most=20_000, says="Bedrock takes"),
}
_ROWS = {
    ("sft", "nova-2"): _Rows(least=200, says="AWS advises 2,000 to 10,000, and asks for"),
    ("dpo", "nova-1"): _Rows(least=1_000, says="AWS advises"),
    ("rft", "nova-2"): _Rows(least=100, says="AWS asks for"),
    ("distillation", "nova-1"): _Rows(least=100, most=20_000, says="AWS takes"),
}
"""(technique, generation) → rows. Source: AWS's training-jobs and data-preparation pages for Nova."""


class DataReader:
    """Reads the files that a customization names, evaluations first: training data is then held against what they ask.

    `datasets` are by `<stage>/train`, `<stage>/validation` and `<evaluation>/data`, `media` by the same keys.
    """

    def __init__(self, document: SourceDocument, parts: Parts) -> None:
        self.document = document
        self.parts = parts
        self.datasets: dict[str, Dataset] = {}
        self.media: dict[str, frozenset[str]] = {}
        self._scans: dict[tuple[Path, Kind, str], Scan] = {}
        self._held_out: set[int] = set()

    def evaluation(
        self, base: DataPath, evaluation: Evaluation, model: Model, *, task: EvaluationTask | None
    ) -> Iterator[Finding]:
        """The rows of an evaluation. `task` is None where the file does not say which; benchmarks read none."""
        if evaluation.data is None or not self.parts.known(*base, "data") or (task and not task.own_data):
            return
        kind: Kind = "gen_qa" if task is not None and task.name == "gen_qa" else "rows"
        where = (*base, "data")
        yield from self._read(where, f"{evaluation.name}/data", evaluation.data, kind, model, of=evaluation.task)

    def stage(
        self, base: DataPath, stage: Stage, settings: JobSettings | None, model: Model, *, known: bool
    ) -> Iterator[Finding]:
        """The rows of a stage. `known` says whether its technique is what the file says."""
        if not self.parts.known(*base, "data"):
            return
        kind: Kind = "sft" if stage.technique == "sft" and known else "rows"
        train: Dataset | None = None
        if self.parts.known(*base, "data", "train"):
            where = (*base, "data", "train")
            key = f"{stage.name}/train"
            yield from self._read(where, key, stage.data.train, kind, model, of=stage.technique)
            train = self.datasets.get(key)
            if train is not None and train.rows and settings is not None:
                yield from self._rows(where, train, stage, settings, model)
        if stage.data.validation is None:
            return
        where = (*base, "data", "validation")
        key = f"{stage.name}/validation"
        yield from self._read(where, key, stage.data.validation, kind, model, of=stage.technique)
        if settings is not None:
            yield from self._validation(where, stage, settings)
        validation = self.datasets.get(key)
        if train is not None and validation is not None and validation.sha256 == train.sha256:
            yield self._warning("validation-is-training", "validation and training data are the same file", where)

    def _rows(
        self, where: DataPath, train: Dataset, stage: Stage, settings: JobSettings, model: Model
    ) -> Iterator[Finding]:
        batch = int(settings.number("global_batch_size") or 0)
        nova_2_sft = model.generation == "nova-2" and stage.technique == "sft"
        limits = (_BEDROCK_ROWS if stage.platform == "bedrock" else _ROWS).get((stage.technique, model.generation))
        if train.rows < batch:
            message = f"{train.rows:,} rows are fewer than one global batch of {batch:,}"
            severity: Severity = "error" if nova_2_sft else "warning"
            hint = "add rows, or lower `global_batch_size`"
            yield self.document.finding("too-few-rows", message, where, severity=severity, hint=hint)
        elif limits is not None and train.rows < limits.least:
            message = f"{train.rows:,} rows; {limits.says} at least {limits.least:,}"
            yield self._warning("few-rows", message, where)
        elif limits is not None and limits.most is not None and train.rows > limits.most:
            message = f"{train.rows:,} rows; {limits.says} at most {limits.most:,}"
            yield self._warning("many-rows", message, where)

    def _validation(self, where: DataPath, stage: Stage, settings: JobSettings) -> Iterator[Finding]:
        """Where nothing reads validation data. What is said of training jobs is among the recipe's rules."""
        recipe = settings.recipe
        nova_2_sft = recipe.generation == "nova-2" and stage.technique == "sft"
        if stage.platform == "hyperpod" and "run.validation_data_s3_path" not in recipe.keys:
            message = f"the recipe {recipe.id} has no key for validation data on HyperPod"
        elif stage.technique == "distillation":
            message = "a distillation reads prompts only"
        elif stage.platform == "bedrock" and nova_2_sft:
            message = f"the Nova Forge SDK warns that Bedrock takes no validation data for {recipe.model.title}"
        else:
            return
        yield self._warning("validation-unsupported", message, where, hint="leave it out if the job refuses it")

    def _read(self, where: DataPath, key: str, written: str, kind: Kind, model: Model, *, of: str) -> Iterator[Finding]:
        if written.startswith("s3://"):
            message = "this version takes local files, which it uploads and pins by digest and version; found an S3 URI"
            yield self.document.finding("not-supported", message, where, hint="download it first")
            return
        path = Path(self.document.file).parent / written
        token = (path.resolve(), kind, model.name)
        found = self._scans.get(token)
        if found is None:
            held_out = frozenset(self._held_out) if kind == "sft" else frozenset()
            try:
                found = scan(path, kind=kind, model=model, held_out=held_out, keep_prompts=kind == "gen_qa")
            except OSError as problem:
                yield self._not_readable(path, problem, where)
                return
            self._scans[token] = found
            self._held_out |= found.prompts
            yield from found.findings
            if kind == "rows":
                rows = f"the {found.dataset.rows:,} rows are counted, not checked"
                message = f"{rows}: this version knows the form of sft and gen_qa rows, not of {of} rows"
                yield self._warning("rows-not-validated", message, where)
        self.datasets[key] = found.dataset
        self.media[key] = found.media

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

    def _warning(self, code: str, message: str, where: DataPath, *, hint: str | None = None) -> Finding:
        return self.document.finding(code, message, where, severity="warning", hint=hint)
