"""Parquet and Arrow files (Feather too), by pyarrow, which is imported only here and when such a file is read."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, BinaryIO

from novaline.datasets.readers.batches import BATCH_ROWS, TableBatch
from novaline.findings import NovalineError

_ARROW_FILE = b"ARROW1"


def pyarrow(module: str = "pyarrow", *, needed_for: str) -> ModuleType:
    """A module of pyarrow. Raises NovalineError with what to install where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        message = f"{needed_for} is read with pyarrow, which is not installed"
        raise NovalineError.of(
            "not-installed", message, hint="install it with `pip install 'novaline[data]'`"
        ) from None


def read_parquet(file: BinaryIO, *, source: str) -> Iterator[ArrowBatch]:
    """The rows of a Parquet file, which must be seekable; a row group's columns are the most that is held."""
    parquet = pyarrow("pyarrow.parquet", needed_for="Parquet")
    arrow = pyarrow(needed_for="Parquet")
    with _explained(arrow, source, "Parquet"):
        table = parquet.ParquetFile(file, pre_buffer=False, memory_map=False)
        yield from _batches(table.iter_batches(batch_size=BATCH_ROWS, use_threads=False), source=source)


def read_arrow(file: BinaryIO, *, source: str) -> Iterator[ArrowBatch]:
    """The rows of an Arrow file or stream, which must be seekable."""
    arrow = pyarrow(needed_for="Arrow")
    ipc = pyarrow("pyarrow.ipc", needed_for="Arrow")
    with _explained(arrow, source, "Arrow"):
        start = file.read(len(_ARROW_FILE))
        file.seek(0)
        if start == _ARROW_FILE:
            reader = ipc.open_file(file)
            stored = (reader.get_batch(number) for number in range(reader.num_record_batches))
        else:
            stored = ipc.open_stream(file)
        slices = (batch.slice(first, BATCH_ROWS) for batch in stored for first in range(0, batch.num_rows, BATCH_ROWS))
        yield from _batches(slices, source=source)


def _batches(batches: Iterator[Any], *, source: str) -> Iterator[ArrowBatch]:
    first = 1
    for stored in batches:
        names = stored.schema.names
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise NovalineError.of("column-twice", f"the table has two columns {twice!r}", file=source)
        numbers = range(first, first + stored.num_rows)
        yield ArrowBatch(source=source, unit="row", numbers=numbers, stored=stored)
        first += stored.num_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowBatch(TableBatch):
    """Rows in Arrow's memory; a column becomes Python values when it is asked for."""

    stored: Any
    _made: dict[str, list[object]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The schema's names."""
        return tuple(self.stored.schema.names)

    def values(self, name: str) -> Sequence[object]:
        """The values of a column that the table has, dictionaries for its structs and maps."""
        if name not in self._made:
            column = self.stored.column(self.stored.schema.get_field_index(name))
            try:
                self._made[name] = column.to_pylist(maps_as_pydicts="strict")
            except KeyError as problem:
                what = f"a map of the column {name} repeats a key, and one value would be lost: {problem.args[0]}"
                raise NovalineError.of("repeated-key", what, file=self.source) from None
        return self._made[name]


@contextmanager
def _explained(arrow: ModuleType, source: str, kind: str) -> Iterator[None]:
    try:
        yield
    except (arrow.ArrowException, OSError) as problem:
        first_line = str(problem).strip().split("\n")[0][:200]
        message = f"the file cannot be read as {kind}: {first_line}"
        hint = "is it whole, and is its name's ending right?"
        raise NovalineError.of("unreadable-table", message, file=source, hint=hint) from None
