"""From sources to files: read, convert, split, write, account. One batch at a time, so memory does not grow."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from novaline.datasets.manifest import Manifest, Origin
from novaline.datasets.prepare.contrast import Contrasts
from novaline.datasets.prepare.problems import RowLedger
from novaline.datasets.prepare.roles import FORMAT_ROLES
from novaline.datasets.prepare.work import (
    Request,
    answers_of,
    judged,
    manifest_of,
    new_allotment,
    new_converter,
    split_lines,
)
from novaline.datasets.prepare.writing import SplitFile, output_paths, publish, require_free, writing
from novaline.datasets.readers.batches import Batch
from novaline.datasets.readers.reading import read_all
from novaline.findings import Finding, NovalineError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Report = Callable[[int], None]
"""Told how many rows were read so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was made. `samples` are (split, line); `manifest` is None where nothing was to be written.

    `mapping` is what columns of the last source were taken for, `mappings` tells it of each.
    """

    samples: tuple[tuple[str | None, bytes], ...]
    findings: tuple[Finding, ...]
    mapping: Mapping[str, str]
    mappings: Mapping[str, Mapping[str, str]]
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
        self._converter = new_converter(request, contrasts=self._contrasts, ledger=self._ledger)
        self._allotment = new_allotment(request)
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
            manifest = manifest_of(
                request,
                files=[file.finish() for file in files.values()],
                origins=origins,
                mapping=self._converter.mapping,
                mappings=self._converter.mappings,
                split=self._allotment,
                ledger=self._ledger,
            )
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
                    self._contrasts.add(answers_of(batch, self._converter))
            self._contrasts.close()
        if self._allotment.needs_survey:
            passes.append([])
            converter = new_converter(self._request, contrasts=self._contrasts, ledger=RowLedger())
            for batch in self._batches(passes[-1]):
                self._allotment.survey(batch, converter.convert(batch), converter.mapping)
            self._allotment.close_survey()
        return passes

    def _lines(self, origins: list[Origin]) -> Generator[tuple[str | None, bytes, int]]:
        """Encoded rows by split: (split, lines, how many)."""
        for batch in self._batches(origins):
            for split, lines, count in split_lines(
                batch,
                request=self._request,
                converter=self._converter,
                allotment=self._allotment,
                ledger=self._ledger,
            ):
                self._sample(split, lines)
                yield split, lines, count

    def _sample(self, split: str | None, lines: bytes) -> None:
        missing = self._request.show - len(self._samples)
        if missing > 0:
            self._samples += [(split, line) for line in lines.split(b"\n", missing)[:missing] if line]

    def _findings(
        self, before: Sequence[list[Origin]], origins: list[Origin], files: Mapping[str | None, SplitFile]
    ) -> tuple[Finding, ...]:
        """What there is to say. Raises NovalineError when nothing should be written."""
        rows = {str(file.path): file.rows for file in files.values()}
        split_of = {str(file.path): split for split, file in files.items()}
        findings = judged(self._request, rows=rows, split_of=split_of, ledger=self._ledger, split=self._allotment)
        if any(seen != origins for seen in before):
            raise NovalineError.of("source-changed", "a source changed while it was read", hint="start again")
        return findings

    def _result(
        self, findings: tuple[Finding, ...], *, paths: tuple[Path, ...] = (), manifest: Manifest | None = None
    ) -> Prepared:
        return Prepared(
            samples=tuple(self._samples),
            findings=findings,
            mapping=self._converter.mapping,
            mappings=self._converter.mappings,
            paths=paths,
            manifest=manifest,
        )
