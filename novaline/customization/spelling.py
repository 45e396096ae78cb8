"""Keys that are misspelled: each is one mistake, and its value is still read under the key that was meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import BaseModel

from novaline.customization.mistakes import class_at, unknown_key
from novaline.customization.model import Budget, Customization, Deployment, Evaluation, Gate, Stage
from novaline.customization.yaml_source import DataPath, SourceDocument
from novaline.findings import Finding, nearest

_LISTS: Mapping[str, type[BaseModel]] = {"stages": Stage, "evaluations": Evaluation}
_PARTS: Mapping[str, type[BaseModel]] = {"gate": Gate, "deployment": Deployment, "budget": Budget}


def corrected(document: SourceDocument) -> tuple[SourceDocument, list[Finding]]:
    """The document with every misspelled key under its right name, and a finding for each beside the document's own.

    A key counts as misspelled when the nearest key that exists there is missing. Others stay, and are found later.
    """
    speller = _Speller(document)
    data = speller.mapping(document.data, Customization, ())
    findings = [*document.findings, *speller.findings]
    if not speller.renamed:
        return document, findings
    return (
        replace(
            document,
            data=data,
            values={speller.moved(path): place for path, place in document.values.items()},
            keys={speller.moved(path): place for path, place in document.keys.items()},
            unreadable=frozenset(map(speller.moved, document.unreadable)),
            merged=frozenset(map(speller.moved, document.merged)),
        ),
        findings,
    )


@dataclass(slots=True)
class _Speller:
    """Rebuilds a document's data; `renamed` holds each misspelled key's place with its right name."""

    document: SourceDocument
    renamed: dict[DataPath, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def mapping(self, data: object, cls: type[BaseModel], path: DataPath) -> object:
        """`data` with right keys, in it and below it."""
        if not isinstance(data, dict):
            return data
        right: dict[str, object] = {}
        for key, value in data.items():
            place = (*path, key)
            name = _meant(key, data.keys() | right.keys(), cls)
            if name is not None:
                if place not in self.document.merged:  # where it is written, it was told
                    self.findings.append(unknown_key(self.document, place, cls))
                self.renamed[place] = name
            right[name or key] = self._value(value, name or key, cls, place)
        return right

    def moved(self, path: DataPath) -> DataPath:
        """A place of the document as the corrected one has it."""
        return tuple(self.renamed.get(path[: index + 1], part) for index, part in enumerate(path))

    def _value(self, value: object, key: str, cls: type[BaseModel], place: DataPath) -> object:
        """The value of a key, where it has keys of its own with these right."""
        if cls is Customization and key in _LISTS and isinstance(value, list):
            return [self.mapping(item, _LISTS[key], (*place, index)) for index, item in enumerate(value)]
        inner = _PARTS.get(key) if cls is Customization else class_at(cls, (key,))
        return value if inner is None or inner is cls else self.mapping(value, inner, place)


def _meant(key: str, taken: set[str], cls: type[BaseModel]) -> str | None:
    """The key that was meant; None for a right one, and where nothing near is missing."""
    if key in cls.model_fields:
        return None
    close = nearest(key, cls.model_fields)
    return close if close is not None and close not in taken else None
