"""Ctrl-C, SIGTERM and a closed terminal: one exception, at a moment that leaves nothing half made."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(KeyboardInterrupt):
    """A person, or the system, asked to stop. No `except Exception` holds it up."""


class Interrupts:
    """Raises `Interrupted` in the main thread on the first signal. Later ones are ignored: cleaning up has begun.

    A context manager that puts the old handlers back. Outside of the main thread it does nothing.
    """

    def __init__(self) -> None:
        self.asked = False
        self._shields = 0
        self._waiting = False
        self._old: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._old[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned it also takes
        self._old.clear()

    @contextmanager
    def shield(self) -> Iterator[None]:
        """A signal inside of the block is raised at its end: what is made there is also noted there."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._waiting and not self._shields:
            self._waiting = False
            raise Interrupted

    def ignore(self) -> None:
        """From now on signals are only remembered in `asked`: what follows is the cleaning up, which is bounded."""
        self._shields += 1

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            return
        self.asked = True
        if self._shields:
            self._waiting = True
            return
        raise Interrupted
