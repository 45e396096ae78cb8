"""One line of a dataset at a time: what it says, and everything that is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.broken_lines import UNREADABLE, file_flaw, line_flaw
from novaline.datasets.formats.misfits import shape_flaw
from novaline.datasets.formats.reserved import reserved_flaws
from novaline.datasets.formats.spec import Columns, FastShape, FormatSpec, RuleContext, View

BLANK = Flaw("blank-line", "a line is blank; every line is one JSON object", hint="remove it")
BOM = Flaw("byte-order-mark", "the file starts with a byte order mark", hint="save it as UTF-8 without BOM")
_CONTROL = Flaw(
    "control-character",
    "a text holds a control character",
    "warning",
    hint="a tokenizer reads it as noise: take it out",
)
_REPLACEMENT = Flaw(
    "replacement-character",
    "a text holds U+FFFD, which stands for what could not be read: it lost characters before",
    "warning",
    hint="make the file again from its source with the right encoding",
)
_MARK_INSIDE = Flaw(
    "byte-order-mark-inside", "a text holds a byte order mark (U+FEFF)", "warning", hint="nobody sees it: take it out"
)

BEFORE_QUESTION = 24
"""Bytes of a row that are shown in front of what it asks."""
_ENOUGH_TO_FIND = 60
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class LineReader:
    """Reads single lines in one format."""

    def __init__(self, spec: FormatSpec[Any], context: RuleContext) -> None:
        self.spec = spec
        self._context = context
        self.fast: list[tuple[FastShape[Any], msgspec.json.Decoder[Any]]] = [
            (shape, msgspec.json.Decoder(shape.type)) for shape in spec.fast
        ]
        self._full = msgspec.json.Decoder(spec.full)

    def fast_row(self, line: bytes) -> tuple[int, Any] | None:
        """The row and the number of the fast shape that it has; None when it has none."""
        for number, (_, decoder) in enumerate(self.fast):
            try:
                return number, decoder.decode(line)
            except UNREADABLE:
                continue
        return None

    def full_row(self, line: bytes) -> Any:  # noqa: ANN401 - the format's own class
        """The row in its full shape. Raises one of UNREADABLE."""
        return self._full.decode(line)

    def full_rows(self, lines: memoryview) -> list[Any]:
        """The rows of whole lines in their full shape. Raises one of UNREADABLE."""
        return self._full.decode_lines(lines)

    def rules(self, row: Any) -> Iterator[Flaw]:  # noqa: ANN401 - the format's own class
        """Everything that the format's rules find wrong with a row."""
        return self.spec.flaws(row, self._context)

    def says(self, line: bytes) -> View | Columns | None:
        """What a line says; None when it is no row."""
        fast = self.fast_row(line)
        if fast is not None:
            return self.fast[fast[0]][0].columns([fast[1]])
        try:
            return self.spec.view(self.full_row(line))
        except UNREADABLE:
            return None

    def question_column(self, line: bytes) -> int | None:
        """The byte column (from 1) where a row begins to say what it asks; None where that is not to be found."""
        said = self.says(line)
        if said is None:
            return None
        question = (said.questions or said.prompts)[0] if isinstance(said, Columns) else said.question
        start = question[:_ENOUGH_TO_FIND].partition("\n")[0]
        for as_ascii in (False, True):
            written = json.dumps(start, ensure_ascii=as_ascii)[:-1].encode("utf-8", "surrogatepass")
            place = line.find(written)
            if place >= 0 and start:
                return place + 2
        return None

    def text_flaws(self, line: bytes) -> Iterator[Flaw]:
        """Reserved words and control characters in the texts of a line that is a row."""
        try:
            texts = self.spec.view(self.full_row(line)).texts
        except UNREADABLE:
            return
        if self.spec.reserved_words is not None:
            yield from reserved_flaws(texts, self.spec.reserved_words)
        yield from _character_flaws(texts)

    def unreadable(self, problem: Exception, line: bytes, *, first: bool) -> tuple[Flaw, int | None, bool]:
        """Why a line is no row, the byte column where that shows, and whether the whole file is something else.

        `first` says that it is the first line of its file.
        """
        whole = file_flaw(line) if first else None
        if whole is not None:
            return whole, None, True
        if isinstance(problem, msgspec.ValidationError):
            return shape_flaw(self.spec, problem, line), None, False
        return (*line_flaw(problem, line), False)


def _character_flaws(texts: Sequence[str]) -> Iterator[Flaw]:
    for text in texts:
        control = _CONTROLS.search(text)
        if control is not None:
            detail = f"found U+{ord(control[0]):04X}"
            yield Flaw(_CONTROL.code, _CONTROL.message, _CONTROL.severity, _CONTROL.hint, detail=detail)
            break
    if any("\ufffd" in text for text in texts):
        yield _REPLACEMENT
    if any("\ufeff" in text for text in texts):
        yield _MARK_INSIDE
