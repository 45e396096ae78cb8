"""What is done with the rows of any source, wherever they are read: convert, allot, encode, judge, account."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from novaline.datasets.flaws import Flaw
from novaline.datasets.manifest import Manifest, Origin, Written
from novaline.datasets.prepare.allotting import Allotment
from novaline.datasets.prepare.contrast import Contrasts
from novaline.datasets.prepare.converter import Converter
from novaline.datasets.prepare.problems import RowLedger
from novaline.datasets.prepare.roles import Shape
from novaline.datasets.readers.batches import Batch
from novaline.datasets.readers.reading import ReadOptions
from novaline.datasets.readers.sources import Source
from novaline.datasets.splitting import Shares, Splitter, StraddleWatch, Survey
from novaline.findings import Finding, NovalineError, errors_in

_ENCODER = msgspec.json.Encoder()
_NO_JSON = (UnicodeEncodeError, ValueError, RecursionError, TypeError)


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


def new_converter(
    request: Request, *, contrasts: Contrasts | None, ledger: RowLedger, sources_before: int = 0
) -> Converter:
    """What converts the request's rows; `sources_before` are sources with rows that another converter has seen."""
    return Converter(
        format=request.format,
        mapping=request.mapping,
        shape=request.shape,
        system=request.system,
        bucket_owner=request.bucket_owner,
        contrasts=contrasts,
        ledger=ledger,
        sources_before=sources_before,
    )


def new_allotment(
    request: Request,
    *,
    survey: Survey | None = None,
    watch: StraddleWatch | None = None,
    splitter: Splitter | None = None,
) -> Allotment:
    """What allots the request's rows to splits."""
    return Allotment(
        shares=request.shares,
        seed=request.seed,
        stratify=request.stratify,
        group=request.group,
        like=request.like,
        survey=survey,
        watch=watch,
        splitter=splitter,
    )


def answers_of(batch: Batch, converter: Converter) -> Sequence[object]:
    """The batch's right answers, to make pairs of. Raises NovalineError when no column holds them."""
    mapping = converter.resolve(batch)
    if "prompt" not in mapping or "answer" not in mapping:
        hint = "map both: --map prompt=COLUMN --map answer=COLUMN"
        raise NovalineError.of("missing-column", "made pairs need a prompt and an answer", hint=hint)
    return batch.column(mapping["answer"])


def split_lines(
    batch: Batch, *, request: Request, converter: Converter, allotment: Allotment, ledger: RowLedger
) -> Iterator[tuple[str | None, bytes, int]]:
    """The batch as encoded rows of the splits that are written: (split, lines, how many)."""
    converted = converter.convert(batch)
    if not converted.rows:
        return
    for split, rows, indexes in allotment.allot(batch, converted, converter.mapping):
        if split in request.splits:
            yield split, *_encoded(batch, rows, indexes, ledger)


def _encoded(batch: Batch, rows: Sequence[object], indexes: Sequence[int], ledger: RowLedger) -> tuple[bytes, int]:
    try:
        return _ENCODER.encode_lines(rows), len(rows)
    except _NO_JSON:
        pass
    lines: list[bytes] = []
    for row, index in zip(rows, indexes, strict=True):
        try:
            lines.append(_ENCODER.encode(row) + b"\n")
        except _NO_JSON as problem:
            half = isinstance(problem, UnicodeEncodeError)
            code, what = ("not-unicode", "a text holds half a character") if half else ("no-json", str(problem))
            flaw = Flaw(code, f"the row cannot be written as JSON: {what}")
            ledger.add(flaw, file=batch.source, unit=batch.unit, number=batch.numbers[index])
    return b"".join(lines), len(lines)


def judged(
    request: Request,
    *,
    rows: Mapping[str, int],
    split_of: Mapping[str, str | None],
    ledger: RowLedger,
    split: Allotment,
) -> tuple[Finding, ...]:
    """What there is to say of files with so many rows. Raises NovalineError when nothing should be written."""
    findings = [*ledger.findings(skip_bad=request.skip_bad), *split.findings()]
    if errors_in(findings):
        raise NovalineError(findings)
    if not any(rows.values()):
        kept = "all of its rows were left out" if ledger.left_out else "there are no rows in it"
        raise NovalineError([*findings, *NovalineError.of("no-rows", f"nothing to write: {kept}").findings])
    findings += [
        Finding(code="empty-split", severity="warning", message=f"no row fell into {split_of[file]}", file=file)
        for file, count in rows.items()
        if not count
    ]
    return tuple(findings)


def manifest_of(
    request: Request,
    *,
    files: Sequence[Written],
    origins: Sequence[Origin],
    mapping: Mapping[str, str],
    split: Allotment,
    ledger: RowLedger,
    mappings: Mapping[str, Mapping[str, str]] | None = None,
) -> Manifest:
    """The account of what was written of what. `mappings` are the sources' own, by URI."""
    own = {} if mappings is None else {uri: each for uri, each in mappings.items() if each != mapping}
    system = None if request.system is None else hashlib.sha256(request.system.encode()).hexdigest()
    return Manifest(
        format=request.format,
        files=tuple(files),
        sources=tuple(replace(origin, mapping=own.get(origin.uri)) for origin in origins),
        mapping=mapping,
        settings={
            "from": request.shape,
            "select": list(request.reading.select),
            "system_sha256": system,
            "make_pairs": request.make_pairs,
            "only": request.only,
            "skip_bad": request.skip_bad,
        },
        split=split.as_json(),
        skipped=dict(ledger.left_out),
    )
