"""What a preparation in AWS is asked for: the local command's request as JSON, and where its output goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

import msgspec

from novaline.datasets.manifest import MANIFEST
from novaline.datasets.prepare.request import check_output_name
from novaline.datasets.prepare.roles import FORMAT_ROLES, Shape
from novaline.datasets.prepare.work import Request
from novaline.datasets.readers.reading import ReadOptions
from novaline.datasets.readers.sources import Kind
from novaline.datasets.remote.prepare_places import PREPARED
from novaline.datasets.splitting import Shares, Splitter
from novaline.findings import UsageProblem
from novaline.s3_uri import join_s3_uri, split_s3_uri


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request without its sources and its output, as JSON carries it. `kind` is of files whose names do not tell."""

    format: str
    reading: ReadOptions = msgspec.field(default_factory=ReadOptions)
    mapping: dict[str, str] = msgspec.field(default_factory=dict)
    shape: Shape | None = None
    system: str | None = None
    make_pairs: bool = False
    shares: str | None = None
    seed: int = 0
    stratify: str | None = None
    group: str | None = None
    like: dict[str, Any] | None = None
    only: str | None = None
    bucket_owner: str | None = None
    skip_bad: bool = False
    overwrite: bool = False
    kind: Kind | None = None

    @classmethod
    def of(cls, request: Request, *, kind: Kind | None = None) -> Self:
        """The options of a request."""
        shared = {name: getattr(request, name) for name in _ALIKE}
        shares = None if request.shares is None else "/".join(map(str, request.shares.parts))
        like = None if request.like is None else request.like.as_json()
        return cls(**shared, mapping=dict(request.mapping), shares=shares, like=like, kind=kind)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The options that a document holds. Raises msgspec.ValidationError for another document."""
        found = msgspec.convert(document, cls)
        if found.format not in FORMAT_ROLES:
            raise msgspec.ValidationError(f"there is no format {found.format!r}")
        return found

    def as_json(self) -> dict[str, Any]:
        """The document that says this."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @property
    def request(self) -> Request:
        """The request; its sources are told apart from it, and its output is none of this computer's."""
        return Request(
            sources=(),
            output=None,
            mapping=self.mapping,
            shares=None if self.shares is None else Shares.parse(self.shares),
            like=None if self.like is None else Splitter.from_json(self.like),
            **{name: getattr(self, name) for name in _ALIKE},
        )


_ALIKE = (
    *("format", "reading", "shape", "system", "make_pairs", "seed", "stratify", "group"),
    *("only", "bucket_owner", "skip_bad", "overwrite"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where prepared rows go: a folder below `prepared/` of the data bucket, or one `.jsonl` object there."""

    bucket: str
    path: PurePosixPath

    @classmethod
    def of(cls, uri: str, *, shares: Shares | None, only: str | None) -> Self:
        """The output that a URI names. Raises UsageProblem when it is none, or when not all rows fit into it."""
        try:
            bucket, key = split_s3_uri(uri)
        except ValueError:
            hint = "write --output s3://BUCKET/prepared/NAME, in the environment's data bucket"
            raise UsageProblem.of("wrong-output", f"--remote writes to S3, found {uri}", hint=hint) from None
        path = PurePosixPath(key)
        if len(path.parts) < 2 or path.parts[0] != PREPARED or ".." in path.parts:
            hint = f"write --output s3://{bucket}/{PREPARED}/{path.name or 'NAME'}"
            message = f"AWS writes prepared rows below {PREPARED}/ of the data bucket only, found {uri}"
            raise UsageProblem.of("wrong-output", message, hint=hint)
        check_output_name(path, shares, only=only)
        return cls(bucket=bucket, path=path)

    def keys(self, request: Request) -> dict[str | None, str]:
        """Split → the object of its rows."""
        if self.path.suffix:
            return dict.fromkeys(request.splits, str(self.path))
        name = FORMAT_ROLES[request.format].file
        return {split: str(self.path / f"{split or name}.jsonl") for split in request.splits}

    @property
    def manifest_key(self) -> str:
        """The object of the manifest."""
        return str(self.path.with_suffix(f".{MANIFEST}") if self.path.suffix else self.path / MANIFEST)

    def uri(self, key: str) -> str:
        """How a person names one of the objects."""
        return join_s3_uri(self.bucket, key)


def require_in_bucket(uri: str, *, bucket: str) -> None:
    """Raises UsageProblem for what is not in the environment's data bucket."""
    try:
        found, _ = split_s3_uri(uri)
    except ValueError as problem:
        raise UsageProblem.of("not-in-s3", str(problem)) from None
    if found != bucket:
        message = f"{uri} is not in the environment's data bucket {bucket}"
        raise UsageProblem.of("other-bucket", message, hint="copy it there, or leave --remote out")
