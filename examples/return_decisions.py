"""Writes the requests of `return-decisions`: what customers of the invented shop Larkmoor want to give back, and why.

The right decision follows by rule from the state of the thing and its age, so that a reward function can tell it. Every
phrase belongs to one split.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from examples.phrases import Dice, Slots, expand, normalised, one_of, read_phrases, with_typos
from examples.rows import converse_row, gen_qa_row, rft_row, to_jsonl

FOLDER = Path(__file__).parent / "return-decisions"
RequestSplit = Literal["train", "eval", "taught"]
Age = Literal["recent", "months", "years"]
State = Literal["sealed", "opened", "defective", "wrong_item"]
ROWS_PER_DECISION: Mapping[RequestSplit, int] = {"train": 90, "eval": 30, "taught": 36}
"""`taught` says the decision in words to imitate, before `train` rewards it; it uses the phrases of `train`."""
RULES: Mapping[State, Mapping[Age, str]] = {
    "sealed": {"recent": "refund", "months": "reject", "years": "reject"},
    "opened": {"recent": "store_credit", "months": "reject", "years": "reject"},
    "defective": {"recent": "exchange", "months": "repair", "years": "reject"},
    "wrong_item": {"recent": "exchange", "months": "ask_agent", "years": "ask_agent"},
}
"""What Larkmoor does: 30 days to give back, two years of warranty, and a person looks at its own old mistakes."""
DECISIONS = tuple(sorted({decision for by_age in RULES.values() for decision in by_age.values()}))
SYSTEM_PROMPT = (
    "You decide on returns for Larkmoor, a maker of smart home devices. Within 30 days: a sealed product is refunded, "
    "an opened one gets store credit, a defective or wrong one is exchanged. Later: a defective one is repaired within "
    f"two years, a wrong one goes to an agent, others are rejected. Answer with exactly one of: {', '.join(DECISIONS)}."
)


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases by split."""

    train: tuple[str, ...]
    eval: tuple[str, ...]

    def of(self, split: RequestSplit) -> tuple[str, ...]:
        """The phrases that the split may use."""
        return self.eval if split == "eval" else self.train


class Wordings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a request is made of."""

    openings: Phrases
    ages: dict[Age, Phrases]
    states: dict[State, Phrases]
    remarks: Phrases
    closings: Phrases
    slots: dict[str, tuple[str, ...]]


class Request(msgspec.Struct, frozen=True):
    """One request and what follows from it."""

    text: str
    state: State
    age: Age

    @property
    def decision(self) -> str:
        """What the rules say."""
        return RULES[self.state][self.age]


def wordings() -> Wordings:
    """The phrase file."""
    return read_phrases(FOLDER / "phrases.yaml", Wordings)


def files() -> dict[str, bytes]:
    """The dataset files by name."""
    requests = write_requests()
    return {
        "train.jsonl": to_jsonl(_rft_rows("train", requests["train"])),
        "taught.jsonl": to_jsonl(
            converse_row(system=SYSTEM_PROMPT, question=request.text, answer=request.decision)
            for request in requests["taught"]
        ),
        "rewards.jsonl": to_jsonl(_rft_rows("eval", requests["eval"])),
        "eval.jsonl": to_jsonl(
            gen_qa_row(system=SYSTEM_PROMPT, question=request.text, answer=request.decision)
            for request in requests["eval"]
        ),
    }


def _rft_rows(split: RequestSplit, requests: list[Request]) -> list[dict[str, object]]:
    return [
        rft_row(
            f"{split}-{number:04d}",
            system=SYSTEM_PROMPT,
            question=request.text,
            answer=request.decision,
            facts={"state": request.state, "age": request.age},
        )
        for number, request in enumerate(requests)
    ]


def write_requests() -> dict[RequestSplit, list[Request]]:
    """Requests by split, each decision equally often, no text twice."""
    words = wordings()
    seen: set[str] = set()
    written: dict[RequestSplit, list[Request]] = {}
    for split, count in ROWS_PER_DECISION.items():
        found = []
        for decision in DECISIONS:
            dice = Dice(f"return-decisions/{split}/{decision}")
            cases = [(state, age) for state, ages in RULES.items() for age in ages if ages[age] == decision]
            found += [
                _new(*cases[number % len(cases)], split, words=words, dice=dice, seen=seen) for number in range(count)
            ]
        written[split] = Dice(f"return-decisions/{split}").shuffled(found)
    return written


def _new(state: State, age: Age, split: RequestSplit, *, words: Wordings, dice: Dice, seen: set[str]) -> Request:
    for _ in range(500):
        text = _text(state, age, split, words, dice)
        if normalised(text) not in seen:
            seen.add(normalised(text))
            return Request(text=text, state=state, age=age)
    raise ValueError(f"no new request about a {state} thing, {age}")


def _text(state: State, age: Age, split: RequestSplit, words: Wordings, dice: Dice) -> str:
    slots: Slots = {
        "number": lambda dice: f"{10_000 + dice.below(90_000)}",
        **{name: one_of(values) for name, values in words.slots.items()},
    }

    def said(phrases: Phrases) -> str:
        return expand(dice.pick(phrases.of(split)), dice=dice, slots=slots)

    what, when = said(words.states[state]), said(words.ages[age])
    facts = f"{what}; {_lower(when)}." if dice.chance(0.5) else f"{when}. {what}."
    opening = said(words.openings)
    parts = [opening, _lower(facts) if opening else facts, said(words.remarks) if dice.chance(0.6) else ""]
    parts.append(said(words.closings))
    text = " ".join(part for part in parts if part)
    return with_typos(text, dice=dice, count=1) if dice.chance(0.15) else text


def _lower(sentence: str) -> str:
    """The sentence as it goes on after another; `I` stays as it is."""
    return sentence if sentence.startswith("I ") else sentence[:1].lower() + sentence[1:]
