"""The share of rules of form that the answer keeps, from 0 to 1; an empty answer earns 0.

Meant as a part of `weighted`: alone it rewards form without content.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from novaline.rewards.contract import Reward, Rollout, Score
from novaline.rewards.library.marks import fenced
from novaline.rewards.options import OptionProblem

Rule = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a format; at least one rule. Each tag, section, part and phrase is a rule of its own."""

    tags: tuple[str, ...] = field(
        default=(),
        metadata={"doc": "names of tags, `think` for <think>…</think>: each once, with text in it, in this order"},
    )
    only_tags: bool = field(default=False, metadata={"doc": "whether nothing may stand outside the tags"})
    sections: tuple[str, ...] = field(
        default=(), metadata={"doc": "headings, a line each (`## Summary`), with text below, in this order"}
    )
    contains: tuple[str, ...] = field(default=(), metadata={"doc": "text that must be in the answer"})
    forbidden: tuple[str, ...] = field(default=(), metadata={"doc": "text that must not; case does not matter"})
    code_fences: int | None = field(default=None, metadata={"doc": "how many code fences the answer has"})
    all_or_nothing: bool = field(default=False, metadata={"doc": "whether one broken rule makes the reward 0"})

    def problems(self) -> Iterable[OptionProblem]:
        """No rule at all, or rules that nothing can keep."""
        if not list(_rules(self)):
            yield OptionProblem("", "there is no rule", "set tags, sections, contains, forbidden or code_fences")
        for at, tag in enumerate(self.tags):
            if not re.fullmatch(r"[A-Za-z][\w.-]{0,63}", tag):
                yield OptionProblem(f"tags[{at}]", f"is {tag!r}, expected the name of a tag, without brackets")
            if tag in self.tags[:at]:
                yield OptionProblem(f"tags[{at}]", f"{tag} is there twice, and each tag stands once")
        if self.only_tags and not self.tags:
            yield OptionProblem("only_tags", "is true without tags")
        for name in ("sections", "contains", "forbidden"):
            for at, text in enumerate(getattr(self, name)):
                if not text.strip():
                    yield OptionProblem(f"{name}[{at}]", "is empty, expected text")
        if self.code_fences is not None and self.code_fences < 0:
            yield OptionProblem("code_fences", f"is {self.code_fences}, expected 0 or more")


def reward(options: Options) -> Reward:
    """See the module. The measure `broken` counts the rules that are not kept."""
    rules = list(_rules(options))

    def score(rollout: Rollout) -> Score:
        answer = rollout.answer
        kept = sum(rule(answer) for rule in rules) if answer.strip() else 0
        share = kept / len(rules)
        found = float(kept == len(rules)) if options.all_or_nothing else share
        return Score(found, {"broken": float(len(rules) - kept)})

    return score


def _rules(options: Options) -> Iterator[Rule]:
    for at in range(len(options.tags)):
        yield lambda answer, at=at: _tag_stands(answer, options.tags, at)  # type: ignore[misc]  # bound now
    if options.only_tags:
        yield lambda answer: _nothing_outside(answer, options.tags)
    for at in range(len(options.sections)):
        yield lambda answer, at=at: _section_stands(answer, options.sections, at)  # type: ignore[misc]  # bound now
    for text in options.contains:
        yield lambda answer, text=text: text in answer  # type: ignore[misc]  # bound now
    for text in options.forbidden:
        yield lambda answer, text=text: text.casefold() not in answer.casefold()  # type: ignore[misc]  # bound now
    if options.code_fences is not None:
        yield lambda answer: len(fenced(answer)) == options.code_fences


def _span(answer: str, tag: str) -> tuple[int, int] | None:
    """Where a tag that stands once begins and ends; None for one that does not, or has nothing in it."""
    begin, end = f"<{tag}>", f"</{tag}>"
    start, stop = answer.find(begin), answer.find(end)
    once = answer.count(begin) == 1 and answer.count(end) == 1 and start < stop
    if not once or not answer[start + len(begin) : stop].strip():
        return None
    return start, stop + len(end)


def _tag_stands(answer: str, tags: Sequence[str], at: int) -> bool:
    """Whether this tag stands, behind the end of the one before it, if that stands."""
    span = _span(answer, tags[at])
    before = _span(answer, tags[at - 1]) if at else None
    return span is not None and (before is None or before[1] <= span[0])


def _nothing_outside(answer: str, tags: Sequence[str]) -> bool:
    spans = [_span(answer, tag) for tag in tags]
    end = 0
    for span in spans:
        if span is None or answer[end : span[0]].strip():
            return False
        end = span[1]
    return not answer[end:].strip()


def _section_stands(answer: str, sections: Sequence[str], at: int) -> bool:
    """Whether this heading is one line of the answer, with text before the next one, behind the one before it."""
    lines = [line.strip() for line in answer.splitlines()]
    heading = sections[at].strip()
    if lines.count(heading) != 1:
        return False
    place = lines.index(heading)
    others = {other.strip() for other in sections}
    below = next((line for line in lines[place + 1 :] if line), "")
    before = sections[at - 1].strip() if at else None
    in_order = before is None or before not in lines or lines.index(before) < place
    return bool(below) and below not in others and in_order
