"""The parts of a page, and the page as one HTML file: style and charts inside, no script, nothing to fetch.

What a caller puts into a part is text, and is escaped. Needs the extra `report`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from novaline import __version__
from novaline.reporting.charts import Drawing
from novaline.reporting.palette import ROLES
from novaline.reporting.wording import shown

if TYPE_CHECKING:
    from jinja2 import Template

Level = Literal["error", "warning", "information", "good"]


@dataclass(frozen=True, slots=True)
class Figures:
    """The few numbers that a reader came for, large: (name, value, remark) each; the remark may be empty."""

    items: Sequence[tuple[str, str, str]]
    kind: str = "figures"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values: a definition list."""

    items: Sequence[tuple[str, str]]
    kind: str = "facts"


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph."""

    text: str
    kind: str = "prose"


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know: how much it matters, what it is, and what to do about it."""

    level: Level
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    """A list of notes, in the order given."""

    items: Sequence[Note]
    kind: str = "notes"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading. Numbers stand at the right; `data` is a row's text, in the type of code."""

    title: str
    style: Literal["text", "number", "data"] = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, its first column heading its rows. `shares` (0 to 1, one a row) draw a bar behind the last column.

    With `folded`, a reader opens it by its caption.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    shares: Sequence[float] = ()
    folded: bool = False
    kind: str = "table"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing with its title, a caption, and the numbers as a table for who cannot see it, or wants them."""

    title: str
    drawing: Drawing
    caption: str = ""
    numbers: Table | None = None
    kind: str = "chart"


@dataclass(frozen=True, slots=True)
class Charts:
    """Charts side by side, where the screen is wide enough."""

    items: Sequence[Chart]
    kind: str = "charts"


Block = Figures | Facts | Prose | Notes | Table | Chart | Charts


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page under a heading."""

    title: str
    blocks: Sequence[Block]
    intro: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page. `lead` are the blocks before the first section; `footnote` says how the figures came to be."""

    title: str
    subtitle: str
    lead: Sequence[Block]
    sections: Sequence[Section]
    footnote: str = ""


def render(page: Page) -> str:
    """The page as HTML."""
    return _template().render(page=page, roles=ROLES, version=__version__)


def write(page: Page, path: Path) -> None:
    """Writes the page at `path`, whole or not at all. Raises OSError when that is not possible."""
    text = render(page)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.chmod(0o666 & ~_umask())  # as an ordinary file, which a temporary one is not
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415  # an extra

    environment = Environment(
        loader=PackageLoader("novaline.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    return environment.get_template("page.html.jinja")


def _printable(value: object) -> object:
    """What a template prints: texts without what could break the page. Markup, which is no plain `str`, stays."""
    return shown(value) if type(value) is str else value
