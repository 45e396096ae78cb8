"""A command line's words as a request: what fits together, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.reserved import reserved_flaws
from novaline.datasets.manifest import MANIFEST, read_manifest
from novaline.datasets.prepare.roles import FORMAT_ROLES, Shape, parse_mapping
from novaline.datasets.prepare.work import Request
from novaline.datasets.readers.reading import ReadOptions
from novaline.datasets.readers.sources import Kind, find_sources
from novaline.datasets.splitting import Shares, Splitter
from novaline.findings import NovalineError, UsageProblem

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LINES = ".jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person said, option by option."""

    sources: tuple[str, ...]
    format: str
    output: Path | None
    mapping: tuple[str, ...]
    shape: Shape | None
    select: tuple[str, ...]
    system: str | None
    system_file: Path | None
    make_pairs: bool
    split: str | None
    stratify: str | None
    group: str | None
    seed: int
    split_like: Path | None
    only: str | None
    bucket_owner: str | None
    kind: Kind | None
    delimiter: str | None
    header: bool
    quotes: bool
    skip_bad: bool
    overwrite: bool
    show: int


def request_of(asked: Asked, *, s3: Callable[[], S3Client]) -> Request:
    """The request. Raises UsageProblem for what does not fit together, NovalineError when S3 refuses to list."""
    request = request_without_sources(asked)
    _check_output(asked, request.shares)
    sources = find_sources(asked.sources, s3=s3, kind=asked.kind)
    check_reading(request.reading, {source.kind for source in sources})
    return replace(request, sources=sources, output=asked.output)


def request_without_sources(asked: Asked) -> Request:
    """The request as far as it needs no look at sources and output. Raises as `request_of` does."""
    mapping = parse_mapping(asked.mapping, format=asked.format)
    like, shares, seed = _split(asked)
    _check_pairs(asked)
    return Request(
        sources=(),
        format=asked.format,
        output=None,
        reading=ReadOptions(
            select=asked.select, delimiter=_delimiter(asked.delimiter), header=asked.header, quotes=asked.quotes
        ),
        mapping=mapping,
        shape=asked.shape,
        system=_system(asked),
        make_pairs=asked.make_pairs,
        shares=shares,
        seed=seed,
        stratify=asked.stratify,
        group=asked.group,
        like=like,
        only=asked.only,
        bucket_owner=asked.bucket_owner,
        skip_bad=asked.skip_bad,
        overwrite=asked.overwrite,
        show=asked.show,
    )


def _split(asked: Asked) -> tuple[Splitter | None, Shares | None, int]:
    like = None
    if asked.split_like is not None:
        like = _like(asked.split_like)
        if asked.split is not None and Shares.parse(asked.split) != like.shares:
            raise UsageProblem.of("wrong-split", "--split says something else than --split-like", hint="leave one out")
    shares = like.shares if like is not None else None if asked.split is None else Shares.parse(asked.split)
    if shares is None and (asked.stratify or asked.group or asked.only):
        hint = "add --split 80/10/10"
        raise UsageProblem.of("wrong-split", "--stratify, --group and --only say how to split", hint=hint)
    if shares is not None and asked.only is not None:
        there = [name for name, part in zip(shares.names, shares.parts, strict=True) if part]
        if asked.only not in there:
            raise UsageProblem.of("wrong-split", f"there is no split {asked.only}, only {', '.join(there)}")
    return like, shares, like.seed if like is not None else asked.seed


def _like(path: Path) -> Splitter:
    document = read_manifest(path / MANIFEST if path.is_dir() else path)
    split = document.get("split")
    try:
        return Splitter.from_json(split)  # type: ignore[arg-type]  # TypeError for what is no object
    except (KeyError, TypeError, ValueError, UsageProblem):
        hint = "name the folder of an output that was split"
        raise NovalineError.of("no-split", f"{path} says nothing of a split", file=str(path), hint=hint) from None


def _check_output(asked: Asked, shares: Shares | None) -> None:
    if asked.output is None:
        if not asked.show:
            hint = "add --output DIR, or --show 3 to look at rows only"
            raise UsageProblem.of("no-output", "nothing says where the rows should go", hint=hint)
        return
    if str(asked.output).startswith(("s3:", "hf:")):
        hint = "write into a local folder, which `novaline run` uploads; or let AWS write it, with --remote --env"
        raise UsageProblem.of("wrong-output", f"the output is local, found {asked.output}", hint=hint)
    if not asked.output.is_dir():
        check_output_name(asked.output, shares, only=asked.only)


def check_output_name(output: PurePath, shares: Shares | None, *, only: str | None) -> None:
    """Raises UsageProblem when the output is no folder and no file that all rows fit into."""
    if output.suffix and output.suffix != _LINES:
        hint = f"end the file's name with {_LINES}; a folder with a dot in its name must be there already"
        raise UsageProblem.of("wrong-output", f"expected a folder or a {_LINES} file, found {output}", hint=hint)
    if output.suffix and shares is not None and only is None:
        hint = "name a folder, or write one of the splits with --only"
        raise UsageProblem.of("wrong-output", f"several splits do not fit into {output}", hint=hint)


def _check_pairs(asked: Asked) -> None:
    if not asked.make_pairs:
        return
    if "other" not in FORMAT_ROLES[asked.format].needed:
        message = f"a row of {asked.format} has one answer, so there are no pairs to make"
        raise UsageProblem.of("wrong-pairs", message, hint="leave out --make-pairs")


def _system(asked: Asked) -> str | None:
    if asked.system is None and asked.system_file is None:
        return None
    if asked.system is not None and asked.system_file is not None:
        raise UsageProblem.of("wrong-usage", "--system and --system-file say the same thing", hint="leave one out")
    if not FORMAT_ROLES[asked.format].system:
        message = f"a row of {asked.format} has no place for a system prompt"
        raise UsageProblem.of("no-system", message, hint="leave it out; the judge's instruction is not in the rows")
    text = asked.system if asked.system is not None else _text_of(asked.system_file or Path())
    if not text.strip():
        raise UsageProblem.of("empty-system", "the system prompt is empty", hint="leave the option out")
    if FORMATS[asked.format].reserved_words == "error":
        for flaw in reserved_flaws([text]):
            raise NovalineError.of(flaw.code, f"the system prompt: {flaw.message}", hint=flaw.hint)
    return text


def _text_of(path: Path) -> str:
    """A file's text without white space at its ends, which editors leave there."""
    try:
        return path.read_text(encoding="utf-8-sig").strip()
    except OSError as problem:
        raise UsageProblem.of("unreadable-file", f"cannot read {path}: {problem.strerror or problem}") from None
    except UnicodeDecodeError as problem:
        message = f"{path} is not UTF-8: byte {problem.start + 1}"
        raise UsageProblem.of("not-utf-8", message, hint="save the file as UTF-8") from None


def check_reading(reading: ReadOptions, kinds: set[Kind]) -> None:
    """An option that no source heeds is a misunderstanding, and not to be passed over. Raises UsageProblem."""
    if reading.select and not kinds & {"json", "hugging-face"}:
        message = "--select names lists of a JSON object, and no source is one"
        raise UsageProblem.of("wrong-usage", message, hint="leave it out")
    if (reading.delimiter or not reading.header or not reading.quotes) and not kinds & {"csv", "tsv"}:
        message = "--delimiter, --no-header and --no-quotes are about CSV files, and no source is one"
        raise UsageProblem.of("wrong-usage", message, hint="leave them out, or say --kind csv")


def _delimiter(given: str | None) -> str | None:
    delimiter = "\t" if given in ("tab", "\\t") else given
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '\r\n"'):
        raise UsageProblem.of("wrong-delimiter", f"the delimiter is one character, or 'tab', found {given!r}")
    return delimiter
