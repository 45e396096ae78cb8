"""The libraries of the extra `report`, which not everybody installs."""

from __future__ import annotations

from importlib.util import find_spec

from novaline.findings import NovalineError

_LIBRARIES = {"altair": "altair", "jinja2": "jinja2", "vl_convert": "vl-convert-python"}
"""Module → the distribution that has it."""


def require() -> None:
    """Raises NovalineError when a library that pages need is not installed. Imports none of them."""
    missing = [name for module, name in _LIBRARIES.items() if find_spec(module) is None]
    if missing:
        raise NovalineError.of(
            "extra-missing",
            f"a page with charts needs {_and(list(_LIBRARIES.values()))}; not installed: {_and(missing)}",
            hint="pip install 'novaline[report]'",
        )


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
