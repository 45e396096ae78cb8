"""A sizing on screen: what a step asks, how long it waits, what to set, what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from novaline.cli import output
from novaline.cli.reward_sizing import CHARACTERS, WHOLE_CPU_MB, Sized
from novaline.cli.summary_view import facts
from novaline.findings import Finding, errors_in
from novaline.reporting.wording import shown, size_text
from novaline.rewards.sizing import Sizing, seconds_text


def show_sizing(sized: Sized, findings: Sequence[Finding], *, console: Console) -> None:
    """Prints the sizing, readable at 80 columns."""
    head = f"  reward {sized.reward} ({shown(sized.function)}), {sized.machines}"
    console.print(Text.assemble((sized.stage, "bold"), head))
    console.print()
    console.print(facts(_facts(sized), console=console))
    console.print()
    for line in _table(sized.sizing):
        console.print(line)
    console.print()
    console.print(facts(_costs(sized), console=console))
    if findings:
        console.print()
        output.print_findings(findings, console=console)
    if errors_in(findings):
        console.print(Text("a run with this would lose its rewards", style="bold red"))


def _facts(sized: Sized) -> Iterator[tuple[str, Text]]:
    sizing, load = sized.sizing, sized.sizing.load
    calls = f"{load.calls:,} call{'' if load.calls == 1 else 's'} of {min(load.batch, load.rollouts):,}"
    yield (
        "a step",
        Text(f"{load.prompts:,} prompts x {load.generations:,} answers = {load.rollouts:,} rewards, in {calls}"),
    )
    if sized.measured_seconds is None:
        yield "speed", Text(f"{seconds_text(load.sample_seconds)} a sample, as you say")
    else:
        share = min(1.0, sizing.memory_mb / WHOLE_CPU_MB)
        yield (
            "speed",
            Text(
                f"{seconds_text(sized.measured_seconds)} a sample here, with {CHARACTERS:,} characters before each "
                f"answer; {seconds_text(load.sample_seconds)} in Lambda, where {sizing.memory_mb:,} MB have "
                f"{share:.0%} of a CPU"
            ),
        )
    yield (
        "a call",
        Text(f"{seconds_text(load.seconds_of_a_call)}, of {sizing.timeout_seconds} s; the way there is not in it"),
    )
    if sizing.payload_bytes is not None:
        full = f"{size_text(sizing.payload_bytes)} with answers of full length, of 6 MB"
        yield "payload", Text(full)
    money = "" if sizing.stall_usd is None else f", {_dollars(sizing.stall_usd)} of the machines"
    yield "wait", Text(f"{seconds_text(load.stall_seconds)} a step{money}, with {load.concurrency} calls at once")
    if sizing.stall_share is None:
        yield "", Text("which share of a step that is, nobody knows before a run: --step-seconds, from its log")
    else:
        yield "", Text(f"{sizing.stall_share:.1%} of a step; more than 5 % is too much")
    yield "set", Text(_advice(sizing))


def _advice(sizing: Sizing) -> str:
    load, wanted = sizing.load, sizing.concurrency
    if wanted > load.concurrency:
        return f"lambda_concurrency_limit {wanted}: the wait is {seconds_text(load.at(wanted).stall_seconds)} then"
    if wanted == load.calls:
        calls = "there is 1 call" if load.calls == 1 else f"there are {load.calls:,} calls"
        return f"lambda_concurrency_limit {load.concurrency} is enough: {calls} a step, and never more at once"
    return f"lambda_concurrency_limit {load.concurrency} is enough: {wanted:,} would do"


def _table(sizing: Sizing) -> Iterator[Text]:
    """The wait by concurrency, from one call at once to all of them."""
    load = sizing.load
    counts = sorted({1, load.concurrency, sizing.concurrency, load.calls, *_halves(load.calls)})
    rows = [("calls at once", "a step waits", "machines", "of a step")]
    for count in counts:
        other = load.at(count)
        usd = sizing.waiting_usd(other.stall_seconds)
        share = (
            "unknown"
            if sizing.step_seconds is None
            else f"{other.stall_seconds / (sizing.step_seconds + other.stall_seconds):.1%}"
        )
        rows.append((f"{count:,}", seconds_text(other.stall_seconds), _dollars(usd), share))
    for number, row in enumerate(rows):
        mark = ""
        if number:
            told = {load.concurrency: "the recipe's", sizing.concurrency: "enough"}
            mark = told.get(counts[number - 1], "")
        cells = f"  {row[0]:>13}  {row[1]:>12}  {row[2]:>9}  {row[3]:>9}"
        yield Text(cells, style="dim" if not number else "").append(f"  {mark}" if mark else "", style="dim")


def _halves(calls: int) -> list[int]:
    return [calls // 2, calls // 4] if calls >= 8 else []


def _costs(sized: Sized) -> Iterator[tuple[str, Text]]:
    sizing, load = sized.sizing, sized.sizing.load
    judge = "" if sizing.tokens is None else f", the judge at most {_dollars(sizing.judge_usd_per_1000)}"
    yield "cost", Text(f"of 1,000 samples: Lambda {_dollars(sizing.function_usd_per_1000)}{judge}")
    if load.steps is None:
        yield "the run", Text("unknown: the recipe does not count steps")
    else:
        yield (
            "the run",
            Text(
                f"{load.steps:,} step{'' if load.steps == 1 else 's'}, {load.steps * load.rollouts:,} samples: "
                f"{_dollars(sizing.run_usd)}, and {_dollars(sizing.run_stall_usd)} of machines that wait"
            ),
        )
    for name, price in sized.prices:
        if price is None:
            yield "price", Text(f"{name}: unknown; no source states it")
        elif not price.confirmed:
            yield "price", Text(f"{name}: unconfirmed, {price.date or 'no date'} (`novaline prices show`)")


def _dollars(amount: float | None) -> str:
    if amount is None:
        return "unknown"
    if 0 < amount < 0.00005:
        return "<$0.0001"
    return f"${amount:,.2f}" if amount >= 0.1 or not amount else f"${amount:.4f}"
