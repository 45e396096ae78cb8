"""One source, read to its end: its batches, and afterwards what exactly was read."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from novaline.datasets.manifest import Origin
from novaline.datasets.readers.batches import Batch
from novaline.datasets.readers.sources import Source
from novaline.datasets.readers.streams import HashingStream, decompressed, hash_file
from novaline.findings import NovalineError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from novaline.datasets.readers.s3_objects import ObjectFile

_TABLE_BUFFER = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What a person may have to say about a source. `select` are keys of a JSON object, or splits of a dataset."""

    select: tuple[str, ...] = ()
    delimiter: str | None = None
    header: bool = True
    quotes: bool = True


class SourceReader:
    """Reads one source. `origin` tells what was read, once `batches` has come to its end.

    `opened` opens what is not to be opened by its name.
    """

    def __init__(
        self,
        source: Source,
        options: ReadOptions,
        *,
        s3: Callable[[], S3Client],
        opened: Callable[[], BinaryIO] | None = None,
    ) -> None:
        self._source = source
        self._options = options
        self._s3 = s3
        self._opened = opened
        self.origin: Origin | None = None

    def batches(self) -> Iterator[Batch]:
        """The rows. Raises NovalineError when the source cannot be read, or not to its end."""
        kind, uri = self._source.kind, self._source.uri
        rows = 0
        if kind == "hugging-face":
            from novaline.datasets.readers.hugging_face import read_hugging_face  # noqa: PLC0415 - an extra

            for found in read_hugging_face(uri, select=self._options.select):
                rows += len(found)
                yield found
            self.origin = Origin(uri=uri, rows=rows)
            return
        reader = self._table if kind in ("parquet", "arrow") else self._text
        for batch in reader():
            rows += len(batch) + len(batch.unreadable)
            yield batch
        assert self.origin is not None
        self.origin = self.origin.with_rows(rows)

    def _text(self) -> Iterator[Batch]:
        source, options = self._source, self._options
        raw = self._open()
        with HashingStream(raw) as stream:
            with decompressed(stream, source.compression, source=source.uri) as content:
                if source.kind == "jsonl":
                    from novaline.datasets.readers.json_lines import read_json_lines  # noqa: PLC0415 - one kind a time

                    yield from read_json_lines(content, source=source.uri)
                elif source.kind == "json":
                    from novaline.datasets.readers.json_files import read_json  # noqa: PLC0415 - likewise

                    yield from read_json(content, source=source.uri, select=options.select)
                else:
                    from novaline.datasets.readers.csv_files import read_csv  # noqa: PLC0415 - likewise

                    delimiter = options.delimiter or ("\t" if source.kind == "tsv" else ",")
                    yield from read_csv(
                        content,
                        source=source.uri,
                        delimiter=delimiter,
                        header=options.header,
                        quotes=options.quotes,
                    )
            self.origin = _origin(source, raw, sha256=stream.finish(), size=stream.size)

    def _table(self) -> Iterator[Batch]:
        """Tables are read from their end and by places, so a local one is hashed apart, and one in S3 is pinned."""
        from novaline.datasets.readers import arrow_files  # noqa: PLC0415 - one kind at a time

        source = self._source
        read = arrow_files.read_parquet if source.kind == "parquet" else arrow_files.read_arrow
        before = self._state()
        raw = self._open()
        buffered = io.BufferedReader(raw, _TABLE_BUFFER) if isinstance(raw, io.RawIOBase) else raw
        with buffered as file:
            yield from read(file, source=source.uri)
        sha256, size = (None, None) if source.in_s3 else hash_file(self._open)
        if self._state() != before:
            message = f"{source.uri} changed while it was read"
            raise NovalineError.of("source-changed", message, file=source.uri, hint="start again")
        self.origin = _origin(source, raw, sha256=sha256, size=size)

    def _state(self) -> object:
        """What is another one when a local file has changed."""
        if self._opened is not None or self._source.in_s3:
            return None
        try:
            found = Path(self._source.uri).stat()
        except OSError:
            return None  # opening it will say what is wrong
        return found.st_size, found.st_mtime_ns

    def _open(self) -> BinaryIO:
        if self._opened is not None:
            return self._opened()
        if self._source.in_s3:
            from novaline.datasets.readers.s3_objects import ObjectFile  # noqa: PLC0415 - lazy as boto3

            return ObjectFile(self._s3(), self._source.uri)  # type: ignore[return-value]  # a BinaryIO in all but name
        try:
            return Path(self._source.uri).open("rb")
        except OSError as problem:
            message = f"cannot read {self._source.uri}: {problem.strerror or problem}"
            raise NovalineError.of("unreadable-file", message, file=self._source.uri) from None


def _origin(source: Source, raw: BinaryIO, *, sha256: str | None, size: int | None) -> Origin:
    if not source.in_s3:
        return Origin(uri=source.uri, rows=0, bytes=size, sha256=sha256)
    stored: ObjectFile = raw  # type: ignore[assignment]  # what `_open` made of a URI in S3
    return Origin(
        uri=source.uri, rows=0, bytes=stored.size, sha256=sha256, version_id=stored.version_id, etag=stored.etag
    )


def read_all(
    sources: Sequence[Source], options: ReadOptions, *, s3: Callable[[], S3Client], origins: list[Origin]
) -> Iterator[Batch]:
    """The batches of all sources in turn; what was read of each is added to `origins`."""
    for source in sources:
        reader = SourceReader(source, options, s3=s3)
        yield from reader.batches()
        assert reader.origin is not None
        origins.append(reader.origin)
