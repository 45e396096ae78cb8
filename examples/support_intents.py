"""Writes the messages of `support-intents`: what customers of the invented company Larkmoor ask, with its intent.

Every phrase belongs to one split, so the eval file shows how a model does on wording that it never saw.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from examples.phrases import (
    Dice,
    Slots,
    Split,
    expand,
    normalised,
    one_of,
    read_phrases,
    with_short_forms,
    with_typos,
)
from examples.rows import converse_row, gen_qa_row, to_jsonl

FOLDER = Path(__file__).parent / "support-intents"
ROWS_PER_INTENT: Mapping[Split, int] = {"train": 108, "validation": 15, "eval": 28}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = ("January", "March", "April", "May", "June", "August", "September", "October", "November")


class Phrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Phrases by split."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    eval: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        """The phrases that the split may use."""
        by_split: dict[Split, tuple[str, ...]] = {
            "train": self.train,
            "validation": self.validation,
            "eval": self.eval,
        }
        return by_split[split]


class Intent(Phrases, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Sentence frames of one intent; `about` says when the label is right."""

    about: str


class Fillers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands around a frame, and the values of the slots."""

    openings: Phrases
    contexts: Phrases
    closings: Phrases
    slots: dict[str, tuple[str, ...]]


def intents() -> dict[str, Intent]:
    """All intents by label, in the order of the phrase files."""
    found: dict[str, Intent] = {}
    for path in sorted((FOLDER / "phrases").glob("*.yaml")):
        if path.name != "fillers.yaml":
            found |= read_phrases(path, dict[str, Intent])
    return found


def fillers() -> Fillers:
    """Openings, contexts, closings and slot values."""
    return read_phrases(FOLDER / "phrases" / "fillers.yaml", Fillers)


def system_prompt() -> str:
    """The instruction that stands in every row: the labels, and that nothing else is wanted."""
    return (
        "You sort messages to the customer support of Larkmoor, a maker of smart home devices. "
        "Answer with exactly one of these intents and nothing else: " + ", ".join(sorted(intents())) + "."
    )


def files() -> dict[str, bytes]:
    """The dataset files by name."""
    system = system_prompt()
    messages = write_messages()
    train, validation = (
        to_jsonl(converse_row(system=system, question=text, answer=intent) for text, intent in messages[split])
        for split in ("train", "validation")
    )
    held_out = to_jsonl(gen_qa_row(system=system, question=text, answer=intent) for text, intent in messages["eval"])
    return {"train.jsonl": train, "validation.jsonl": validation, "eval.jsonl": held_out}


def write_messages() -> dict[Split, list[tuple[str, str]]]:
    """(text, intent) by split, each intent equally often, no text twice in all splits together."""
    surroundings = fillers()
    slots = _slots(surroundings)
    seen: set[str] = set()
    messages: dict[Split, list[tuple[str, str]]] = {}
    for split, count in ROWS_PER_INTENT.items():
        rows = []
        for label, intent in intents().items():
            dice = Dice(f"support-intents/{split}/{label}")
            frames = intent.of(split)
            for number in range(count):
                frame = frames[number % len(frames)]  # every frame is used equally often
                rows.append(
                    (_new_message(frame, split, surroundings=surroundings, slots=slots, dice=dice, seen=seen), label)
                )
        messages[split] = Dice(f"support-intents/{split}").shuffled(rows)
    return messages


def _new_message(frame: str, split: Split, *, surroundings: Fillers, slots: Slots, dice: Dice, seen: set[str]) -> str:
    for _ in range(200):
        text = _message(frame, split, surroundings, slots, dice)
        if normalised(text) not in seen:
            seen.add(normalised(text))
            return text
    raise ValueError(f"the frame {frame!r} has too few variations for the number of rows")


def _message(frame: str, split: Split, surroundings: Fillers, slots: Slots, dice: Dice) -> str:
    number = _order(dice)
    slots = {**slots, "order": lambda _: number}  # a message is about one order
    core = expand(frame, dice=dice, slots=slots)
    parts = [core]
    if dice.chance(0.3):
        context = expand(dice.pick(surroundings.contexts.of(split)), dice=dice, slots=slots)
        parts.insert(dice.below(2), context)
    if dice.chance(0.55):
        parts.insert(0, expand(dice.pick(surroundings.openings.of(split)), dice=dice, slots=slots))
    if dice.chance(0.45):
        parts.append(expand(dice.pick(surroundings.closings.of(split)), dice=dice, slots=slots))
    return _as_typed(" ".join(parts), dice)


def _as_typed(text: str, dice: Dice) -> str:
    if dice.chance(0.15):
        text = with_typos(text, dice=dice, count=1 + dice.below(2))
    if dice.chance(0.06):
        text = with_short_forms(text)
    if dice.chance(0.12):
        text = text.rstrip(".!")
    if dice.chance(0.16):
        text = text.lower()
    return text


def _slots(surroundings: Fillers) -> Slots:
    made: dict[str, Callable[[Dice], str]] = {"date": _date, "amount": _amount}
    return made | {name: one_of(values) for name, values in surroundings.slots.items()}


def _order(dice: Dice) -> str:
    number = 10_000 + dice.below(90_000)
    return dice.pick((f"LM-{number}", f"LM-{number}", f"LM{number}", f"#{number}", f"{number}"))


def _date(dice: Dice) -> str:
    day, month = 1 + dice.below(28), dice.pick(MONTHS)
    weekday = dice.pick(WEEKDAYS)
    return dice.pick((f"{day} {month}", f"{month} {day}", f"the {day}th" if 3 < day < 21 else weekday, weekday))


def _amount(dice: Dice) -> str:
    return f"${9 + dice.below(240)}{dice.pick(('', '.00', '.50', '.90', '.99'))}"
