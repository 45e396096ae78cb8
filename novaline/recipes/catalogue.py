"""Reads the recipe catalogue: each recipe is a short difference from what its technique and generation share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from novaline.customization.yaml_source import load_yaml
from novaline.findings import NovalineError
from novaline.places import recipes_root
from novaline.recipes.model import Model, Platform, Recipe

_MODEL_REFERENCE = re.compile(r"\$\{model\.(\w+)\}")


class Catalogue:
    """The recipes under one folder, read when they are asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[Path, dict[str, object]] = {}

    def image_accounts(self) -> Mapping[str, str]:
        """Amazon's accounts that own the repositories of Nova's images, by region."""
        return {
            region: str(account)
            for region, account in _mapping(self._read(self._root / "images.yaml")["accounts"]).items()
        }

    def models(self) -> tuple[str, ...]:
        """The names of the models that have recipes, sorted."""
        return tuple(sorted(path.parent.name for path in self._root.glob("*/*/model.yaml")))

    def model(self, name: str) -> Model:
        """The facts of one model. Raises KeyError for a name that is not in `models()`."""
        return self._model(self._model_folder(name))

    def recipes(self, *, model: str, technique: str, variant: str | None = None) -> tuple[Recipe, ...]:
        """All recipes for a model and technique, the preferred one first, then by name."""
        folder = self._model_folder(model) / technique
        found = [self.load(path) for path in sorted(folder.glob("*.yaml"))]
        fitting = [recipe for recipe in found if variant is None or recipe.variant == variant]
        return tuple(sorted(fitting, key=lambda recipe: not recipe.preferred))

    def find(
        self,
        *,
        model: str,
        technique: str,
        variant: str,
        platform: Platform = "sagemaker",
        instance_type: str | None = None,
    ) -> Recipe | None:
        """The recipe that runs on this platform and instance type (the preferred one when no type is given)."""
        for recipe in self.recipes(model=model, technique=technique, variant=variant):
            if platform in recipe.platforms and (instance_type is None or instance_type in recipe.instances.types):
                return recipe
        return None

    def load(self, path: Path) -> Recipe:
        """The recipe in one file, put together with what it builds on. Raises NovalineError when a file is wrong."""
        own = self._read(path)
        technique_name, model_folder = path.parent.name, path.parent.parent
        generation_folder = model_folder.parent
        layers = [
            self._read(layer)
            for layer in (self._root / f"{technique_name}.yaml", generation_folder / f"{technique_name}.yaml")
            if layer.is_file()
        ]
        model = self._model(model_folder)
        keys = _merge_keys([*_layers(layers, str(own.get("variant"))), _mapping(own.get("keys"))])
        images: dict[str, object] = {}
        for layer in [*layers, own]:
            images.update(_mapping(layer.get("images")))
        data = {
            **own,
            "technique": technique_name,
            "model": model,
            "images": images,
            "accounts": self.image_accounts(),
            "keys": {path: _with_model(spec, model) for path, spec in keys.items()},
        }
        try:
            return Recipe.model_validate(data)
        except ValidationError as problem:
            raise _catalogue_error(path, problem) from None

    def _model_folder(self, name: str) -> Path:
        for path in self._root.glob(f"*/{name}/model.yaml"):
            return path.parent
        raise KeyError(name)

    def _model(self, folder: Path) -> Model:
        path = folder / "model.yaml"
        try:
            return Model.model_validate(self._read(path))
        except ValidationError as problem:
            raise _catalogue_error(path, problem) from None

    def _read(self, path: Path) -> dict[str, object]:
        if path not in self._files:
            data = load_yaml(path).data
            if not isinstance(data, dict):
                raise NovalineError.of("recipe-catalogue", "a catalogue file is a mapping", file=str(path), line=1)
            self._files[path] = data
        return self._files[path]


@cache
def catalogue() -> Catalogue:
    """The catalogue that this installation of Novaline ships."""
    return Catalogue(recipes_root())


def _layers(files: Iterable[Mapping[str, object]], variant: str) -> Iterable[Mapping[str, object]]:
    """The shared keys from the outside in: each file's own, then those of its variant."""
    for file in files:
        yield _mapping(file.get("keys"))
        yield _mapping(_mapping(_mapping(file.get("variants")).get(variant)).get("keys"))


def _merge_keys(layers: Iterable[Mapping[str, object]]) -> dict[str, dict[str, object]]:
    merged: dict[str, dict[str, object]] = {}
    for layer in layers:
        for path, spec in layer.items():
            merged[path] = {**merged.get(path, {}), **_mapping(spec)}
    return merged


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _with_model(spec: Mapping[str, object], model: Model) -> dict[str, object]:
    default = spec.get("default")
    if not isinstance(default, str):
        return dict(spec)
    return {**spec, "default": _MODEL_REFERENCE.sub(lambda match: str(getattr(model, match[1])), default)}


def _catalogue_error(path: Path, problem: ValidationError) -> NovalineError:
    first = problem.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return NovalineError.of("recipe-catalogue", f"{where}: {first['msg']}", file=str(path))
