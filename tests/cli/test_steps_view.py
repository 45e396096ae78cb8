import io

import pytest
from rich.console import Console

from novaline.cli.steps_view import LineView, LiveView, screen_view
from novaline.runs.steps import Board, Step


def console(*, terminal: bool, encoding: str = "utf-8") -> tuple[Console, io.BytesIO]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    return Console(file=file, force_terminal=terminal, width=100, color_system=None), raw


def test_a_log_gets_a_line_when_a_step_begins_and_one_when_it_ends():
    screen, raw = console(terminal=False)
    view = screen_view(screen)
    assert isinstance(view, LineView)
    clock = iter([0.0, 2.5, 2.5]).__next__
    board = Board(view=view, clock=clock)
    with view:
        board.note("The learner is a stand-in.")
        step = board.begin("Train")
        board.detail(step, "step 1 of 9")
        board.end(step)
    assert raw.getvalue().decode().splitlines() == [
        "The learner is a stand-in.",
        "· Train",
        "✓ Train  2.5 s  step 1 of 9",
    ]


def test_a_terminal_gets_a_table_that_ends_with_every_step_marked():
    screen, raw = console(terminal=True)
    view = screen_view(screen)
    assert isinstance(view, LiveView)
    board = Board(view=view)
    with view:
        with board.step("Deploy") as step:
            board.detail(step, "dev-Foundation\nsecond line")
        with pytest.raises(ValueError, match="no"), board.step("Train"):
            raise ValueError("no")
    last = raw.getvalue().decode().rpartition("Deploy")[0][-200:] + raw.getvalue().decode()[-400:]
    assert "✓" in last
    assert "✗" in last
    assert "second line" not in raw.getvalue().decode()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_screen_that_knows_no_unicode_still_shows_the_steps(terminal):
    screen, raw = console(terminal=terminal, encoding="ascii")
    view = screen_view(screen)
    board = Board(view=view)
    with view, board.step("Deploy"):
        pass
    assert "+" in raw.getvalue().decode("ascii")


def test_steps_may_overlap_and_ending_one_twice_changes_nothing():
    now = [0.0]
    board = Board(clock=lambda: now[0])
    first, second = board.begin("first"), board.begin("second")
    now[0] = 1.0
    board.end(second, text="done", seconds=0.25)
    now[0] = 3.0
    board.fail_running()
    board.end(first)
    assert board.timings() == [
        {"step": "first", "outcome": "failed", "seconds": 3.0},
        {"step": "second", "outcome": "done", "seconds": 0.25},
    ]


def test_what_ran_beside_a_failure_was_stopped_and_did_not_fail():
    screen, raw = console(terminal=False)
    board = Board(view=screen_view(screen), clock=lambda: 0.0)
    failing, _ = board.begin("Synthesize"), board.begin("Bootstrap")
    board.end(failing, failed=True)
    board.stop_running()
    assert raw.getvalue().decode().splitlines()[-2:] == ["✗ Synthesize  0.0 s", "□ Bootstrap  0.0 s"]
    assert [timing["outcome"] for timing in board.timings()] == ["failed", "stopped"]


def test_a_step_can_be_drawn_from_the_moment_that_it_is_on_the_board():
    """Another thread draws eight times a second; it was seen to meet a step that had no spinner yet."""
    view = LiveView(Console(file=io.StringIO(), force_terminal=True, width=80))
    drawn = []

    class Watched(list):
        def append(self, step):
            super().append(step)
            drawn.append(view._table().row_count)

    view._board.steps = Watched()
    view.began(Step(title="Train", began=0.0))
    view.began(Step(title="Gate", began=1.0))
    assert drawn == [1, 2]
