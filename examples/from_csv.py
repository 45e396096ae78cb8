"""Turns a CSV of texts and labels into a customization: the JSONL files and a customization.yaml.

    python -m examples.from_csv tickets.csv --to my-intents
    novaline check my-intents/customization.yaml

The split is the same each time, keeps the labels' shares, and keeps copies of a text together, so that the evaluation
asks nothing that was trained. Source files of other forms need a few lines of your own around `converse_row`.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from examples.csv_table import BadCsv, Entry, SplitName, contradictions, read_entries, same_text_key
from examples.customization_text import customization_text
from examples.rows import converse_row, gen_qa_row, reserved_word_in, to_jsonl

Model = Literal["nova-micro", "nova-2-lite"]
NAME = re.compile(r"([0-9a-zA-Z][_-]?){1,63}")  # Bedrock's pattern for a custom model


def split_entries(entries: Sequence[Entry], *, validation: float, evaluation: float) -> dict[SplitName, list[Entry]]:
    """The entries by split, label by label, copies of a text together; an entry's own split is kept where it has one.

    `validation` and `evaluation` are shares of the different texts of each label, 0 to 1; each asked-for split gets at
    least one text of each label. A text that stands in several given splits stays only in the one that must not be
    trained. Raises BadCsv where a label has too few texts, or is evaluated and never trained.
    """
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[same_text_key(entry.text)].append(entry)
    given = any(entry.split for entry in entries)
    chosen = _given_splits(groups) if given else _made_splits(groups, validation=validation, evaluation=evaluation)
    splits: dict[SplitName, list[Entry]] = {"train": [], "validation": [], "eval": []}
    # By hash, because many files are sorted by label and training takes the rows as they come.
    for key in sorted(groups, key=lambda key: _place(f"order/{key}")):
        splits[chosen[key]] += [entry for entry in groups[key] if entry.split in (None, chosen[key])]
    return splits


def default_prompt(labels: Sequence[str]) -> str:
    """An instruction that lists the labels."""
    return (
        "Sort the message into one category. Answer with exactly one of these categories and nothing else: "
        + ", ".join(labels)
        + "."
    )


def dataset_files(splits: Mapping[SplitName, Sequence[Entry]], *, system: str) -> dict[str, bytes]:
    """The JSONL files by name; no validation.jsonl where there are no rows for it."""
    files = {
        f"{split}.jsonl": to_jsonl(converse_row(system=system, question=row.text, answer=row.label) for row in rows)
        for split, rows in splits.items()
        if split != "eval" and rows
    }
    held_out = splits["eval"]
    return files | {
        "eval.jsonl": to_jsonl(gen_qa_row(system=system, question=row.text, answer=row.label) for row in held_out)
    }


def main(
    csv_file: Annotated[Path, typer.Argument(help="UTF-8, with a header line.", exists=True, dir_okay=False)],
    *,
    to: Annotated[Path, typer.Option(help="Folder of the new customization.", file_okay=False)],
    model: Annotated[Model, typer.Option(help="Which Nova to customize.")] = "nova-micro",
    name: Annotated[str | None, typer.Option(help="Name of the customization; default: the folder's.")] = None,
    text_column: Annotated[str, typer.Option(help="Header of the texts.")] = "text",
    label_column: Annotated[str, typer.Option(help="Header of the labels.")] = "label",
    split_column: Annotated[
        str | None, typer.Option(help="Header of a column that says train, validation or eval.")
    ] = None,
    delimiter: Annotated[str, typer.Option(help="Between the fields; 'tab' for tabs.")] = ",",
    system_file: Annotated[
        Path | None,
        typer.Option(help="System prompt; default: one that lists the labels.", exists=True, dir_okay=False),
    ] = None,
    validation: Annotated[float, typer.Option(min=0, max=0.4, help="Share of the texts.")] = 0.1,
    evaluation: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of the texts.")] = 0.2,
    drop_contradictions: Annotated[
        bool, typer.Option("--drop-contradictions", help="Leave out texts that have more than one label.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")] = False,
) -> None:
    """Make a customization folder from a CSV with a text and a label in each row."""
    separator = "\t" if delimiter == "tab" else delimiter
    if len(separator) != 1:
        raise typer.BadParameter("one character, or 'tab'", param_hint="--delimiter")
    wanted_name = name or re.sub(r"[^0-9a-zA-Z]+", "-", to.resolve().name).strip("-")[:63]
    if not NAME.fullmatch(wanted_name):
        raise typer.BadParameter(
            f"{wanted_name!r} should be letters and digits with single - or _ between, at most 63", param_hint="--name"
        )
    try:
        entries = read_entries(
            csv_file, text_column=text_column, label_column=label_column, split_column=split_column, delimiter=separator
        )
        entries = _without_contradictions(entries, drop=drop_contradictions)
        takes_validation = model == "nova-micro"  # training jobs take no validation data for Nova 2 Lite
        splits = split_entries(entries, validation=validation if takes_validation else 0.0, evaluation=evaluation)
        if not takes_validation:
            splits["validation"].clear()
        labels = sorted({entry.label for entry in entries})
        system = _prompt_in(system_file) if system_file else default_prompt(labels)
        if word := reserved_word_in(system):
            raise BadCsv([f"{system_file or 'the labels'}: the system prompt holds {word!r}, which breaks training"])
        files = dataset_files(splits, system=system)
        plan = customization_text(name=wanted_name, model=model, rows={key: len(rows) for key, rows in splits.items()})
        kept = _write(to, {**files, "customization.yaml": plan.encode("utf-8")}, overwrite=overwrite)
    except BadCsv as error:
        typer.echo(error.report(), err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"{error.filename}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    _say(to, entries, splits, kept=kept)


def _prompt_in(path: Path) -> str:
    try:
        prompt = path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise BadCsv([f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8"]) from None
    if not prompt:
        raise BadCsv([f"{path}: the system prompt is empty"])
    return prompt


def _without_contradictions(entries: list[Entry], *, drop: bool) -> list[Entry]:
    found = contradictions(entries)
    if found and not drop:
        raise BadCsv([*found.values(), "correct the labels, or leave such texts out with --drop-contradictions"])
    left = [entry for entry in entries if same_text_key(entry.text) not in found]
    if found:
        typer.echo(f"{len(entries) - len(left)} rows left out: their {len(found)} texts have more than one label")
    return left


def _made_splits(
    groups: Mapping[str, Sequence[Entry]], *, validation: float, evaluation: float
) -> dict[str, SplitName]:
    keys_of: dict[str, list[str]] = defaultdict(list)
    for key, members in groups.items():
        keys_of[members[0].label].append(key)
    needed = 3 if validation else 2
    problems = [
        f"label {label!r} has {len(keys)} different text{'s' if len(keys) > 1 else ''} "
        f"(line {', '.join(str(groups[key][0].line) for key in keys)}); {needed} are needed, one for each split"
        for label, keys in keys_of.items()
        if len(keys) < needed
    ]
    if problems:
        raise BadCsv(problems)
    chosen: dict[str, SplitName] = {}
    for keys in keys_of.values():
        # By hash: reproducible, blind to the order of the file, and rows that are added later move few others.
        ordered = sorted(keys, key=_place)
        held_out = max(1, round(evaluation * len(keys)))
        watched = held_out + (max(1, round(validation * len(keys))) if validation else 0)
        for place, key in enumerate(ordered):
            chosen[key] = "eval" if place < held_out else "validation" if place < watched else "train"
    return chosen


def _place(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8")).digest()


def _given_splits(groups: Mapping[str, Sequence[Entry]]) -> dict[str, SplitName]:
    chosen: dict[str, SplitName] = {}
    for key, members in groups.items():
        named = {entry.split for entry in members}
        chosen[key] = "eval" if "eval" in named else "validation" if "validation" in named else "train"
    trained = {groups[key][0].label for key, split in chosen.items() if split == "train"}
    problems = [] if "eval" in chosen.values() else ["no row is in the split 'eval'"]
    first_untrained = {
        groups[key][0].label: groups[key][0].line
        for key, split in reversed(chosen.items())
        if split != "train" and groups[key][0].label not in trained
    }
    problems += [
        f"line {line}: label {label!r} is never in the split 'train'" for label, line in first_untrained.items()
    ]
    if problems:
        raise BadCsv(problems)
    return chosen


def _write(folder: Path, files: Mapping[str, bytes], *, overwrite: bool) -> bool:
    """Writes the files; True if a customization.yaml was already there, which is never replaced unless asked."""
    there = [name for name in files if (folder / name).exists() and name != "customization.yaml"]
    if there and not overwrite:
        raise BadCsv([f"{folder / name} exists; add --overwrite to replace it" for name in there])
    folder.mkdir(parents=True, exist_ok=True)
    keep = (folder / "customization.yaml").exists() and not overwrite
    for name, content in files.items():
        if not (keep and name == "customization.yaml"):
            (folder / name).write_bytes(content)
    return keep


def _say(folder: Path, entries: Sequence[Entry], splits: Mapping[SplitName, Sequence[Entry]], *, kept: bool) -> None:
    counts = Counter(entry.label for entry in splits["train"])
    rare, fewest = min(counts.items(), key=lambda item: (item[1], item[0]))
    typer.echo(f"{len(entries)} rows, {len(counts)} labels; the rarest, {rare!r}, has {fewest} training rows")
    typer.echo("  ".join(f"{split} {len(rows)}" for split, rows in splits.items() if rows))
    if copies := len(entries) - len({same_text_key(entry.text) for entry in entries}):
        typer.echo(f"{copies} rows repeat a text; each text is in one split only")
    if unused := len(entries) - sum(map(len, splits.values())):
        typer.echo(f"{unused} rows not used: their text is held out, or the model takes no validation data")
    if kept:
        typer.echo(f"kept as it was: {folder / 'customization.yaml'}")
    typer.echo(f"next: novaline check {folder / 'customization.yaml'}")


if __name__ == "__main__":
    typer.run(main)
