"""What tests of preparing share: requests with the usual options, and the lines of what was written."""

import json
from pathlib import Path

import msgspec

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.reserved import reserved_flaws
from novaline.datasets.formats.spec import RuleContext
from novaline.datasets.prepare.pipeline import Prepared, Request, prepare
from novaline.datasets.readers.sources import source_of
from novaline.datasets.splitting import Shares
from novaline.findings import NovalineError


def no_s3():
    raise AssertionError("S3 was asked")


def write_rows(path: Path, rows) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def run(source: Path, to: str, output: Path | None, *, split: str | None = None, **options) -> Prepared:
    shares = None if split is None else Shares.parse(split)
    sources = (source_of(str(source)),)
    return prepare(Request(sources=sources, format=to, output=output, shares=shares, **options), s3=no_s3)


def converted(tmp_path: Path, rows, to: str, **options) -> list[dict]:
    """The rows that these become. Each of them passes all rules of its format."""
    source = write_rows(tmp_path / "source.jsonl", rows)
    run(source, to, tmp_path / "out.jsonl", overwrite=True, **options)
    found = read_rows(tmp_path / "out.jsonl")
    for row in found:
        assert errors_of(row, to) == []
    return found


def refused(tmp_path: Path, rows, to: str, **options) -> list[str]:
    """The codes of what is said about rows that are not converted."""
    source = write_rows(tmp_path / "source.jsonl", rows)
    try:
        run(source, to, tmp_path / "out.jsonl", overwrite=True, **options)
    except NovalineError as problem:
        return [finding.code for finding in problem.findings]
    raise AssertionError("nothing was refused")


def read_rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def errors_of(row: dict, to: str) -> list[str]:
    """What the format's rules say against a row."""
    spec = FORMATS[to]
    typed = msgspec.json.decode(json.dumps(row).encode(), type=spec.full)
    reserved = reserved_flaws(spec.view(typed).texts) if spec.reserved_words == "error" else ()
    return [flaw.code for flaw in (*spec.flaws(typed, RuleContext()), *reserved) if flaw.severity == "error"]
