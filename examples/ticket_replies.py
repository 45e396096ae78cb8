"""Writes the e-mails of `ticket-replies`: what employees of the invented Harbrook Works tell their service desk.

The answer to learn is the entry of the desk's playbook: team, urgency and next step. Every phrase belongs to one split.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from examples.phrases import Dice, Slots, expand, normalised, one_of, read_phrases, with_typos
from examples.rows import converse_row, gen_qa_row, to_jsonl

FOLDER = Path(__file__).parent / "ticket-replies"
MailSplit = Literal["train", "eval"]
ROWS_PER_ENTRY: Mapping[MailSplit, int] = {"train": 36, "eval": 8}
WORDS = range(80, 251)  # of an e-mail's body
SYSTEM_PROMPT = (
    "You triage e-mails to the IT service desk of Harbrook Works by its playbook. Answer with three lines and nothing "
    "else: 'Team: ', 'Urgency: ' (low, normal, high or critical) and 'Next step: '."
)


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases by split."""

    train: tuple[str, ...]
    eval: tuple[str, ...]

    def of(self, split: MailSplit) -> tuple[str, ...]:
        """The phrases that the split may use."""
        return self.train if split == "train" else self.eval


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the playbook, and how people describe its case."""

    team: str
    urgency: Literal["low", "normal", "high", "critical"]
    next_step: str
    problem: Phrases
    detail: Phrases
    tried: Phrases

    @property
    def answer(self) -> str:
        """What the desk replies, word for word."""
        return f"Team: {self.team}\nUrgency: {self.urgency}\nNext step: {self.next_step}"


class Fillers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands around a case, and the values of the slots."""

    subjects: Phrases
    greetings: Phrases
    remarks: Phrases
    impacts: Phrases
    closings: Phrases
    slots: dict[str, tuple[str, ...]]


def playbook() -> dict[str, Entry]:
    """All entries by name, in the order of the phrase files."""
    found: dict[str, Entry] = {}
    for path in sorted((FOLDER / "phrases").glob("*.yaml")):
        if path.name != "fillers.yaml":
            found |= read_phrases(path, dict[str, Entry])
    return found


def fillers() -> Fillers:
    """Subjects, greetings, side remarks, impacts, closings and slot values."""
    return read_phrases(FOLDER / "phrases" / "fillers.yaml", Fillers)


def files() -> dict[str, bytes]:
    """The dataset files by name."""
    mails = write_mails()
    return {
        "train.jsonl": to_jsonl(
            converse_row(system=SYSTEM_PROMPT, question=text, answer=answer) for text, answer in mails["train"]
        ),
        "eval.jsonl": to_jsonl(
            gen_qa_row(system=SYSTEM_PROMPT, question=text, answer=answer) for text, answer in mails["eval"]
        ),
    }


def write_mails() -> dict[MailSplit, list[tuple[str, str]]]:
    """(e-mail, answer) by split, each entry of the playbook equally often, no e-mail twice."""
    surroundings = fillers()
    seen: set[str] = set()
    mails: dict[MailSplit, list[tuple[str, str]]] = {}
    for split, count in ROWS_PER_ENTRY.items():
        rows = []
        for name, entry in playbook().items():
            dice = Dice(f"ticket-replies/{split}/{name}")
            problems = entry.problem.of(split)
            for number in range(count):
                problem = problems[number % len(problems)]  # every way to begin is used equally often
                rows.append(
                    (_new_mail(problem, entry, split, surroundings=surroundings, dice=dice, seen=seen), entry.answer)
                )
        mails[split] = Dice(f"ticket-replies/{split}").shuffled(rows)
    return mails


def _new_mail(
    problem: str, entry: Entry, split: MailSplit, *, surroundings: Fillers, dice: Dice, seen: set[str]
) -> str:
    for _ in range(500):
        body = _body(problem, entry, split, surroundings, dice)
        if len(body.split()) in WORDS and normalised(body) not in seen:
            seen.add(normalised(body))
            subject = expand(dice.pick(surroundings.subjects.of(split)), dice=dice, slots=_slots(surroundings))
            return f"Subject: {subject}\n\n{body}"
    raise ValueError(f"no new e-mail of {WORDS.start} to {WORDS.stop - 1} words begins with {problem!r}")


def _body(problem: str, entry: Entry, split: MailSplit, surroundings: Fillers, dice: Dice) -> str:
    slots = _slots(surroundings)

    def said(phrases: tuple[str, ...], count: int) -> list[str]:
        return [expand(phrase, dice=dice, slots=slots) for phrase in dice.pick_some(phrases, count)]

    remarks = said(surroundings.remarks.of(split), 2 + dice.below(5))
    opening, later = remarks[:1], remarks[1:]
    case = [expand(problem, dice=dice, slots=slots), *said(entry.detail.of(split), 2 + dice.below(2))]
    attempts = said(entry.tried.of(split), 1 if dice.chance(0.8) else 0)
    impact = said(surroundings.impacts.of(split), 1 if dice.chance(0.85) else 0)
    first = [*opening, *case] if dice.chance(0.5) else [*case, *opening]
    second = dice.shuffled([*attempts, *later])
    paragraphs = [
        said(surroundings.greetings.of(split), 1),
        first,
        [*second, *impact],
        said(surroundings.closings.of(split), 1),
        said(surroundings.slots["person"], 1),
    ]
    return "\n\n".join(_as_typed(" ".join(sentences), dice) for sentences in paragraphs)


def _as_typed(paragraph: str, dice: Dice) -> str:
    return with_typos(paragraph, dice=dice, count=1) if dice.chance(0.15) else paragraph


def _slots(surroundings: Fillers) -> Slots:
    made: dict[str, Callable[[Dice], str]] = {
        "amount": lambda dice: f"${40 + dice.below(900)}.{dice.pick(('00', '50', '80'))}",
        "asset": lambda dice: f"HB-{10_000 + dice.below(90_000)}",
        "material": lambda dice: f"{100 + dice.below(900)}-{1_000 + dice.below(9_000)}",
        "number": lambda dice: f"{10_000 + dice.below(90_000)}",
        "room": lambda dice: f"{dice.pick('ABCDF')}{1 + dice.below(4)}.{10 + dice.below(30)}",
    }
    return made | {name: one_of(values) for name, values in surroundings.slots.items()}
