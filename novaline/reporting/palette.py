"""The colours of pages and charts, each for light and for dark.

A chart is drawn in the light ones. On a dark page the style sheet replaces them, colour by colour, so that a chart is
drawn once. Text against its ground has a contrast of at least 4.5 to 1, marks of 3 to 1 (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Colour:
    """One role's colour, as `#rrggbb`."""

    light: str
    dark: str


INK = Colour("#1b1f24", "#e9ecf0")
"""Text."""
MUTED = Colour("#59616b", "#a4adb8")
"""Text of lesser weight: axes, captions."""
LINE = Colour("#dfe3e8", "#363d46")
"""Grids and borders."""
ACCENT = Colour("#2b6cb0", "#63a4ee")
"""What is measured."""
SECOND = Colour("#ad5015", "#f0a263")
"""What is held against it: a median, a limit, a second series."""
BAD = Colour("#b3261e", "#f2776e")
"""What must be mended."""
GOOD = Colour("#27753f", "#5cbf7c")
"""What is as it should be."""
PAGE = Colour("#f5f6f8", "#14171b")
"""The ground."""
CARD = Colour("#ffffff", "#1d2127")
"""The ground of a section."""

ROLES = {
    "ink": INK,
    "muted": MUTED,
    "line": LINE,
    "accent": ACCENT,
    "second": SECOND,
    "bad": BAD,
    "good": GOOD,
    "page": PAGE,
    "card": CARD,
}
"""Role → its colour; the style sheet has them as `--ink`, `--muted` …"""
