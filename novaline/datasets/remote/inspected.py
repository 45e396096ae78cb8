"""What an inspection says of one object, for runs that want to read it: a small document, found by its version.

Standard library only: functions bundle it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from novaline.datasets.remote.places import object_key
from novaline.datasets.validated import Validated

MOST_INDEXED: Final = 100
"""Objects of one inspection that get such a document each: a run reads single files, and no folder of more."""

_SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedObject:
    """One version of an object and what was found in it. Findings, tokens and media are those of all objects that were
    inspected together: where there are no errors in all, there are none in one.

    `sha256` is None where several functions read it. `tokens` and `longest_row` are estimates, in tokens.
    """

    uri: str
    version_id: str
    bytes: int
    sha256: str | None
    tokens: int
    longest_row: int
    media: tuple[str, ...]
    validated: Validated

    @property
    def key(self) -> str:
        """Where it lies in the artifact bucket."""
        return object_key(self.uri, self.version_id, rows_of=self.validated.format, model=self.validated.model)

    def as_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "schema": _SCHEMA,
            "uri": self.uri,
            "version_id": self.version_id,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "tokens": self.tokens,
            "longest_row": self.longest_row,
            "media": list(self.media),
            "validated": self.validated.as_json(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """What a document says. Raises ValueError with words when it is none of this version."""
        if document.get("schema") != _SCHEMA:
            raise ValueError(f"it has schema {document.get('schema')!r}, expected {_SCHEMA}")
        fields = {name: document[name] for name in cls.__slots__ if name not in ("media", "validated")}
        return cls(**fields, media=tuple(document["media"]), validated=Validated.from_json(document["validated"]))
