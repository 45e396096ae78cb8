"""Texts of other people's data made fit to be shown, and numbers as people write them."""

from __future__ import annotations

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def shown(text: str, most: int = 0) -> str:
    """The text on one line, without what cannot be printed; with `most`, cut to so many characters.

    White space becomes one blank. Control characters, those that turn the direction of writing, and halves of
    surrogate pairs become U+FFFD, so that a text can neither break a page nor disguise itself.
    """
    if most:
        text = text[: 4 * most]  # a row may be megabytes long
    line = " ".join(text.split())
    line = "".join(char if char.isprintable() else _REPLACEMENT for char in line)
    return f"{line[: most - 1].rstrip()}…" if most and len(line) > most else line


def size_text(number: int) -> str:
    """Bytes as `831 bytes`, `1.8 MB`."""
    if number < 1000:
        return f"{number} bytes"
    size, units = number / 1000, ["kB", "MB", "GB", "TB"]
    while size >= 999.95 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.1f} {units[0]}"
