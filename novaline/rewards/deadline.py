"""The moment until which a batch must be answered, so that what is scored by then is not lost with the rest."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN_SECONDS = 0.05
"""How soon a function that swallows the interruption is interrupted again."""


class OutOfTime(BaseException):
    """The deadline has passed. No Exception, so that a function that catches those does not swallow it."""


class Deadline:
    """So many seconds from now, less what answering takes."""

    def __init__(self, seconds: float) -> None:
        """`seconds` are left until the invocation is cut off; a tenth of it, at most one second, is kept in hand."""
        self._at = time.monotonic() + seconds - min(1.0, seconds / 10)

    def left(self) -> float:
        """Seconds that are left; negative when it has passed."""
        return self._at - time.monotonic()

    def passed(self) -> bool:
        """Whether nothing more may be begun."""
        return time.monotonic() >= self._at


@contextmanager
def interrupting(deadline: Deadline | None) -> Iterator[None]:
    """Raises OutOfTime inside when the deadline passes, even in a function that never returns.

    By an alarm, which only the main thread can take, as Lambda's runtime calls a handler; elsewhere nothing happens.
    An alarm interrupts Python code, sleeping, and regular expressions, but no other long computation in C.
    """
    if deadline is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def ring(_signal: int, _frame: object) -> None:
        if armed:
            raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, max(deadline.left(), 1e-6), _AGAIN_SECONDS)
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
