"""Reads a CSV of texts and labels, and says with line numbers what is wrong with it."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from examples.rows import reserved_word_in

SplitName = Literal["train", "validation", "eval"]
_MOST_PROBLEMS = 20
_SPLITS: dict[str, SplitName] = {name: name for name in get_args(SplitName)}


class BadCsv(Exception):
    """What is wrong with the file, all of it, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems[:3]))
        self.problems = tuple(problems)

    def report(self) -> str:
        """The problems as they are shown, at most twenty of them."""
        shown = list(self.problems[:_MOST_PROBLEMS])
        if more := len(self.problems) - len(shown):
            shown.append(f"… and {more} more")
        return "\n".join(("Nothing was written:", *(f"  {problem}" for problem in shown)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the CSV; `line` is where it begins, counted from 1."""

    line: int
    text: str
    label: str
    split: SplitName | None = None


def same_text_key(text: str) -> str:
    """Equal for texts that differ only in case, punctuation or spaces."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(words) or text.strip()


def read_entries(
    path: Path, *, text_column: str, label_column: str, split_column: str | None = None, delimiter: str = ","
) -> list[Entry]:
    """The rows of the file. Raises BadCsv with everything that is wrong in it."""
    records = _records(path, delimiter)
    columns = [name for name in (text_column, label_column, split_column) if name is not None]
    header_line, header = next(records, (1, []))
    header = [name.strip() for name in header]
    if missing := [name for name in columns if name not in header]:
        found = ", ".join(map(repr, header)) or "nothing"
        wanted = ", ".join(map(repr, missing))
        hint = "see --text-column, --label-column and --delimiter"
        raise BadCsv([f"{path}, line {header_line}: no column {wanted} in the header, it has {found}; {hint}"])
    places = [header.index(name) for name in columns]
    entries: list[Entry] = []
    problems: list[str] = []
    try:
        for line, fields in records:
            if len(fields) != len(header):
                problems.append(
                    f"line {line}: {len(fields)} fields, the header has {len(header)}; "
                    f"a text that holds {delimiter!r} must stand in double quotes"
                )
                continue
            entry, found_problems = _entry(line, [fields[place].strip() for place in places])
            problems += found_problems
            entries.append(entry)
    except BadCsv as error:
        problems += error.problems
    problems += _spellings(entries)
    if not problems and len({entry.label for entry in entries}) < 2:
        problems.append(f"at least two labels are needed, the file has {len({entry.label for entry in entries})}")
    if problems:
        raise BadCsv([f"{path}, {problem}" for problem in problems])
    return entries


def _entry(line: int, values: Sequence[str]) -> tuple[Entry, list[str]]:
    text, label = values[:2]
    split = values[2] if len(values) > 2 else None
    problems = [f"line {line}: the {what} is empty" for what, value in (("text", text), ("label", label)) if not value]
    for what, value in (("text", text), ("label", label)):
        if word := reserved_word_in(value):
            problems.append(f"line {line}: the {what} holds {word!r}, which Nova's chat template uses; reword it")
        if "\0" in value:
            problems.append(f"line {line}: the {what} holds a NUL character")
    if split is not None and split not in _SPLITS:
        problems.append(f"line {line}: the split is {split!r}, expected one of {', '.join(_SPLITS)}")
    return Entry(line=line, text=text, label=label, split=_SPLITS.get(split or "")), problems


def contradictions(entries: Sequence[Entry]) -> dict[str, str]:
    """Texts that have more than one label: what to say about each, by its key."""
    first: dict[str, Entry] = {}
    found: dict[str, str] = {}
    for entry in entries:
        other = first.setdefault(same_text_key(entry.text), entry)
        if other.label != entry.label:
            found.setdefault(
                same_text_key(entry.text),
                f"line {entry.line}: label {entry.label!r}, but line {other.line} gives the same text "
                f"the label {other.label!r}",
            )
    return found


def _spellings(entries: Sequence[Entry]) -> list[str]:
    """Labels that are probably one, written in two ways."""
    spellings: dict[str, dict[str, int]] = {}
    for entry in entries:
        spellings.setdefault(entry.label.casefold(), {}).setdefault(entry.label, entry.line)
    return [
        f"line {there}: label {other!r} differs from {one!r} (line {line}) in capitals only; use one spelling"
        for (one, line), *others in (tuple(lines.items()) for lines in spellings.values())
        for other, there in others
    ]


def _records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line where the record begins, its fields), without empty lines."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadCsv(
            [f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"]
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadCsv(
                [f'line {begin}: the quotes do not match in the row that begins here ({error}); write " inside as ""']
            ) from None
        if fields:
            yield begin, fields
        begin = reader.line_num + 1
