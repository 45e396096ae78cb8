"""Steps on screen: a live table on a terminal, plain lines everywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from novaline.runs.steps import Board, Step, View

_WIDEST_TITLE = 36  # "Upload data and claim, start the run"
_WIDEST_DETAIL = 400


class ScreenView(View, Protocol):
    """A view that is shown for the length of a block."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def screen_view(console: Console) -> ScreenView:
    """The view that suits the console: live on a terminal, lines in a file, a pipe or a CI log."""
    return LiveView(console) if console.is_terminal and not console.is_dumb_terminal else LineView(console)


class LineView:
    """One line when a step begins and one when it ends: for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def began(self, step: Step) -> None:
        self._console.print(Text(f"{_mark(step, ascii_only=self._ascii)} {step.title}"))

    def changed(self, step: Step) -> None:
        """Details change too often for a log."""

    def ended(self, step: Step) -> None:
        seconds = f"{step.seconds or 0:.1f} s"
        self._console.print(_one_line(f"{_mark(step, ascii_only=self._ascii)} {step.title}  {seconds}", step.detail))

    def note(self, text: str) -> None:
        self._console.print(Text(text))

    @property
    def _ascii(self) -> bool:
        return self._console.options.ascii_only


class LiveView:
    """All steps in a table that moves: spinner or mark, title, time, newest detail."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._board = Board()  # keeps the steps in order; its clock is the one that they were measured with
        self._spinners: dict[int, Spinner] = {}
        self._live = Live(console=console, get_renderable=self._table, refresh_per_second=8, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def began(self, step: Step) -> None:
        name = "line" if self._console.options.ascii_only else "dots"
        self._spinners[id(step)] = Spinner(name, style="cyan")
        self._board.steps.append(step)  # last: another thread draws whatever stands on the board

    def changed(self, step: Step) -> None:
        """The next refresh shows it."""

    def ended(self, step: Step) -> None:
        self._live.refresh()

    def note(self, text: str) -> None:
        self._live.console.print(Text(text))

    def _table(self) -> Table:
        # Fixed widths: a long detail must not take the room of the marks and times.
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=1)
        table.add_column(no_wrap=True, width=min(_WIDEST_TITLE, self._console.width // 2))
        table.add_column(justify="right", no_wrap=True, width=7)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        now = self._board.clock()
        for step in tuple(self._board.steps):
            running = step.outcome == "running"
            table.add_row(
                self._spinners[id(step)] if running else self._outcome(step),
                Text(step.title, style="bold" if running else "bold red" if step.outcome == "failed" else ""),
                Text(f"{step.elapsed(now):.1f} s", style="dim"),
                Text(_first_line(step.detail), style="dim"),
            )
        return table

    def _outcome(self, step: Step) -> RenderableType:
        style = {"done": "green", "stopped": "yellow"}.get(step.outcome, "bold red")
        return Text(_mark(step, ascii_only=self._console.options.ascii_only), style=style)


_MARKS = {"running": "·", "done": "✓", "failed": "✗", "stopped": "□"}
_ASCII_MARKS = {"running": "-", "done": "+", "failed": "x", "stopped": "o"}


def _mark(step: Step, *, ascii_only: bool) -> str:
    return (_ASCII_MARKS if ascii_only else _MARKS)[step.outcome]


def _one_line(head: str, detail: str) -> Text:
    return Text(f"{head}  {_first_line(detail)}".rstrip())


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")[:_WIDEST_DETAIL]
