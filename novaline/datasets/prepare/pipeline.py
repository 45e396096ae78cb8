"""From sources to files: read, convert, split, write, account. One batch at a time, so memory does not grow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from novaline.datasets.flaws import Flaw
from novaline.datasets.manifest import Manifest, Origin
from novaline.datasets.prepare.allotting import Allotment
from novaline.datasets.prepare.contrast import Contrasts
from novaline.datasets.prepare.converter import Converter
from novaline.datasets.prepare.problems import RowLedger
from novaline.datasets.prepare.roles import FORMAT_ROLES, Shape
from novaline.datasets.prepare.writing import SplitFile, output_paths, publish, require_free, writing
from novaline.datasets.readers.batches import Batch
from novaline.datasets.readers.reading import ReadOptions, read_all
from novaline.datasets.readers.sources import Source
from novaline.datasets.splitting import Shares, Splitter
from novaline.findings import Finding, NovalineError, errors_in

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Report = Callable[[int], None]
"""Told how many rows were read so far."""

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to prepare, and how. Without an output the rows are only shown."""

    sources: tuple[Source, ...]
    format: str
    output: Path | None
    reading: ReadOptions = field(default_factory=ReadOptions)
    mapping: Mapping[str, str] = field(default_factory=dict)
    shape: Shape | None = None
    system: str | None = None
    make_pairs: bool = False
    shares: Shares | None = None
    seed: int = 0
    stratify: str | None = None
    group: str | None = None
    like: Splitter | None = None
    only: str | None = None
    bucket_owner: str | None = None
    skip_bad: bool = False
    overwrite: bool = False
    show: int = 0

    @property
    def splits(self) -> tuple[str | None, ...]:
        """The splits that are written; None is that of rows that are not split."""
        if self.shares is None:
            return (None,)
        names = [name for name, part in zip(self.shares.names, self.shares.parts, strict=True) if part]
        return tuple(name for name in names if self.only in (None, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was made. `samples` are (split, line); `manifest` is None where nothing was to be written."""

    samples: tuple[tuple[str | None, bytes], ...]
    findings: tuple[Finding, ...]
    mapping: Mapping[str, str]
    paths: tuple[Path, ...] = ()
    manifest: Manifest | None = None


def prepare(request: Request, *, s3: Callable[[], S3Client], report: Report = lambda _: None) -> Prepared:
    """Prepares a dataset. Raises NovalineError, and then nothing was written."""
    return _Preparation(request, s3=s3, report=report).run()


class _Preparation:
    def __init__(self, request: Request, *, s3: Callable[[], S3Client], report: Report) -> None:
        self._request = request
        self._s3 = s3
        self._report = report
        self._ledger = RowLedger()
        self._contrasts = Contrasts() if request.make_pairs else None
        self._converter = self._new_converter(self._ledger)
        self._allotment = Allotment(
            shares=request.shares,
            seed=request.seed,
            stratify=request.stratify,
            group=request.group,
            like=request.like,
        )
        self._samples: list[tuple[str | None, bytes]] = []

    def run(self) -> Prepared:
        request = self._request
        before = self._look_first()
        if request.output is None:
            with closing(self._lines([])) as preview:
                for _ in preview:
                    if len(self._samples) >= request.show:
                        break
            return self._result(self._ledger.findings(skip_bad=request.skip_bad))
        file = FORMAT_ROLES[request.format].file
        paths = output_paths(request.output, request.splits, file=file)
        sources = [Path(source.uri) for source in request.sources]
        require_free(request.output, list(paths.values()), overwrite=request.overwrite, sources=sources)
        with writing(request.output, paths) as files:
            origins: list[Origin] = []
            for split, lines, rows in self._lines(origins):
                files[split].write(lines, rows=rows)
            self._converter.require_found()
            findings = self._findings(before, origins, files)
            manifest = self._manifest(files, origins)
            publish(request.output, list(files.values()), manifest.as_bytes())
        return self._result(findings, paths=tuple(paths.values()), manifest=manifest)

    def _batches(self, origins: list[Origin]) -> Iterator[Batch]:
        rows = 0
        request = self._request
        for batch in read_all(request.sources, request.reading, s3=self._s3, origins=origins):
            rows += len(batch)
            self._report(rows)
            yield batch

    def _look_first(self) -> list[list[Origin]]:
        """Goes over all rows before any is written, for what depends on all of them. Returns what was read."""
        passes: list[list[Origin]] = []
        if self._contrasts is not None:
            passes.append([])
            for batch in self._batches(passes[-1]):
                if len(batch):
                    self._contrasts.add(self._answers(batch))
            self._contrasts.close()
        if self._allotment.needs_survey:
            passes.append([])
            converter = self._new_converter(RowLedger())
            for batch in self._batches(passes[-1]):
                self._allotment.survey(batch, converter.convert(batch), converter.mapping)
            self._allotment.close_survey()
        return passes

    def _answers(self, batch: Batch) -> Sequence[object]:
        mapping = self._converter.resolve(batch)
        if "prompt" not in mapping or "answer" not in mapping:
            hint = "map both: --map prompt=COLUMN --map answer=COLUMN"
            raise NovalineError.of("missing-column", "made pairs need a prompt and an answer", hint=hint)
        return batch.column(mapping["answer"])

    def _new_converter(self, ledger: RowLedger) -> Converter:
        request = self._request
        return Converter(
            format=request.format,
            mapping=request.mapping,
            shape=request.shape,
            system=request.system,
            bucket_owner=request.bucket_owner,
            contrasts=self._contrasts,
            ledger=ledger,
        )

    def _lines(self, origins: list[Origin]) -> Generator[tuple[str | None, bytes, int]]:
        """Encoded rows by split: (split, lines, how many)."""
        for batch in self._batches(origins):
            converted = self._converter.convert(batch)
            if not converted.rows:
                continue
            for split, rows, indexes in self._allotment.allot(batch, converted, self._converter.mapping):
                if split not in self._request.splits:
                    continue
                lines, count = self._encode(batch, rows, indexes)
                self._sample(split, lines)
                yield split, lines, count

    def _encode(self, batch: Batch, rows: Sequence[object], indexes: Sequence[int]) -> tuple[bytes, int]:
        try:
            return _ENCODER.encode_lines(rows), len(rows)
        except (UnicodeEncodeError, ValueError, RecursionError, TypeError):
            pass
        lines: list[bytes] = []
        for row, index in zip(rows, indexes, strict=True):
            try:
                lines.append(_ENCODER.encode(row) + b"\n")
            except (UnicodeEncodeError, ValueError, RecursionError, TypeError) as problem:
                half = isinstance(problem, UnicodeEncodeError)
                code, what = ("not-unicode", "a text holds half a character") if half else ("no-json", str(problem))
                flaw = Flaw(code, f"the row cannot be written as JSON: {what}")
                self._ledger.add(flaw, file=batch.source, unit=batch.unit, number=batch.numbers[index])
        return b"".join(lines), len(lines)

    def _sample(self, split: str | None, lines: bytes) -> None:
        missing = self._request.show - len(self._samples)
        if missing > 0:
            self._samples += [(split, line) for line in lines.split(b"\n", missing)[:missing] if line]

    def _findings(
        self, before: Sequence[list[Origin]], origins: list[Origin], files: Mapping[str | None, SplitFile]
    ) -> tuple[Finding, ...]:
        """What there is to say. Raises NovalineError when nothing should be written."""
        findings = [*self._ledger.findings(skip_bad=self._request.skip_bad), *self._allotment.findings()]
        if errors_in(findings):
            raise NovalineError(findings)
        if any(seen != origins for seen in before):
            raise NovalineError.of("source-changed", "a source changed while it was read", hint="start again")
        if not any(file.rows for file in files.values()):
            kept = "all of its rows were left out" if self._ledger.left_out else "there are no rows in it"
            raise NovalineError([*findings, *NovalineError.of("no-rows", f"nothing to write: {kept}").findings])
        findings += [
            Finding(code="empty-split", severity="warning", message=f"no row fell into {split}", file=str(file.path))
            for split, file in files.items()
            if not file.rows
        ]
        return tuple(findings)

    def _manifest(self, files: Mapping[str | None, SplitFile], origins: Sequence[Origin]) -> Manifest:
        request = self._request
        system = None if request.system is None else hashlib.sha256(request.system.encode()).hexdigest()
        return Manifest(
            format=request.format,
            files=tuple(file.finish() for file in files.values()),
            sources=tuple(origins),
            mapping=self._converter.mapping,
            settings={
                "from": request.shape,
                "select": list(request.reading.select),
                "system_sha256": system,
                "make_pairs": request.make_pairs,
                "only": request.only,
                "skip_bad": request.skip_bad,
            },
            split=self._allotment.as_json(),
            skipped=dict(self._ledger.left_out),
        )

    def _result(
        self, findings: tuple[Finding, ...], *, paths: tuple[Path, ...] = (), manifest: Manifest | None = None
    ) -> Prepared:
        return Prepared(
            samples=tuple(self._samples),
            findings=findings,
            mapping=self._converter.mapping,
            paths=paths,
            manifest=manifest,
        )
