"""Files of prices: reading with every mistake told, writing so that a crash leaves the old file."""

from __future__ import annotations

import math
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from novaline.cost.book import UNITS, Entry, PriceBook
from novaline.findings import Finding, NovalineError

_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_AGAIN = "correct it, or delete the file and ask again: `novaline prices refresh`"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    about: str
    prices: list[Entry]


def read_prices(path: Path) -> PriceBook:
    """The prices of a file.

    Raises NovalineError when it is not in the form that `write_prices` gives it, and OSError when it cannot be read.
    """
    try:
        entries = msgspec.json.decode(path.read_bytes(), type=_File).prices
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        message = f"this is not a file of prices: {problem}"
        raise NovalineError.of("price-file", message, file=str(path), hint=_AGAIN) from None
    findings = [
        Finding(code="price-file", severity="error", message=message, file=str(path), hint=_AGAIN)
        for message in _problems(entries)
    ]
    if findings:
        raise NovalineError(findings)
    return PriceBook.of(entries)


def write_prices(path: Path, book: PriceBook, *, about: str) -> None:
    """Writes the prices, sorted, in one step: whoever reads meanwhile sees the old file or the new one."""
    text = msgspec.json.format(msgspec.json.encode(_File(about=about, prices=list(book))), indent=2) + b"\n"
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _problems(entries: Sequence[Entry]) -> Iterator[str]:
    seen = set()
    for number, entry in enumerate(entries, start=1):
        where = f"price {number} ({entry.title} in {entry.region})"
        if entry.unit not in UNITS[entry.what]:
            yield f"{where} is per {entry.unit}; {entry.what} is counted per {' or '.join(UNITS[entry.what])}"
        if not math.isfinite(entry.usd) or entry.usd <= 0:
            yield f"{where} is {entry.usd} US dollars; expected more than nothing"
        if (entry.technique is not None) != (entry.what == "customization"):
            yield f"{where}: `technique` belongs to customization, and to nothing else"
        if (entry.commitment is not None) != (entry.what == "throughput"):
            yield f"{where}: `commitment` belongs to throughput, and to nothing else"
        if entry.date is not None and not _DATE.fullmatch(entry.date):
            yield f"{where} has the date {entry.date!r}; expected a form like 2026-08-02"
        if entry.confirmed and entry.date is None:
            yield f"{where} is confirmed without a date"
        if not entry.source.strip():
            yield f"{where} names no source"
        if entry.key in seen:
            yield f"{where} stands there twice"
        seen.add(entry.key)
