"""Reads blocks of lines: whole blocks at the decoder's speed, and one by one only lines that stand out."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import msgspec

from novaline.datasets.engine.any_rows import SPECS
from novaline.datasets.engine.blocks import LONGEST_LINE, Block, new_buffer
from novaline.datasets.engine.held_out import SAME
from novaline.datasets.engine.lines import BEFORE_QUESTION, BLANK, BOM, LineReader
from novaline.datasets.engine.look import Look, Looker
from novaline.datasets.engine.plan import Plan
from novaline.datasets.engine.taking import RowTaker
from novaline.datasets.engine.tally import Tally
from novaline.datasets.flaws import Flaw, FlawLedger, excerpt
from novaline.datasets.formats.broken_lines import BYTE_ORDER_MARK, UNREADABLE, may_repeat_keys, repeated_key
from novaline.datasets.formats.spec import Columns

if TYPE_CHECKING:
    from novaline.datasets.sensitive import SensitiveScanner


class _Lines:
    """The lines of a block, cut apart when somebody asks for one."""

    def __init__(self, block: Block) -> None:
        self.block = block

    @cached_property
    def all(self) -> list[bytes]:
        return bytes(self.block.view[:-1]).split(b"\n")

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.all), initial=0))

    def row(self, index: int) -> bytes:
        """A line, without the byte order mark that may stand before the file's first one."""
        line = self.all[index]
        return line.removeprefix(BYTE_ORDER_MARK) if self.is_first(index) else line

    def offset(self, index: int) -> int:
        return self.block.offset + self._starts[index]

    def is_first(self, index: int) -> bool:
        return index == 0 and self.block.offset == 0


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
        self._lines = _Lines(Block(bytearray(), 0, 0, 0))

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
        tally, self._lines = self._tally, _Lines(block)
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
                rows = self._one_by_one(look)
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
            self._take(columns, shape.features, range(look.lines))
            expected = columns.keys if columns.keys is not None else self._keys_again(view)
            if look.keys is None or look.keys != expected:
                self._repeated_keys(range(look.lines))
            self._text_flaws(look.suspects)
            return True
        return False

    def _keys_again(self, view: memoryview) -> int:
        """The keys of a block's rows when they are written again, each key once in its object."""
        written = self._tools.encoder.encode_lines(self._tools.any.decode_lines(view))
        return written.count(b'":') - written.count(b'\\":')

    def _one_by_one(self, look: Look) -> int:
        """Reads a block line by line: those of a fast shape are taken together. Returns the number of rows."""
        fast: dict[int, tuple[list[int], list[Any]]] = {}
        readable: list[int] = []
        rows = 0
        for index, line in enumerate(self._lines.all):
            if not self._has_row(index, line):
                continue
            rows += 1
            found = self._reader.fast_row(self._lines.row(index))
            if found is not None:
                indexes, fast_rows = fast.setdefault(found[0], ([], []))
                indexes.append(index)
                fast_rows.append(found[1])
            elif not self._full(index):
                continue
            readable.append(index)
        for number, (indexes, fast_rows) in fast.items():
            shape = self._reader.fast[number][0]
            self._take(shape.columns(fast_rows), shape.features, indexes)
        self._repeated_keys([index for index in readable if may_repeat_keys(self._lines.row(index))])
        self._text_flaws(sorted({*look.suspects} & {*readable}))
        return rows

    def _has_row(self, index: int, line: bytes) -> bool:
        """Whether the line is more than blank."""
        if self._lines.is_first(index) and line.startswith(BYTE_ORDER_MARK):
            self._report(BOM, index, column=1)
        row = self._lines.row(index)
        if not row or row.isspace():
            self._report(BLANK, index)
            return False
        return True

    def _full(self, index: int) -> bool:
        """Reads one line in the full shape. False when it is no row."""
        line = self._lines.row(index)
        try:
            row = self._reader.full_row(line)
            flaws, view = list(self._reader.rules(row)), self._spec.view(row)
        except UNREADABLE as problem:
            flaw, column, unlike = self._reader.unreadable(problem, line, first=self._lines.is_first(index))
            self._report(flaw, index, column=column)
            self._tally.unlike |= unlike
            return False
        for flaw in flaws:
            self._report(flaw, index)
        self._report_all(self._taker.view(view, index))
        return True

    def _take(self, columns: Columns, features: frozenset[str], indexes: Sequence[int]) -> None:
        """Takes rows of a fast shape, and asks the rules about those that are in doubt."""
        self._report_all(self._taker.columns(columns, features, indexes))
        for place in columns.doubtful:
            row = self._reader.full_row(self._lines.row(indexes[place]))
            for flaw in self._reader.rules(row):
                self._report(flaw, indexes[place])

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

    def _report_all(self, found: Iterator[tuple[int, Flaw]]) -> None:
        for index, flaw in found:
            column = shown = None
            if flaw.code == SAME.code and flaw not in self._ledger.seen:
                line = self._lines.all[index]
                column = self._reader.question_column(self._lines.row(index))
                shown = excerpt(line, column, before=BEFORE_QUESTION)
            self._report(flaw, index, column=column, shown=shown)

    def _report(self, flaw: Flaw, index: int, *, column: int | None = None, shown: str | None = None) -> None:
        if self._tally.unlike:
            return
        lines = self._lines
        line, offset = self._tally.lines + index + 1, lines.offset(index)
        self._ledger.add(flaw, line=line, offset=offset, raw=lines.all[index], column=column, shown=shown)
