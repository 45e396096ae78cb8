"""Reads blocks of lines: whole blocks at the decoder's speed, and one by one only lines that stand out."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from novaline.datasets.engine.any_rows import SPECS
from novaline.datasets.engine.blocks import LONGEST_LINE, Block, BlockLines, new_buffer
from novaline.datasets.engine.held_out import SAME
from novaline.datasets.engine.lines import BEFORE_QUESTION, BLANK, BOM, LineReader
from novaline.datasets.engine.look import Look, Looker
from novaline.datasets.engine.plan import Plan
from novaline.datasets.engine.taking import RowTaker
from novaline.datasets.engine.tally import Tally
from novaline.datasets.flaws import Flaw, FlawLedger, excerpt
from novaline.datasets.formats.broken_lines import BYTE_ORDER_MARK, UNREADABLE, may_repeat_keys, repeated_key
from novaline.datasets.formats.spec import Columns, View

if TYPE_CHECKING:
    from novaline.datasets.sensitive import SensitiveScanner


_Found = tuple[int, Flaw, int | None]
"""A flaw, with its line's place in the block, and the byte column where it shows."""
_GLANCE = 8
"""Lines that show of which shapes most of a block's rows are."""


class Tools:
    """What the readers of a dataset's parts share, one after the other: making it anew for each would cost time."""

    def __init__(self, plan: Plan, look: Looker) -> None:
        self.plan = plan
        self.look = look
        self.spec = SPECS[plan.options.format]
        self.reader = LineReader(self.spec, plan.options.context)
        self.any = msgspec.json.Decoder()
        self.encoder = msgspec.json.Encoder()
        self.buffer = new_buffer()
        self.scanner: SensitiveScanner | None = None
        if plan.options.sensitive:
            from novaline.datasets.sensitive import SensitiveScanner  # noqa: PLC0415 - for who asks for it only

            self.scanner = SensitiveScanner()


class PartReader:
    """Reads one part of one file, block by block, into a tally."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._spec = tools.spec
        self._reader = tools.reader
        self._tally = Tally()
        self._taker = RowTaker(tools.plan, self._tally)
        self._ledger = FlawLedger()
        self._lines = BlockLines(Block(bytearray(), 0, 0, 0))

    def read(self, blocks: Iterable[Block]) -> Tally:
        """Reads the blocks, which follow one another, and returns the tally."""
        collecting = gc.isenabled()
        gc.disable()  # rows hold no cycles, and looking for some takes a tenth of the time
        try:
            for block in blocks:
                self._read(block)
        finally:
            if collecting:
                gc.enable()
        self._tally.flaws = list(self._ledger.seen.items())
        return self._tally

    def _read(self, block: Block) -> None:
        tally, self._lines = self._tally, BlockLines(block)
        if block.too_long:
            self._taker.begin(1, self._lines.row)
            message = f"the line is longer than {LONGEST_LINE >> 20} MiB, and was not looked at"
            self._report(Flaw("line-too-long", message, hint="shorten the row, or split it"), 0)
            lines = rows = 1
        else:
            look = self._tools.look(block, reserved=self._spec.reserved_words is not None)
            lines, rows = look.lines, look.lines
            self._taker.begin(lines, self._lines.row)
            if not (look.one_each and self._whole(look)):
                rows = self._in_any_shape(look)
            self._lengths()
            self._scan()
        self._taker.end()
        tally.rows += rows
        tally.lines += lines
        tally.size += block.size

    def _whole(self, look: Look) -> bool:
        """Reads a block whose rows all have one fast shape. False when they have not."""
        view = self._lines.block.view
        for number, (shape, decoder) in enumerate(self._reader.fast):
            try:
                rows = decoder.decode_lines(view)
            except UNREADABLE:
                continue
            if len(rows) != look.lines:
                return False
            if number:
                self._reader.fast.insert(0, self._reader.fast.pop(number))
            columns = shape.columns(rows)
            try:
                expected = columns.keys if columns.keys is not None else self._keys_again(view)
            except UNREADABLE:  # in a field that the shape lets pass
                return False
            self._report_all(self._take(columns, shape.features, range(look.lines)))
            if look.keys is None or look.keys != expected:
                self._repeated_keys(range(look.lines))
            self._text_flaws(look.suspects)
            return True
        return False

    def _keys_again(self, view: memoryview) -> int:
        """The keys of a block's rows when they are written again, each key once in its object.

        Raises one of UNREADABLE, also for what a shape lets pass without a look.
        """
        written = self._tools.encoder.encode_lines(self._tools.any.decode_lines(view))
        return written.count(b'":') - written.count(b'\\":')

    def _in_any_shape(self, look: Look) -> int:
        """Reads a block whose rows have not all one fast shape. Returns the number of rows."""
        found: list[_Found] = []
        whole = self._full_rows(look)
        if whole is None:
            rows, readable = self._one_by_one(found)
            doubtful = self._doubtful(readable, found)
        else:
            full_rows, keys = whole
            rows, readable = look.lines, self._take_full(enumerate(full_rows), found)
            doubtful = [] if look.keys == keys else readable
        found.sort(key=itemgetter(0))  # so that a flaw is told with the first line that has it
        self._report_all(found)
        self._repeated_keys(doubtful)
        self._text_flaws(sorted({*look.suspects} & {*readable}))
        return rows

    def _doubtful(self, readable: Iterable[int], found: list[_Found]) -> list[int]:
        """Which lines may repeat a key. What the shapes let pass without a look is looked at here."""
        doubtful = []
        for index in readable:
            try:
                if may_repeat_keys(self._lines.row(index)):
                    doubtful.append(index)
            except UNREADABLE as problem:
                self._unreadable(index, problem, found)
        return doubtful

    def _full_rows(self, look: Look) -> tuple[list[Any], int] | None:
        """The rows of a block at once, in the full shape, and the keys of all of them when they are written again.

        None where the block has other lines, or mostly fast rows.
        """
        glance = self._lines.all[:_GLANCE]
        if not look.one_each or sum(self._reader.fast_row(line) is None for line in glance) * 2 <= len(glance):
            return None
        try:
            rows = self._reader.full_rows(self._lines.block.view)
            return (rows, self._keys_again(self._lines.block.view)) if len(rows) == look.lines else None
        except UNREADABLE:
            return None

    def _one_by_one(self, found: list[_Found]) -> tuple[int, list[int]]:
        """Reads line by line; rows of a fast shape are taken together. Returns how many, and which can be read."""
        fast: dict[int, tuple[list[int], list[Any]]] = {}
        full: list[tuple[int, Any]] = []
        readable: list[int] = []
        rows = 0
        for index, line in enumerate(self._lines.all):
            if not self._has_row(index, line, found):
                continue
            rows += 1
            shaped = self._reader.fast_row(self._lines.row(index))
            if shaped is not None:
                indexes, fast_rows = fast.setdefault(shaped[0], ([], []))
                indexes.append(index)
                fast_rows.append(shaped[1])
                readable.append(index)
                continue
            try:
                full.append((index, self._reader.full_row(self._lines.row(index))))
            except UNREADABLE as problem:
                self._unreadable(index, problem, found)
        for number, (indexes, fast_rows) in fast.items():
            shape = self._reader.fast[number][0]
            found += self._take(shape.columns(fast_rows), shape.features, indexes)
        return rows, sorted([*readable, *self._take_full(full, found)])

    def _has_row(self, index: int, line: bytes, found: list[_Found]) -> bool:
        """Whether the line is more than blank."""
        if self._lines.is_first(index) and line.startswith(BYTE_ORDER_MARK):
            found.append((index, BOM, 1))
        row = self._lines.row(index)
        if not row or row.isspace():
            found.append((index, BLANK, None))
            return False
        return True

    def _take_full(self, rows: Iterable[tuple[int, Any]], found: list[_Found]) -> list[int]:
        """Takes rows in the full shape. Returns which of them can be read after all."""
        indexes: list[int] = []
        views: list[View] = []
        for index, row in rows:
            try:
                flaws, view = list(self._reader.rules(row)), self._spec.view(row)
            except UNREADABLE as problem:
                self._unreadable(index, problem, found)
                continue
            found += [(index, flaw, None) for flaw in flaws]
            indexes.append(index)
            views.append(view)
        found += self._taker.views(views, indexes)
        return indexes

    def _unreadable(self, index: int, problem: Exception, found: list[_Found]) -> None:
        """Notes why a line is no row. If the first line shows that the file is something else, nothing else is told."""
        first = self._lines.is_first(index)
        flaw, column, unlike = self._reader.unreadable(problem, self._lines.row(index), first=first)
        if unlike:
            self._report_all(found)
            self._report(flaw, index, column=column)
            self._tally.unlike = True
        found.append((index, flaw, column))

    def _take(self, columns: Columns, features: frozenset[str], indexes: Sequence[int]) -> Iterator[_Found]:
        """Takes rows of a fast shape, and asks the rules about those that are in doubt."""
        yield from self._taker.columns(columns, features, indexes)
        for place in columns.doubtful:
            row = self._reader.full_row(self._lines.row(indexes[place]))
            for flaw in self._reader.rules(row):
                yield indexes[place], flaw, None

    def _repeated_keys(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            flaw = repeated_key(self._lines.row(index))
            if flaw is not None:
                self._report(flaw, index)

    def _text_flaws(self, suspects: Iterable[int]) -> None:
        for index in suspects:
            for flaw in self._reader.text_flaws(self._lines.row(index)):
                self._report(flaw, index)

    def _lengths(self) -> None:
        most = self._spec.longest_line
        if most is None:
            return
        for index, line in enumerate(self._lines.all):
            if len(line) > most:
                message = f"the line is longer than {most >> 10:,} KiB, the most for {self._spec.title}"
                self._report(Flaw("line-too-long", message, detail=f"{len(line):,} bytes"), index)

    def _scan(self) -> None:
        """Secrets and personal data, of which nothing but the kind is told."""
        if self._tools.scanner is None or self._tally.unlike:
            return
        from novaline.datasets.sensitive import KINDS  # noqa: PLC0415 - with the scanner only

        for hit in self._tools.scanner.scan_block(bytes(self._lines.block.view)):
            kind, index = KINDS[hit.kind], hit.line_in_block - 1
            flaw = Flaw(hit.kind, f"the row holds {kind.title}", "warning", hint=kind.hint)
            self._report(flaw, index, column=hit.column, shown=hit.excerpt)

    def _report_all(self, found: Iterable[_Found]) -> None:
        for index, flaw, column in found:
            if flaw.code == SAME.code and flaw not in self._ledger.seen:
                asked = self._reader.question_column(self._lines.row(index))
                shown = excerpt(self._lines.all[index], asked, before=BEFORE_QUESTION)
                self._report(flaw, index, column=asked, shown=shown)
            else:
                self._report(flaw, index, column=column)

    def _report(self, flaw: Flaw, index: int, *, column: int | None = None, shown: str | None = None) -> None:
        if self._tally.unlike:
            return
        lines = self._lines
        line, offset = self._tally.lines + index + 1, lines.offset(index)
        self._ledger.add(flaw, line=line, offset=offset, raw=lines.all[index], column=column, shown=shown)
