"""Writes the dataset files of the examples from their phrases; the same bytes on every machine.

python -m examples.generate            # write
python -m examples.generate --check    # compare with what is there, write nothing
"""

from pathlib import Path
from typing import Annotated

import typer

from examples import return_decisions, support_intents, ticket_replies


def generated() -> dict[Path, bytes]:
    """Every dataset file of the examples and what belongs into it."""
    return {
        example.FOLDER / name: content
        for example in (return_decisions, support_intents, ticket_replies)
        for name, content in example.files().items()
    }


def differing(files: dict[Path, bytes]) -> list[Path]:
    """The files that are missing or hold something else."""
    return [path for path, content in files.items() if not path.is_file() or path.read_bytes() != content]


def settle(files: dict[Path, bytes], *, check: bool) -> bool:
    """Writes the files that differ, or with `check` only names them; True if all is as it should be afterwards."""
    changed = differing(files)
    for path in changed:
        if not check:
            path.write_bytes(files[path])
        typer.echo(f"{'differs' if check else 'written'}: {path.parent.name}/{path.name}")
    if not changed:
        typer.echo(f"{len(files)} files are current")
    return not (check and changed)


def main(
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a file differs.")] = False,
) -> None:
    """Write the dataset files of the examples, or check that they are current."""
    if not settle(generated(), check=check):
        typer.echo("The phrases and the data are not of one piece. Run: python -m examples.generate", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
