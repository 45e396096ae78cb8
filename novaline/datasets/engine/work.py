"""Reads the parts of files, in this process or in several; results come in the order of parts, whoever made them."""

from __future__ import annotations

import hashlib
import multiprocessing
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from multiprocessing.pool import Pool
from typing import Literal

from novaline.datasets.engine.blocks import line_blocks
from novaline.datasets.engine.files import PART_BYTES, DataFile, parts
from novaline.datasets.engine.look import Looker, plain_look
from novaline.datasets.engine.plan import Plan
from novaline.datasets.engine.reading import PartReader, Tools
from novaline.datasets.engine.tally import Tally

_PER_PROCESS = 64 << 20
"""Bytes below which a further process costs more than it saves."""
_MOST_PROCESSES = 8


@dataclass(frozen=True, slots=True)
class PartDone:
    """A part of a file that was read."""

    tally: Tally


@dataclass(frozen=True, slots=True)
class FileDone:
    """A file that was read to its end, with the SHA-256 of its bytes."""

    name: str
    sha256: str


def processes_for(files: Sequence[DataFile], wanted: int | None) -> int:
    """How many processes to read these files with: as many as are wanted, or as pay."""
    sizes = [file.size for file in files]
    if any(size is None for size in sizes):
        return 1
    most = sum(1 for size in sizes for _ in parts(size))
    if wanted is None:
        wanted = min(_MOST_PROCESSES, multiprocessing.cpu_count(), 1 + sum(size or 0 for size in sizes) // _PER_PROCESS)
    return max(1, min(wanted, most))


def read_here(files: Sequence[DataFile], plan: Plan, *, fast: bool) -> Iterator[PartDone | FileDone]:
    """Reads files one after the other in this process. `fast` uses numpy, which costs a tenth of a second to import."""
    tools = tools_for(plan, fast=fast)
    for file in files:
        digest = hashlib.sha256()
        with file.open() as stream:
            blocks = line_blocks(stream, part=PART_BYTES, read=digest.update)
            for _, part in groupby(blocks, key=lambda block: block.offset // PART_BYTES):
                yield PartDone(PartReader(tools).read(part))
        yield FileDone(file.name, digest.hexdigest())


def read_in_processes(files: Sequence[DataFile], plan: Plan, processes: int) -> Iterator[PartDone | FileDone]:
    """Reads files whose sizes are known in several processes, which compute their digests as well."""
    tasks = [(index, start, end) for index, file in enumerate(files) for start, end in parts(file.size)]
    with _pool(processes, files, plan) as pool:
        digests = [pool.apply_async(_digest, (index,)) for index in range(len(files))]
        results = pool.imap(_read, tasks)
        last = 0
        for (index, _, _), data in zip(tasks, results, strict=True):
            if index != last:
                yield FileDone(files[last].name, digests[last].get())
                last = index
            yield PartDone(Tally.from_bytes(data))
        if files:
            yield FileDone(files[last].name, digests[last].get())


def read_part(file: DataFile, start: int, end: int | None, tools: Tools) -> Tally:
    """Reads the lines of a file that start in these bytes."""
    with file.open() as stream:
        return PartReader(tools).read(line_blocks(stream, start, end, buffer=tools.buffer))


def tools_for(plan: Plan, *, fast: bool) -> Tools:
    """What readers of parts share. `fast` uses numpy."""
    look: Looker = plain_look
    if fast:
        from novaline.datasets.engine.fast_look import FastLook  # noqa: PLC0415 - numpy, for large files only

        look = FastLook()
    return Tools(plan, look)


class _Worker:
    """What a process of the pool keeps between parts."""

    files: Sequence[DataFile]
    tools: Tools


def _start_method() -> Literal["fork", "spawn"]:
    return "fork" if sys.platform == "linux" else "spawn"


@contextmanager
def _pool(processes: int, files: Sequence[DataFile], plan: Plan) -> Iterator[Pool]:
    """Processes that start at once where the system can copy this one, and anew elsewhere."""
    context = multiprocessing.get_context(_start_method())
    with warnings.catch_warnings(), _held_back(signal.SIGTERM):
        # numpy may have started threads of its own, which the processes here never ask for anything.
        warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
        pool = context.Pool(processes, _begin, (files, plan))
    with pool:
        yield pool


@contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    """Keeps a signal waiting, here and in the processes that are started meanwhile, which let it through in `_begin`.

    A pool ends its processes by one SIGTERM each, and waits. One that comes before a process has put away what it
    inherited from this one would be taken for an interruption, or for nothing, and the pool would wait for ever.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where processes inherit nothing of the kind
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(files: Sequence[DataFile], plan: Plan) -> None:
    for name in ("SIGINT", "SIGHUP"):  # the first process is told as well, and ends the others …
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # … by this, whatever it does itself when it is told to end
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _Worker.files = files
    _Worker.tools = tools_for(plan, fast=True)


def _read(task: tuple[int, int, int | None]) -> bytes:
    index, start, end = task
    return read_part(_Worker.files[index], start, end, _Worker.tools).to_bytes()


def _digest(index: int) -> str:
    with _Worker.files[index].open() as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]  # a binary file
