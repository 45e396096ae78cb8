"""Batches of a source into rows of a format: plain columns fast, everything else in the general way, with its rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.catalogue import FORMATS
from novaline.datasets.formats.reserved import reserved_flaws
from novaline.datasets.formats.spec import RuleContext
from novaline.datasets.prepare.contrast import Contrasts
from novaline.datasets.prepare.drafts import draft_of
from novaline.datasets.prepare.plain import PLAIN, doubtful_rows
from novaline.datasets.prepare.plain_chats import plain_chats
from novaline.datasets.prepare.problems import BadRow, RowLedger, shown_row
from novaline.datasets.prepare.roles import FORMAT_ROLES, Shape, complete_mapping, shape_of
from novaline.datasets.prepare.rows import BUILDERS
from novaline.datasets.readers.batches import Batch, MissingColumn, TableBatch
from novaline.findings import NovalineError

_FROM_CHATS = frozenset({"sft", "distillation", "rft", "gen_qa"})
_PLAIN_ROLES = frozenset({"prompt", "answer", "other", "system", "text"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """The rows of a batch that could be converted: the row, what it asks, and its index in the batch."""

    rows: list[object]
    questions: list[str]
    indexes: list[int]


class Converter:
    """Converts batch by batch; what cannot be converted goes to the ledger."""

    def __init__(
        self,
        *,
        format: str,  # noqa: A002 - the field's own word
        mapping: Mapping[str, str],
        shape: Shape | None,
        system: str | None,
        bucket_owner: str | None,
        contrasts: Contrasts | None,
        ledger: RowLedger,
        sources_before: int = 0,
    ) -> None:
        self._format = format
        self._roles = FORMAT_ROLES[format]
        self._spec = FORMATS[format]
        self._given = dict(mapping)
        self._shape = shape
        self._system = system
        self._bucket_owner = bucket_owner
        self._contrasts = contrasts
        self._ledger = ledger
        self.mapping: dict[str, str] = {}
        self.mappings: dict[str, Mapping[str, str]] = {}
        """Source → what its columns were taken for."""
        self._mapped_for = ""
        self._sources = sources_before
        self._found: set[str] = set()

    def resolve(self, batch: Batch) -> Mapping[str, str]:
        """Role → column for the source of this batch. Raises NovalineError when a needed role has no column."""
        if self._mapped_for != batch.source:
            shape = self._shape or shape_of(batch.names, self._given)
            made = ("other",) if self._contrasts is not None else ()
            self.mapping = complete_mapping(
                self._given,
                batch.names,
                format=self._format,
                shape=shape,
                made=made,
                source=batch.source,
                example=shown_row(batch.row(0), most=100),
            )
            self._mapped_for = batch.source
            self.mappings[batch.source] = self.mapping
            self._sources += 1
        return self.mapping

    def convert(self, batch: Batch) -> Converted:
        """The batch's rows. Raises NovalineError when the batch lacks a column."""
        for bad in batch.unreadable:
            flaw = Flaw(bad.code, bad.message, hint=bad.hint, detail=bad.detail)
            self._ledger.add(flaw, file=batch.source, unit=batch.unit, number=bad.number, row=bad.excerpt)
        if not len(batch):
            return Converted(rows=[], questions=[], indexes=[])
        first = self._mapped_for != batch.source
        columns: dict[str, Sequence[object]] = {}
        for role, name in self.resolve(batch).items():
            column = self._column(batch, role, name, first=first)
            if column is not None:
                columns[role] = column
        if self._contrasts is not None:
            columns["other"] = self._contrasts.others(columns["prompt"], columns["answer"])
        if self._is_plain(columns):
            texts = {role: cast("Sequence[str]", column) for role, column in columns.items()}
            own = texts.pop("system", None)
            return self._fast(batch, columns, list(range(len(batch))), texts, own)
        if columns.keys() == {"messages"} and self._format in _FROM_CHATS:
            indexes, questions, answers, systems = plain_chats(columns["messages"])
            return self._fast(batch, columns, indexes, {"prompt": questions, "answer": answers}, systems)
        return self._general(batch, columns, range(len(batch)))

    @property
    def found(self) -> frozenset[str]:
        """The roles whose columns were in a row so far; without any row all that were given."""
        return frozenset(self._found if self._sources else self._given)

    def require_found(self) -> None:
        """To be called at the end. Raises NovalineError when a column that a person named was in no row."""
        require_columns(self._given, self.found)

    def _column(self, batch: Batch, role: str, name: str, *, first: bool) -> Sequence[object] | None:
        """The values of a role; None where the batch has none. Objects may lack a key here and have it elsewhere."""
        try:
            column = batch.column(name)
        except MissingColumn:
            needed = role in self._roles.needed or role == "messages"
            if (isinstance(batch, TableBatch) and (needed or role in self._given)) or (needed and first):
                raise
            return [None] * len(batch) if needed else None
        self._found.add(role)
        return column

    def _is_plain(self, columns: Mapping[str, Sequence[object]]) -> bool:
        return (
            self._format in PLAIN
            and columns.keys() <= _PLAIN_ROLES
            and all(role in columns for role in self._roles.needed)
            and all(set(map(type, column)) == {str} for column in columns.values())
        )

    def _fast(
        self,
        batch: Batch,
        columns: Mapping[str, Sequence[object]],
        indexes: Sequence[int],
        texts: Mapping[str, Sequence[str]],
        own: Sequence[str | None] | None,
    ) -> Converted:
        """The rows with these indexes by their texts and own system texts; all others, and doubtful ones, generally."""
        systems = [self._system] * len(indexes)
        looked_at = list(texts.values())
        if own is not None:
            systems = [self._system if text is None else text for text in own]
            looked_at.append(["none" if text is None else text for text in own])
        doubtful = doubtful_rows(looked_at, reserved=self._spec.reserved_words == "error")
        if self._format == "dpo":
            doubtful.update(i for i, (a, b) in enumerate(zip(texts["answer"], texts["other"], strict=True)) if a == b)
        if doubtful:
            kept = [place for place in range(len(indexes)) if place not in doubtful]
            indexes, systems = [indexes[place] for place in kept], [systems[place] for place in kept]
            texts = {role: [column[place] for place in kept] for role, column in texts.items()}
        if self._system is not None and own is not None:
            for index, system in zip(indexes, systems, strict=True):
                if system != self._system:
                    self._note(batch, batch.numbers[index], "system")
        prompts = texts["text" if "text" in texts else "prompt"]
        rows = PLAIN[self._format](prompts, texts.get("answer", ()), texts.get("other", ()), systems)
        made = Converted(rows=cast("list[object]", rows), questions=list(prompts), indexes=list(indexes))
        if len(indexes) == len(batch):
            return made
        return _merged(made, self._general(batch, columns, sorted(set(range(len(batch))).difference(indexes))))

    def _general(self, batch: Batch, columns: Mapping[str, Sequence[object]], indexes: Sequence[int]) -> Converted:
        made = Converted(rows=[], questions=[], indexes=[])
        for index in indexes:
            number = batch.numbers[index]
            try:
                row, question = self._row(batch, number, {role: column[index] for role, column in columns.items()})
            except BadRow as problem:
                self._ledger.add(problem.flaw, file=batch.source, unit=batch.unit, number=number, row=batch.row(index))
                continue
            made.rows.append(row)
            made.questions.append(question)
            made.indexes.append(index)
        return made

    def _row(self, batch: Batch, number: int, values: Mapping[str, object]) -> tuple[object, str]:
        draft = draft_of(
            values,
            words=self._roles.words,
            system=self._system,
            objects=self._roles.own_fields or self._format == "multi-turn-rft",
            needs_answer="answer" in self._roles.needed,
            note=lambda key: self._note(batch, number, key),
        )
        draft.place = f"{self._sources}/{number}"
        row = BUILDERS[self._format](draft, self._bucket_owner)
        try:
            typed: Any = msgspec.convert(row, self._spec.full)
        except msgspec.ValidationError as problem:
            raise BadRow("wrong-shape", f"the row would not be one of {self._format}", detail=str(problem)) from None
        for flaw in self._spec.flaws(typed, RuleContext()):
            _refuse(flaw)
        view = self._spec.view(typed)
        if self._spec.reserved_words == "error":
            for flaw in reserved_flaws(view.texts):
                _refuse(flaw)
        return row, view.question

    def _note(self, batch: Batch, number: int, key: str) -> None:
        if key == "system":
            message = "rows keep a system prompt of their own, which is not the one that was given"
            hint = "leave out --system, or the column"
            flaw = Flaw("own-system", message, "warning", hint=hint)
        else:
            flaw = Flaw("left-out", f"messages hold {key!r}, for which Nova's rows have no place: left out", "warning")
        self._ledger.add(flaw, file=batch.source, unit=batch.unit, number=number)


def require_columns(given: Mapping[str, str], found: Collection[str]) -> None:
    """Raises NovalineError when the column of a role that a person named was in no row."""
    named = ", ".join(f"{role}={name}" for role, name in given.items() if role not in found)
    if named:
        hint = "correct --map, or leave it out"
        raise NovalineError.of("missing-column", f"no row has what is mapped by {named}", hint=hint)


def _refuse(flaw: Flaw) -> None:
    if flaw.severity == "error":
        raise BadRow(flaw.code, flaw.message, hint=flaw.hint, detail=flaw.detail)


def _merged(one: Converted, other: Converted) -> Converted:
    """Both, in the order of the source."""
    together = sorted(
        zip(one.indexes + other.indexes, one.rows + other.rows, one.questions + other.questions, strict=True),
        key=lambda each: each[0],
    )
    return Converted(
        rows=[row for _, row, _ in together],
        questions=[question for _, _, question in together],
        indexes=[index for index, _, _ in together],
    )
