"""Counts what readable rows say: whole columns of them at once, or single views."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, compress, groupby

from novaline.datasets.engine.folding import folded_hash, folded_hashes
from novaline.datasets.engine.hashing import NOTHING, bytes_hashes, text_hash, text_hashes
from novaline.datasets.engine.plan import Plan
from novaline.datasets.engine.tally import Tally
from novaline.datasets.flaws import Flaw
from novaline.datasets.formats.spec import TOKEN_BYTES, Columns, View, tokens_of, tokens_of_all

_SYSTEM = frozenset({"system"})

Found = Iterator[tuple[int, Flaw, None]]
"""Flaws, each with the place of its line in the block, and without a column."""


class RowTaker:
    """Counts rows in a tally. Lines are given by their places in the block at hand, which starts after `before`."""

    def __init__(self, plan: Plan, tally: Tally) -> None:
        self._tally = tally
        self._plan = plan
        self._most_bytes = (plan.options.max_length or 0) * TOKEN_BYTES
        self._before = 0
        self._row: Callable[[int], bytes] = lambda _: b""
        self._keys: array[int] = array("Q")

    def begin(self, lines: int, row: Callable[[int], bytes]) -> None:
        """Starts a block of so many lines; `row` gives the bytes of one."""
        self._row = row
        self._before = self._tally.lines + 1
        self._keys = array("Q", bytes(8 * lines))

    def end(self) -> None:
        """Ends the block."""
        if not self._plan.options.keep_rows:
            self._tally.keys += self._keys.tobytes()

    def views(self, views: Sequence[View], indexes: Sequence[int]) -> Found:
        """Counts rows at these places in the block, and finds what is wrong with what they say."""
        if not views:
            return
        tally, lines = self._tally, [self._before + index for index in indexes]
        self._alike(views, lines)
        answers = [view.answer for view in views if view.answer is not None]
        if answers:
            tally.labels.add(answers)
        for medium in chain.from_iterable(view.media for view in views):
            tally.media[medium.kind] = tally.media.get(medium.kind, 0) + 1
        rows = list(map(self._row, indexes))
        if self._plan.options.keep_rows:
            for view, row, line in zip(views, rows, lines, strict=True):
                tally.records += records_of(view, [row], [line])
        else:
            for index, key in zip(indexes, self._plan.place.keys([view.prompt for view in views]), strict=True):
                self._keys[index] = key
        for view, line in zip(views, lines, strict=True):
            if view.id is not None:
                self._id(view.id, line)
        if self._plan.held_out.folded:
            for view, index in zip(views, indexes, strict=True):
                flaw = self._plan.held_out.flaw(view.question)
                if flaw is not None:
                    yield index, flaw, None
        yield from self._lengths([view.size(row) for view, row in zip(views, rows, strict=True)], indexes)

    def _alike(self, views: Sequence[View], lines: Sequence[int]) -> None:
        """Counts features and system texts, of rows that follow one another with the same ones at once."""
        tally = self._tally
        together = groupby(zip(views, lines, strict=True), key=lambda each: (each[0].features, each[0].system))
        for (features, system), group in together:
            line, count = next(group)[1], 1 + sum(1 for _ in group)
            tally.features.add(features, line, count)
            if system is not None:
                tally.systems.add(system, line, count)

    def columns(self, columns: Columns, features: frozenset[str], indexes: Sequence[int]) -> Found:
        """Counts rows of a fast shape, at these places in the block, and finds what is wrong with what they say."""
        tally, prompts, answers, systems = self._tally, columns.prompts, columns.answers, columns.systems
        if systems is None:
            tally.features.add(features, self._before + indexes[0], len(prompts))
        else:
            self._systems(systems, features, indexes)
        if answers is not None:
            tally.labels.add(answers)
        if columns.ids is not None:
            for index, name in zip(indexes, columns.ids, strict=True):
                if name:
                    self._id(name, self._before + index)
        keys = self._plan.place.keys(prompts)
        if self._plan.options.keep_rows:
            rows, lines = [self._row(index) for index in indexes], [self._before + index for index in indexes]
            tally.records += records_of(columns, rows, lines)
        elif len(keys) == len(self._keys):
            self._keys = keys
        else:
            for index, key in zip(indexes, keys, strict=True):
                self._keys[index] = key
        yield from self._held_out(columns, keys, indexes)
        yield from self._lengths(columns.sizes(), indexes)

    def _systems(self, systems: Sequence[str], features: frozenset[str], indexes: Sequence[int]) -> None:
        tally, with_system = self._tally, features | _SYSTEM
        if systems[0] and systems.count(systems[0]) == len(systems):
            tally.features.add(with_system, self._before + indexes[0], len(systems))
            tally.systems.add(systems[0], self._before + indexes[0], len(systems))
            return
        for index, text in zip(indexes, systems, strict=True):
            tally.features.add(with_system if text else features, self._before + index)
            if text:
                tally.systems.add(text, self._before + index)

    def _held_out(self, columns: Columns, keys: array[int], indexes: Sequence[int]) -> Found:
        held = self._plan.held_out
        if not held.keys:
            return
        questions = columns.prompts if columns.questions is None else columns.questions
        if columns.questions is not None:
            keys = self._plan.place.keys(questions)
        if held.keys.isdisjoint(keys):
            return
        for index, key, question in zip(indexes, keys, questions, strict=True):
            flaw = held.flaw(question) if key in held.keys else None
            if flaw is not None:
                yield index, flaw, None

    def _lengths(self, sizes: list[int], indexes: Sequence[int]) -> Found:
        longest = max(sizes)
        lengths, tokens = self._tally.lengths, sum(tokens_of_all(sizes))
        if longest > lengths.longest:
            lengths.add(tokens, longest, self._before + indexes[sizes.index(longest)])
        else:
            lengths.tokens += tokens
        if self._most_bytes and longest > self._most_bytes:
            for place in compress(range(len(sizes)), [size > self._most_bytes for size in sizes]):
                yield indexes[place], self._long(sizes[place]), None

    def _long(self, size: int) -> Flaw:
        tokens = self._most_bytes // TOKEN_BYTES
        return Flaw(
            "long-row",
            f"the row is longer than `max_length` of {tokens:,} tokens, as {TOKEN_BYTES} bytes a token would have it",
            "warning",
            hint="what is beyond may be cut off: shorten the row, or raise `max_length`",
            detail=f"about {tokens_of(size):,} tokens",
        )

    def _id(self, name: str, line: int) -> None:
        key = text_hash(name)
        self._tally.ids += array("Q", (key, key, NOTHING, NOTHING, key, line)).tobytes()


def records_of(said: Columns | View, rows: Sequence[bytes], lines: Sequence[int]) -> bytes:
    """The records of rows with these bytes, as `novaline.datasets.engine.repeats` takes them."""
    whole = bytes_hashes(rows)
    if isinstance(said, View):
        answer = NOTHING if said.answer is None else text_hash(said.answer)
        system = text_hash(said.system) if said.system else NOTHING
        prompt = text_hash(said.prompt)
        return array("Q", (folded_hash(said.prompt), prompt, system, answer, *whole, *lines)).tobytes()
    nothing = array("Q", bytes(8 * len(lines)))
    systems = nothing if said.systems is None else [text_hash(text) if text else NOTHING for text in said.systems]
    answers = nothing if said.answers is None else text_hashes(said.answers)
    columns = zip(folded_hashes(said.prompts), text_hashes(said.prompts), systems, answers, whole, lines, strict=True)
    return array("Q", [number for record in columns for number in record]).tobytes()
