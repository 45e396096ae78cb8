"""Where Novaline's own data lives: beside the code in a source checkout, inside the package in an installed wheel."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _data(name: str) -> Path:
    packaged = _PACKAGE / "_data" / name
    if packaged.is_dir():
        return packaged
    return _PACKAGE.parent / name


def recipes_root() -> Path:
    """The folder of the recipe catalogue (generation / model / technique)."""
    return _data("recipes")


def lambda_root() -> Path:
    """The folder that holds one folder per Lambda function."""
    return _data("lambda")


def layer_archive() -> Path:
    """The libraries of the functions' layer, which `make setup` packs; it lives as long as this Python environment."""
    return Path(sys.prefix) / "share" / "novaline" / "lambda-layer.zip"


def tables_archive() -> Path:
    """Likewise the layer with what reads tables."""
    return layer_archive().with_name("lambda-layer-tables.zip")


def reward_libraries(digest: str) -> Path:
    """The folder of the libraries that pins with this digest name, which `make setup` installs; it lives as long."""
    return Path(sys.prefix) / "share" / "novaline" / "reward-libraries" / digest


def project_root() -> Path | None:
    """The nearest folder with a `cdk.json`: upwards from the working directory, then from this file; or None."""
    for start in (Path.cwd(), _PACKAGE):
        for folder in (start, *start.parents):
            if (folder / "cdk.json").is_file():
                return folder
    return None
