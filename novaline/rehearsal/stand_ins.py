"""Local rows in the place of data in S3: a rehearsal reaches no account, and the bucket of its own is empty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from novaline.customization.stored_data import SCHEME, DataRefused
from novaline.findings import UsageProblem


class StandIns:
    """Local files by the URIs that they stand for, as `--data s3://…=FILE` names them."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files
        self._asked: set[str] = set()

    @classmethod
    def of(cls, written: Sequence[str]) -> Self:
        """The pairs as a person writes them. Raises UsageProblem for what is none, and for a file that is not there."""
        files: dict[str, Path] = {}
        for pair in written:
            uri, equals, path = pair.partition("=")
            if not equals or not uri.startswith(SCHEME) or not path:
                message = f"--data takes a pair of a URI and a local file, found {pair!r}"
                raise UsageProblem.of(
                    "wrong-usage", message, hint="write for example `--data s3://bucket/a.jsonl=a.jsonl`"
                )
            if not Path(path).is_file():
                raise UsageProblem.of("no-such-source", f"there is no file {path}, which is to stand for {uri}")
            files[uri] = Path(path).absolute()
        return cls(files)

    def find(self, uri: str, *, rows_of: str, model: str) -> Path:
        """The local file that stands for the object: it is checked and uploaded like any other. Raises DataRefused."""
        self._asked.add(uri)
        if uri not in self._files:
            message = (
                f"a rehearsal reaches no account, so {uri} cannot be read: say which local {rows_of} rows stand for it"
            )
            hint = f"`aws s3 cp {uri} rows.jsonl`, or rows like those, and `--data {uri}=rows.jsonl`"
            raise DataRefused("no-stand-in", message, hint=hint)
        return self._files[uri]

    def require_all_used(self) -> None:
        """Raises UsageProblem for a file that stands for nothing in the customization."""
        unused = sorted(self._files.keys() - self._asked)
        if unused:
            message = f"the customization names no data at {', '.join(unused)}"
            raise UsageProblem.of(
                "wrong-usage", message, hint="`--data` takes the URI as the customization file has it"
            )
