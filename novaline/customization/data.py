"""The datasets of a customization: each file read once, its rows checked where their form is known, and counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from novaline.customization.model import Evaluation, Stage
from novaline.customization.settings import JobSettings
from novaline.customization.structure import Parts
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.datasets.dataset import Dataset
from novaline.datasets.engine.any_rows import NAME as ANY_ROWS
from novaline.datasets.engine.limits import row_flaws
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.report import Report
from novaline.datasets.validate import Evaluation as HeldOut
from novaline.datasets.validate import LocalFile, ModelFacts, Options, validate
from novaline.findings import Finding
from novaline.recipes.model import EvaluationTask, Model

_FORMATS_OF_TASKS = {"rft_eval": "rft"}
"""Tasks whose rows have another name than the task."""


class DataReader:
    """Reads the files that a customization names, evaluations first: training data is then held against what they ask.

    `datasets` are by `<stage>/train`, `<stage>/validation` and `<evaluation>/data`, `media` by the same keys.
    """

    def __init__(self, document: SourceDocument, parts: Parts) -> None:
        self.document = document
        self.parts = parts
        self.datasets: dict[str, Dataset] = {}
        self.media: dict[str, frozenset[str]] = {}
        self._reports: dict[tuple[Path, Options], Report] = {}
        self._held_out: list[HeldOut] = []

    def evaluation(
        self, base: DataPath, evaluation: Evaluation, model: Model, *, task: EvaluationTask | None
    ) -> Iterator[Finding]:
        """The rows of an evaluation. `task` is None where the file does not say which; benchmarks read none."""
        if evaluation.data is None or not self.parts.known(*base, "data") or (task and not task.own_data):
            return
        sure = task is not None and (*base, "task") not in self.parts.mended
        name = evaluation.task if sure else ANY_ROWS
        options = _options(_FORMATS_OF_TASKS.get(name, name), model)
        where, key = (*base, "data"), f"{evaluation.name}/data"
        yield from self._read(where, key, evaluation.data, options, of=evaluation.task if sure else None)
        if key in self.datasets and options.format != ANY_ROWS:
            held_out = HeldOut(LocalFile(self._path(evaluation.data)), options.format)
            if held_out not in self._held_out:
                self._held_out.append(held_out)

    def stage(
        self, base: DataPath, stage: Stage, settings: JobSettings | None, model: Model, *, known: bool
    ) -> Iterator[Finding]:
        """The rows of a stage. `known` says whether its technique is what the file says."""
        if not self.parts.known(*base, "data"):
            return
        sure = known and (*base, "technique") not in self.parts.mended
        of = stage.technique if sure else None
        options = _options(of or ANY_ROWS, model, settings)
        train: Dataset | None = None
        if self.parts.known(*base, "data", "train"):
            where = (*base, "data", "train")
            key = f"{stage.name}/train"
            yield from self._read(where, key, stage.data.train, options, of=of, learnt=True)
            train = self.datasets.get(key)
            if train is not None and settings is not None:
                yield from self._rows(where, self._reports[self._path(stage.data.train), options], options, settings)
        if stage.data.validation is None:
            return
        where = (*base, "data", "validation")
        key = f"{stage.name}/validation"
        yield from self._read(where, key, stage.data.validation, options, of=of, learnt=True)
        if settings is not None:
            yield from self._validation(where, stage, settings)
        validation = self.datasets.get(key)
        if train is not None and validation is not None and validation.sha256 == train.sha256:
            yield self._warning("validation-is-training", "validation and training data are the same file", where)

    def _rows(self, where: DataPath, train: Report, options: Options, settings: JobSettings) -> Iterator[Finding]:
        """Whether there are as many rows as the job takes, told where the file is named."""
        batch = int(settings.number("global_batch_size") or 0)
        limits = msgspec.structs.replace(options, evaluation=False, minimum_rows=batch)
        for flaw in row_flaws(limits, train.rows, media=bool(train.media), tokens=train.tokens):
            yield self.document.finding(flaw.code, flaw.message, where, severity=flaw.severity, hint=flaw.hint)

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

    def _read(
        self, where: DataPath, key: str, written: str, options: Options, *, of: str | None, learnt: bool = False
    ) -> Iterator[Finding]:
        """Reads a file, once however often it is named. What is `learnt` must not hold what evaluations ask.

        `of` is the technique or task whose rows they are, None where the file does not say it.
        """
        if written.startswith("s3://"):
            message = "this version takes local files, which it uploads and pins by digest and version; found an S3 URI"
            yield self.document.finding("not-supported", message, where, hint="download it first")
            return
        path = self._path(written)
        report = self._reports.get((path, options))
        if report is None:
            try:
                report = validate([path], options, held_out=self._held_out if learnt else ())
            except OSError as problem:
                yield self._not_readable(path, problem, where)
                return
            self._reports[path, options] = report
            yield from (finding.finding for finding in report.findings)
            if options.format == ANY_ROWS and of is not None:
                rows = f"the {report.rows:,} rows are counted, not checked"
                message = f"{rows}: this version does not know the form of {of} rows"
                yield self._warning("rows-not-validated", message, where)
        (file,) = report.files
        assert file.sha256 is not None
        self.datasets[key] = Dataset(path=path, sha256=file.sha256, bytes=file.bytes, rows=file.rows)
        self.media[key] = frozenset(report.media)

    def _path(self, written: str) -> Path:
        return Path(self.document.file).parent / written

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


def _options(name: str, model: Model, settings: JobSettings | None = None) -> Options:
    """What the rows of a job are held against: rows of an unknown form against nothing.

    Secrets and personal data are looked for by `novaline data validate`, which has the time.
    """
    platform = None if settings is None else settings.platform
    max_length = None if settings is None else settings.number("max_length")
    return Options(
        format=name if name in FORMATS else ANY_ROWS,
        model=ModelFacts.of(model),
        platform=platform,
        tuning=None if settings is None else settings.recipe.tuning,
        max_length=None if max_length is None else int(max_length),
        evaluation=True,
        sensitive=False,
        checked=True,
    )
