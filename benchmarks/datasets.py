"""A dataset to measure with: SFT rows of about 1.1 KB, each different, the same ones each time."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

ROWS = 200_000
_MARK = b"of pass 0:"
_TEXTS = 2000


def write_dataset(path: Path, rows: int = ROWS) -> None:
    """Writes so many rows, about 220 MB for 200,000."""
    chance = random.Random(7)  # noqa: S311 - words to read, no secret
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 10))) for _ in range(5000)]
    asked, answered = ([" ".join(chance.choices(words, k=size)) for _ in range(_TEXTS)] for size in (80, 50))
    with path.open("wb") as file:
        for number in range(rows):
            question = f"{number * 7919 % 1_000_003} {_MARK.decode()} {chance.choice(asked)}?"
            turns = (("user", question), ("assistant", f"{chance.choice(answered)}."))
            row = {
                "schemaVersion": "bedrock-conversation-2024",
                "system": [{"text": "You are a helpful assistant."}],
                "messages": [{"role": role, "content": [{"text": text}]} for role, text in turns],
            }
            file.write(json.dumps(row).encode() + b"\n")


@dataclass(frozen=True, slots=True)
class Repeated:
    """The dataset several times over, each time with other questions, without a file of that size."""

    path: Path
    times: int

    @property
    def name(self) -> str:
        """What findings call it."""
        return f"{self.path} {self.times} times"

    @property
    def size(self) -> None:
        """It is read from start to end."""
        return

    def open(self) -> BinaryIO:
        """Its beginning."""
        return cast("BinaryIO", _Repeating(self))


class _Repeating(io.RawIOBase):
    def __init__(self, dataset: Repeated) -> None:
        self._lines = self._all(dataset)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what io asks for in practice
        piece = self._rest or next(self._lines, b"")
        read = min(len(piece), len(buffer))
        buffer[:read] = piece[:read]
        self._rest = piece[read:]
        return read

    @staticmethod
    def _all(dataset: Repeated) -> Iterator[bytes]:
        for number in range(dataset.times):
            mark = b"of pass %d:" % number
            with dataset.path.open("rb") as file:
                while lines := file.readlines(1 << 19):
                    yield b"".join(lines).replace(_MARK, mark)
