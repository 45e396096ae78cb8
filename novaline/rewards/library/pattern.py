"""1 when a regular expression matches the answer, or the code in it, else 0.

Patterns are Python's, matched in linear time; see `novaline.rewards.library.linear` for what they cannot hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from novaline.rewards.contract import Reward, Rollout, Score
from novaline.rewards.library.linear import Matcher, WrongPattern, read_pattern
from novaline.rewards.library.marks import fenced
from novaline.rewards.options import OptionProblem


@dataclass(frozen=True, slots=True)
class Options:
    """What can be set on a pattern."""

    pattern: str = field(metadata={"doc": "the regular expression, as Python's `re` writes them"})
    inside: Literal["answer", "code"] = field(
        default="answer", metadata={"doc": "where to look: in the answer, or in its one code fence"}
    )
    language: str = field(default="", metadata={"doc": "the language that the code fence must be marked with"})
    whole: bool = field(
        default=False, metadata={"doc": "whether all of it must match, space around it apart, or some part is enough"}
    )
    ignore_case: bool = field(default=False, metadata={"doc": "whether case does not matter"})
    multi_line: bool = field(default=False, metadata={"doc": "whether ^ and $ stand at every line"})
    dot_all: bool = field(default=False, metadata={"doc": "whether . takes line breaks, too"})
    absent: bool = field(default=False, metadata={"doc": "whether the reward is for not matching"})

    def problems(self) -> Iterable[OptionProblem]:
        """A pattern that is none, or takes more than linear time."""
        try:
            self.read()
        except WrongPattern as problem:
            yield OptionProblem("pattern", str(problem))
        if self.language and self.inside != "code":
            yield OptionProblem("language", "means nothing when inside is answer", "set inside: code")

    def read(self) -> Matcher:
        """The pattern. Raises WrongPattern."""
        return read_pattern(
            self.pattern,
            whole=self.whole,
            ignore_case=self.ignore_case,
            multi_line=self.multi_line,
            dot_all=self.dot_all,
        )


def reward(options: Options) -> Reward:
    """See the module. An empty answer, and one without the one code fence that is asked for, earns 0."""
    matcher = options.read()

    def score(rollout: Rollout) -> Score:
        text = rollout.answer if options.inside == "answer" else _code(rollout.answer, options.language)
        if options.whole:
            text = text.strip()
        if not text.strip():
            return Score(0.0)
        return Score(float(matcher.matches(text) != options.absent))

    return score


def _code(answer: str, language: str) -> str:
    fences = [text for marked, text in fenced(answer) if not language or marked == language.lower()]
    return fences[0] if len(fences) == 1 else ""
