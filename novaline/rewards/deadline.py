"""The moment until which a batch must be answered, so that what is scored by then is not lost with the rest."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_AGAIN_SECONDS = 0.05
"""How soon a function that swallows the interruption is interrupted again."""
_SHARE = 4
"""One sample may take such a part of the batch's time, while others wait."""
_LOOKS = 16
"""How often in that time it is looked which sample is under way: one that never ends costs 4 to 5 of them."""


class OutOfTime(BaseException):
    """The deadline has passed. No Exception, so that a function that catches those does not swallow it."""


class TookTooLong(OutOfTime):
    """One sample has taken a quarter of the batch's time, and others wait."""


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
def interrupting(deadline: Deadline | None, under_way: Callable[[], object] | None = None) -> Iterator[None]:
    """Raises OutOfTime inside when the deadline passes, even in a function that never returns.

    `under_way` tells which sample is, or None for one that may take all the time that is left; TookTooLong is raised
    for one that takes a quarter of the time from now. By an alarm, which only the main thread can take, as Lambda's
    runtime calls a handler; elsewhere nothing happens. An alarm interrupts Python code, sleeping, and regular
    expressions, but no other long computation in C.
    """
    if deadline is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True
    whole = max(deadline.left(), 1e-6)
    seen: object = None
    since = 0.0

    def ring(_signal: int, _frame: object) -> None:
        nonlocal seen, since
        if not armed:
            return
        left = deadline.left()
        if left <= 0:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
            raise OutOfTime
        now = under_way() if under_way is not None else None
        if now is None or now != seen:
            seen, since = now, left
        elif since - left >= whole / _SHARE:
            signal.setitimer(signal.ITIMER_REAL, min(_AGAIN_SECONDS, left))
            raise TookTooLong
        signal.setitimer(signal.ITIMER_REAL, max(min(left, whole / _LOOKS), 1e-6))

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, whole / _LOOKS)
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
