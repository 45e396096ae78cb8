"""What is wrong with a reward, by what its examination found. Errors are what a run must not be paid for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal

from novaline.findings import Finding
from novaline.rewards.laboratory.model import Examination, Order, Tried
from novaline.rewards.sizing import PAYLOAD_BYTES, seconds_text

_WON: Final = 0.5
"""An exploit that comes half the way from honest wrong answers to right ones is an error, …"""
_GAINED: Final = 0.1
"""… one that comes a tenth of it a warning. Of two answers in one, half is what a coin earns, so three quarters."""
_HEDGED: Final = 0.75
_PADDED: Final = 0.05
"""By so much of the span between wrong and right may filler raise a right answer's reward."""
_REVERSED: Final = 0.05
_TIED: Final = 0.1
_FAILING: Final = 0.1
_GROUPS_TIED: Final = 0.5
_BROKEN: Final = {
    "batch-lost": "one sample must never cost the others their scores: catch what a sample raises",
    "poison-spreads": "score each sample on its own",
    "shape-matters": "take the reference from `reference_answer` and from `metadata.reference_answer`",
    "score-not-finite": "give a finite number: training takes NaN for a score",
    "score-not-a-number": "give a number, not text and not true or false: training takes those for scores",
}
_BY_CHANCE: Final = ("shape-matters", "poison-spreads")
_ANSWER_ALL: Final = "answer every sample once, under its own id, in the order of the samples"


def judge(found: Examination, *, timeout_seconds: int | None = None) -> list[Finding]:
    """Everything that deserves a person's attention, errors first. `timeout_seconds` is the function's."""
    if any(each.how == "again" and each.differing for each in found.repeated) and not found.calls_model:
        # By chance, right answers are beaten and both shapes differ: one cause, and one finding.
        return [*_determinism(found), *_contract(found, but=_BY_CHANCE), *_pace(found, timeout_seconds)]
    findings = [
        *_contract(found),
        *_constant(found),
        *_fallbacks(found),
        *_order(found),
        *_exploits(found),
        *_determinism(found),
        *_pace(found, timeout_seconds),
        *_own(found),
    ]
    return sorted(findings, key=lambda finding: finding.severity != "error")


def _contract(found: Examination, *, but: Collection[str] = ()) -> Iterator[Finding]:
    for breach in found.breaches:
        if breach.code in but:
            continue
        times = "" if breach.count == 1 else f", {breach.count:,} times"
        message = f"the contract is broken{times}: {breach.message} (in {breach.where})"
        yield _finding(breach.code, "error", message, _BROKEN.get(breach.code, _ANSWER_ALL))


def _constant(found: Examination) -> Iterator[Finding]:
    spread = found.distribution
    if spread.different == 1:
        message = f"every one of {spread.count:,} different answers, right and wrong ones, gets {spread.mean:g}"
        yield _finding("constant", "error", message, "nothing can be learned from it: is the answer read at all?")


def _fallbacks(found: Examination) -> Iterator[Finding]:
    if found.right_fallbacks:
        share = found.right_fallbacks / found.rows
        reason, _, first = found.reasons[0]
        message = f"{_rows(found.right_fallbacks)} ({share:.0%}) cannot be scored even with the right answer: "
        severity: Literal["error", "warning"] = "error" if share > _FAILING else "warning"
        hint = "these rows teach nothing: give them what the reward reads, or leave them out"
        yield _finding("unscorable-rows", severity, f"{message}{reason} (first in {first})", hint)
    elif found.reasons and found.distribution.fallbacks:
        reason, count, first = found.reasons[0]
        message = f"{found.distribution.fallbacks:,} worse answers got the fallback; most often ({count:,} times): "
        hint = "let a bad answer score low rather than fail: a failure looks like a fault in the log"
        yield _finding("unscorable-answers", "warning", f"{message}{reason} (first in {first})", hint)


def _order(found: Examination) -> Iterator[Finding]:
    wrong = next((order for order in found.orders if order.name == "wrong"), None)
    if wrong is not None and wrong.same == wrong.rows and found.distribution.different > 1:
        message = "it does not look at the reference: another row's answer scores the same in every row"
        hint = "alone it teaches form, not truth: add a reward that knows the reference (weighted)"
        yield _finding("reference-unread", "warning", message, hint)
        return
    for order in found.orders:
        yield from _one_order(found, order)


def _one_order(found: Examination, order: Order) -> Iterator[Finding]:
    if order.lower / order.rows > _REVERSED or (order.lower and order.name == "wrong"):
        message = (
            f"{order.about} scores higher than the right answer in {order.lower:,} of {_rows(order.rows)}"
            f" (first in {order.lowest_row})"
        )
        yield _finding(f"order-{order.name}", "error", message, "a model would learn to prefer it")
    elif order.same / order.rows > _TIED and order.name != "cut" and found.distribution.different > 1:
        message = f"{order.about} scores as much as the right answer in {order.same:,} of {_rows(order.rows)}"
        severity: Literal["error", "warning"] = "error" if order.same == order.rows else "warning"
        yield _finding(f"order-{order.name}", severity, message, "a model learns nothing from such rows")
    elif order.name == "cut" and order.same / order.rows > _TIED and found.distribution.different > 1:
        message = f"half of the answer scores as much as all of it in {order.same:,} of {_rows(order.rows)}"
        yield _finding("order-cut", "warning", message, "is that meant? a model would learn to stop early")


def seriousness(found: Examination, tried: Tried) -> Literal["error", "warning"] | None:
    """How bad it is what an exploit earns: an error pays for cheating, a warning tempts to it."""
    right, honest = found.right_mean, found.honest
    if right is None:
        return None
    if tried.group == "padded":
        span = 1.0 if honest is None else abs(right - honest) or 1.0
        return "warning" if tried.mean > right + _PADDED * span else None
    if tried.group == "hedged":
        return "warning" if tried.gain is not None and tried.gain >= _HEDGED else None
    if tried.gain is None:
        return "warning" if tried.mean >= right > found.distribution.smallest else None
    return "error" if tried.gain >= _WON else "warning" if tried.gain >= _GAINED else None


def _exploits(found: Examination) -> Iterator[Finding]:
    serious = [(each, severity) for each in found.exploits if (severity := seriousness(found, each)) is not None]
    blind = [(each, severity) for each, severity in serious if each.group == "blind"]
    unmeasured = [each for each, _ in blind if each.gain is None]
    if unmeasured:
        message = f"answers that say nothing earn as much as right ones: {_list(each.name for each in unmeasured)}"
        yield _finding("exploit", "warning", message, "the reward tells right from wrong by nothing else")
    levels: tuple[Literal["error", "warning"], ...] = ("error", "warning")
    for level in levels:
        paid = [each for each, severity in blind if severity == level and each.gain is not None]
        if paid:
            yield _finding("exploit", level, _won(found, paid), "a model finds this: pay such answers nothing")
    for each, severity in serious:
        if each.group == "padded":
            message = f"{each.name} ({each.about}) scores {each.mean:.2f}, more than the right answer alone"
            yield _finding("padding", severity, f"{message} ({found.right_mean:.2f})", "a model would learn to pad")
        elif each.group == "hedged":
            message = f"{each.name} ({each.about}) score {each.mean:.2f}, nearly as much as the right one alone"
            yield _finding("hedging", severity, message, "a model would learn to name several: pay for one only")


def _won(found: Examination, paid: Sequence[Tried]) -> str:
    """Which exploits earn how much, the dearest first."""
    names = (f"{each.name} {each.mean:.2f}" for each in sorted(paid, key=lambda each: -each.mean))
    honest = f"honest wrong answers earn {found.honest:.2f}, right ones {found.right_mean:.2f}"
    return f"answers without an answer are paid: {_list(names, '; ')} ({honest})"


def _determinism(found: Examination) -> Iterator[Finding]:
    for each in found.repeated:
        if not each.differing:
            continue
        message = (
            f"scored {each.how}, {each.differing:,} of {each.samples:,} samples get another reward "
            f"(by up to {each.largest:g}, first in {each.row})"
        )
        if found.calls_model:
            hint = "a judge's verdicts differ: ask at temperature 0, or take the mean of several"
            yield _finding("not-repeatable", "warning", message, hint)
            return
        if each.how == "again":
            hint = "leave out chance, clocks and what is kept between calls"
            yield _finding("not-repeatable", "error", message, hint)
            return
        yield _finding("depends-on-batch", "error", message, "score each sample by itself: batches are cut at random")
        return


def _pace(found: Examination, timeout_seconds: int | None) -> Iterator[Finding]:
    pace = found.pace
    if timeout_seconds is not None and pace.batch_seconds > timeout_seconds:
        message = (
            f"a batch of {pace.batch:,} takes {seconds_text(pace.batch_seconds)}, the timeout is {timeout_seconds} s"
        )
        yield _finding("timeout", "error", message, "raise `timeout_seconds` of the reward, or score faster")
    if pace.event_bytes > PAYLOAD_BYTES:
        message = f"a batch of {pace.batch:,} short answers is {pace.event_bytes / 1e6:.1f} MB, and a call carries 6 MB"
        yield _finding("payload", "error", message, "shorten the rows: training could not call the function")
    usual = max(pace.alone_seconds, 0.001)
    if pace.slowest_seconds > 1 and pace.slowest_seconds > 100 * usual and not found.calls_model:
        message = (
            f"{pace.slowest}: one such answer takes {seconds_text(pace.slowest_seconds)}, an ordinary one "
            f"{seconds_text(pace.alone_seconds)}"
        )
        yield _finding("slow-answer", "warning", message, "a few of them stop a batch: bound what is read")


def _own(found: Examination) -> Iterator[Finding]:
    own = found.own
    if own is not None and own.groups and own.tied / own.groups > _GROUPS_TIED:
        message = f"in {own.tied:,} of {own.groups:,} rows all of your answers get the same reward"
        hint = "the model learns from differences among the answers to one prompt: such rows are paid for in vain"
        yield _finding("no-signal", "warning", message, hint)


def _finding(code: str, severity: Literal["error", "warning"], message: str, hint: str) -> Finding:
    return Finding(code=code, severity=severity, message=message, hint=hint)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _list(names: Iterator[str], between: str = ", ") -> str:
    found = list(names)
    shown = between.join(found[:6])
    return shown if len(found) <= 6 else f"{shown} and {len(found) - 6} more"
