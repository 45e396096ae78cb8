"""The datasets of a customization: each file read once, its rows checked where their form is known, and counted.

Data in S3 is not read here: who is asked about it says what was found when it was validated where it lies.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import msgspec

from novaline.customization.model import Evaluation, Stage
from novaline.customization.settings import JobSettings
from novaline.customization.stored_data import LINES, SCHEME, DataRefused, StoredData, what_run_asks_for
from novaline.customization.structure import Parts
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.datasets.dataset import Dataset
from novaline.datasets.engine.any_rows import NAME as ANY_ROWS
from novaline.datasets.engine.limits import row_flaws
from novaline.datasets.report import Report
from novaline.datasets.validate import Evaluation as HeldOut
from novaline.datasets.validate import LocalFile, ModelFacts, Options, validate
from novaline.datasets.validated import Validated, format_of
from novaline.findings import Finding
from novaline.recipes.model import EvaluationTask, Model


class DataReader:
    """Reads the files that a customization names, evaluations first: training data is then held against what they ask.

    `datasets` are by `<stage>/train`, `<stage>/validation` and `<evaluation>/data`, `media` by the same keys. `remote`
    are the URIs of what lies in S3, by the same keys, where nobody is asked about it (`stored` is None).
    """

    def __init__(self, document: SourceDocument, parts: Parts, stored: StoredData | None = None) -> None:
        self.document = document
        self.parts = parts
        self.datasets: dict[str, Dataset] = {}
        self.media: dict[str, frozenset[str]] = {}
        self.remote: dict[str, str] = {}
        self._stored = stored
        self._reports: dict[tuple[Path, Options], Report] = {}
        self._held_out: list[HeldOut] = []

    def evaluation(
        self, base: DataPath, evaluation: Evaluation, model: Model, *, task: EvaluationTask | None
    ) -> Iterator[Finding]:
        """The rows of an evaluation. `task` is None where the file does not say which; benchmarks read none."""
        if evaluation.data is None or not self.parts.known(*base, "data") or (task and not task.own_data):
            return
        sure = task is not None and (*base, "task") not in self.parts.mended
        of = evaluation.task if sure else None
        options = _options(of, model)
        where, key = (*base, "data"), f"{evaluation.name}/data"
        yield from self._read(where, key, evaluation.data, options, of=of)
        dataset = self.datasets.get(key)
        if dataset is not None and isinstance(dataset.source, Path) and options.format != ANY_ROWS:
            held_out = HeldOut(LocalFile(dataset.source), options.format)
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
        options = _options(of, model, settings)
        train: Dataset | None = None
        if self.parts.known(*base, "data", "train"):
            where = (*base, "data", "train")
            key = f"{stage.name}/train"
            yield from self._read(where, key, stage.data.train, options, of=of, learnt=True)
            train = self.datasets.get(key)
            if train is not None and settings is not None:
                yield from self._rows(where, key, options, settings)
        if stage.data.validation is None:
            return
        where = (*base, "data", "validation")
        key = f"{stage.name}/validation"
        yield from self._read(where, key, stage.data.validation, options, of=of, learnt=True)
        if settings is not None:
            yield from self._validation(where, stage, settings)
        validation = self.datasets.get(key)
        if train is not None and validation is not None and validation.digest == train.digest:
            yield self._warning("validation-is-training", "validation and training data are the same file", where)

    def longest_prompt(self, stage: Stage) -> int | None:
        """Estimated tokens of the longest prompt of a stage's training rows; None where rows hold answers as well."""
        train = self.datasets.get(f"{stage.name}/train")
        return train.longest_row if train is not None and train.validated.format == "rft" else None

    def _rows(self, where: DataPath, key: str, options: Options, settings: JobSettings) -> Iterator[Finding]:
        """Whether there are as many rows as the job takes, told where the file is named."""
        batch = int(settings.number("global_batch_size") or 0)
        limits = msgspec.structs.replace(options, evaluation=False, minimum_rows=batch)
        train, media = self.datasets[key], self.media[key]
        for flaw in row_flaws(limits, train.rows, media=bool(media), tokens=train.tokens):
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
        path: Path | None = self._path(written)
        if written.startswith(SCHEME):
            path = yield from self._in_s3(where, key, written, options, of=of)
        if path is not None:
            yield from self._local(where, key, path, options, of=of, learnt=learnt)

    def _in_s3(
        self, where: DataPath, key: str, uri: str, options: Options, *, of: str | None
    ) -> Generator[Finding, None, Path | None]:
        """What is known of an object of S3. Returns a local file where one is to be read in its place."""
        if of is None or self.parts.model is None:
            return None  # another mistake must be mended before anybody can say how it was to be validated
        rows_of, model = options.format, self.parts.model
        if not uri.endswith(LINES) or uri.count("/") < 3:
            message = f"{uri} names no object of JSON Lines ({LINES})"
            hint = "a job reads one file: make it with `novaline data prepare`"
            yield self.document.finding("wrong-value", message, where, hint=hint)
        elif rows_of == ANY_ROWS:
            message = f"nothing can validate {of} rows in S3: this version does not know their form"
            yield self.document.finding("not-supported", message, where, hint="name a local file, which is counted")
        elif self._stored is None:
            self.remote[key] = uri
            message = (
                f"{uri} is not read here: `run` asks the environment for a report without errors on its newest version"
            )
            asked_for = what_run_asks_for(uri, rows_of=rows_of, model=model)
            yield self._warning("validated-by-run", message, where, hint=f"that report comes from `{asked_for}`")
        else:
            try:
                found = self._stored.find(uri, rows_of=rows_of, model=model)
            except DataRefused as problem:
                yield self.document.finding(problem.code, problem.message, where, hint=problem.hint)
                return None
            if isinstance(found, Path):
                return found
            self.datasets[key], self.media[key] = found.dataset, found.media
        return None

    def _local(
        self, where: DataPath, key: str, path: Path, options: Options, *, of: str | None, learnt: bool
    ) -> Iterator[Finding]:
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
        errors = len(report.errors)
        self.datasets[key] = Dataset(
            source=path,
            sha256=file.sha256,
            bytes=file.bytes,
            rows=file.rows,
            tokens=report.tokens,
            longest_row=report.longest_row,
            validated=Validated(
                format=report.format,
                model=self.parts.model,
                rows=file.rows,
                errors=errors,
                warnings=len(report.findings) - errors,
            ),
        )
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


def _options(of: str | None, model: Model, settings: JobSettings | None = None) -> Options:
    """What the rows of a technique or task are held against: rows of an unknown form against nothing.

    Secrets and personal data are looked for by `novaline data validate`, which has the time.
    """
    platform = None if settings is None else settings.platform
    max_length = None if settings is None else settings.number("max_length")
    return Options(
        format=ANY_ROWS if of is None else format_of(of) or ANY_ROWS,
        model=ModelFacts.of(model),
        platform=platform,
        tuning=None if settings is None else settings.recipe.tuning,
        max_length=None if max_length is None else int(max_length),
        evaluation=True,
        sensitive=False,
        checked=True,
    )
