"""What is wrong with a dataset as a whole, which no single row shows."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean

from novaline.datasets.engine import any_rows
from novaline.datasets.engine.any_rows import SPECS
from novaline.datasets.engine.limits import row_flaws
from novaline.datasets.engine.merging import Merged
from novaline.datasets.engine.plan import Plan
from novaline.datasets.engine.repeats import Repeated
from novaline.datasets.engine.tally import Tally
from novaline.datasets.flaws import Flaw
from novaline.findings import Severity

_TITLES = {
    "system": "a system text",
    "image": "images",
    "video": "videos",
    "document": "documents",
    "reasoningContent": "reasoning",
    "toolUse": "calls of tools",
    "toolResult": "results of tools",
}
_RARE_SYSTEM = 0.1
"""A system text that fewer rows have than that share is taken for a slip."""
_DOMINANT = 0.9
_ROWS_PER_LABEL = 10
_RARE_LABEL = 0.05
"""Of the rows that a label has on average."""
_MOST_NAMED = 5

Judged = tuple[Flaw, int, list[int]]
"""A flaw, how many rows have it, and the first lines of them; none where it is about no line."""


def judge(merged: Merged, plan: Plan) -> Iterator[Judged]:
    """Everything that is wrong with the dataset as a whole, repeats aside."""
    total, options = merged.total, plan.options
    if total.rows == 0:
        yield Flaw("no-rows", "there are no rows"), 1, []
        return
    if not options.checked:
        yield from ((flaw, 1, []) for flaw in SPECS[options.format].unsuited(options.context))
    for flaw in row_flaws(options, total.rows, media=bool(total.media), tokens=total.lengths.tokens):
        yield flaw, 1, []
    yield from _mixed(total)
    yield from _systems(total, plan)
    yield from _labels(total)


def repeated_rows(merged: Merged, plan: Plan) -> Iterator[Judged]:
    """Rows that repeat others."""
    found = merged.records.repeats()
    yield from _repeated(
        merged,
        found.rows,
        Flaw(
            "duplicate-row",
            "the row repeats an earlier one",
            "warning",
            hint="leave it out, unless it shall count twice",
        ),
    )
    if plan.options.format == any_rows.NAME:
        return
    yield from _repeated(
        merged,
        found.answers,
        Flaw(
            "conflicting-answers",
            "the row asks what an earlier one asks, and has another answer",
            "warning",
            hint="keep the better answer",
        ),
    )
    yield from _repeated(
        merged,
        found.prompts,
        Flaw(
            "near-duplicate",
            "the row asks what an earlier one asks, but for case, spaces or punctuation",
            "warning",
        ),
    )


def repeated_ids(merged: Merged, plan: Plan) -> Iterator[Judged]:
    """Rows that share an id."""
    severity: Severity = "error" if plan.options.format == "multi-turn-rft" else "warning"
    flaw = Flaw("repeated-id", "the row has the id of an earlier one", severity, hint="give each row an id of its own")
    yield from _repeated(merged, merged.repeated_ids().rows, flaw)


def _repeated(merged: Merged, found: Repeated, flaw: Flaw) -> Iterator[Judged]:
    if not found.count:
        return
    first, earlier = found.first[0]
    file, line = merged.place(earlier)
    same = merged.place(first)[0] is file
    detail = f"as line {line:,}" if same else f"as line {line:,} of {file.name}"
    shown = Flaw(flaw.code, flaw.message, flaw.severity, flaw.hint, detail=detail)
    yield shown, found.count, [line for line, _ in found.first]


def _mixed(total: Tally) -> Iterator[Judged]:
    """Features that some rows have, and others not; the line is the first of the fewer ones."""
    rows = total.features.rows
    for name, feature in sorted(total.features.found.items()):
        if not 0 < feature.rows < rows or feature.with_it is None or feature.without_it is None:
            continue
        title, few = _TITLES.get(name, name), min(feature.rows, rows - feature.rows)
        rare = feature.rows * 2 <= rows
        message = f"{feature.rows:,} of {rows:,} rows have {title}: all should, or none"
        detail = f"the first {'with' if rare else 'without'} is here"
        yield (
            Flaw("mixed-rows", message, "warning", detail=detail),
            few,
            [feature.with_it if rare else feature.without_it],
        )


def _systems(total: Tally, plan: Plan) -> Iterator[Judged]:
    systems, held = total.systems, plan.held_out
    if systems.many:
        return
    ordered = sorted(systems.found.values(), key=lambda system: (-system.rows, system.line))
    rows = sum(system.rows for system in ordered)
    rare = [system for system in ordered[1:] if system.rows < _RARE_SYSTEM * ordered[0].rows]
    if rare and sum(system.rows for system in rare) < _RARE_SYSTEM * rows:
        count = sum(system.rows for system in rare)
        message = f"{count:,} of {rows:,} rows have another system text than the others"
        lines = sorted(system.line for system in rare)[:_MOST_NAMED]
        hint = "a model learns to answer under the system text that it will be asked with"
        yield Flaw("system-drift", message, "warning", hint=hint), count, lines
    usual = 2 * rows > total.features.rows
    if held.folded and held.systems.isdisjoint(systems.found) and (held.systems or usual):
        mine = "a system text" if usual else "no system text"
        theirs = "another one" if held.systems and usual else "one" if held.systems else "none"
        message = f"most rows have {mine}, and the evaluation's have {theirs}"
        hint = "evaluate with the system text that the model was trained with"
        yield Flaw("system-drift", message, "warning", hint=hint), 1, [ordered[0].line] if usual else []


def _labels(total: Tally) -> Iterator[Judged]:
    """How answers are distributed, where they are labels: few different ones."""
    counts = total.labels.counts
    rows = sum(counts.values())
    if total.labels.free or rows < _ROWS_PER_LABEL * len(counts) or rows < 2 * _ROWS_PER_LABEL:
        return
    name, most = max(counts.items(), key=lambda item: (item[1], item[0]))
    if most >= _DOMINANT * rows:
        share = "every answer is" if most == rows else f"{most / rows:.0%} of {rows:,} answers are"
        hint = "a model that always answers so looks good: add rows with other answers"
        yield Flaw("label-dominates", f"{share} {_shown(name)}", "warning", hint=hint), most, []
        return
    least = _RARE_LABEL * mean(counts.values())
    rare = sorted((count, label) for label, count in counts.items() if count < least)
    if rare:
        named = ", ".join(f"{_shown(label)} {count:,}" for count, label in rare[:_MOST_NAMED])
        more = f", and {len(rare) - _MOST_NAMED:,} more" if len(rare) > _MOST_NAMED else ""
        message = f"{len(rare):,} of {len(counts):,} different answers are rare"
        detail = f"rows: {named}{more}; {mean(counts.values()):,.0f} on average"
        yield Flaw("rare-labels", message, "warning", hint="add rows with these answers", detail=detail), 1, []


def _shown(label: str) -> str:
    return repr(label if len(label) <= 40 else f"{label[:39]}…")
