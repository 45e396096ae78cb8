"""Reads the recipe catalogue: each recipe is a short difference from what its technique and generation share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from novaline.customization.yaml_source import load_yaml
from novaline.findings import NovalineError
from novaline.places import recipes_root
from novaline.recipes.layers import assemble, merged, named_accounts
from novaline.recipes.model import EvaluationTask, Image, Model, Platform, Recipe


class Catalogue:
    """The recipes under one folder. A file is read when it is first needed, and only then."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[Path, Mapping[str, object]] = {}
        self._recipes: dict[Path, Recipe] = {}

    def models(self) -> tuple[str, ...]:
        """The names of the models that have recipes, sorted."""
        return tuple(sorted(path.parent.name for path in self._root.glob("*/*/model.yaml")))

    def model(self, name: str) -> Model:
        """The facts of one model. Raises KeyError for a name that is not in `models()`."""
        return self._model(self._model_folder(name))

    def techniques(self, model: str) -> tuple[str, ...]:
        """The techniques that have recipes for the model, sorted. Raises KeyError for an unknown model."""
        folder = self._model_folder(model)
        return tuple(sorted({path.parent.name for path in folder.glob("*/*.yaml")}))

    def all(self) -> tuple[Recipe, ...]:
        """Every recipe, by generation, model, technique and id."""
        recipes = [self.load(path) for path in self._paths()]
        return tuple(sorted(recipes, key=lambda one: (one.generation, one.model.name, one.technique, one.id)))

    def recipe(self, identifier: str) -> Recipe:
        """The recipe with this id. Raises KeyError when there is none."""
        for path in self._paths():
            if self._read(path).get("id") == identifier:
                return self.load(path)
        raise KeyError(identifier)

    def recipes(self, *, model: str, technique: str, variant: str | None = None) -> tuple[Recipe, ...]:
        """All recipes for a model and technique, the preferred ones first, then by file name."""
        return tuple(self.load(path) for path in self._fitting(model, technique, variant))

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
        for path in self._fitting(model, technique, variant):
            own = self._merged(path)
            types = _mapping(own.get("instances")).get("types")
            fits = instance_type is None or (isinstance(types, list) and instance_type in types)
            if fits and platform in _list(own.get("platforms")):
                return self.load(path)
        return None

    def tasks(self) -> Mapping[str, EvaluationTask]:
        """What evaluations can measure, by the task's name."""
        path = self._root / "evaluation-tasks.yaml"
        try:
            return {
                name: EvaluationTask.model_validate({"name": name, **_mapping(task)})
                for name, task in _mapping(self._read(path)["tasks"]).items()
            }
        except ValidationError as problem:
            raise _catalogue_error(path, problem) from None

    def image_accounts(self) -> Mapping[str, str]:
        """Amazon's accounts that own the repositories of Nova's training images, by region."""
        return named_accounts(self._images(), repository=None)

    def inference_image(self) -> Image:
        """The image that serves a customized model on an endpoint of one's own."""
        name = str(self._images()["inference"])
        return Image(name=name, accounts=named_accounts(self._images(), repository=name))

    def load(self, path: Path) -> Recipe:
        """The recipe in one file, put together with what it builds on. Raises NovalineError when a file is wrong."""
        if path not in self._recipes:
            model = self._model(path.parent.parent)
            try:
                data = assemble(self._merged(path), technique=path.parent.name, model=model, images=self._images())
                self._recipes[path] = Recipe.model_validate(data)
            except ValidationError as problem:
                raise _catalogue_error(path, problem) from None
            except (KeyError, AttributeError) as problem:
                raise _leads_nowhere(path, problem) from None
        return self._recipes[path]

    def _fitting(self, model: str, technique: str, variant: str | None) -> list[Path]:
        """The files for a model, technique and variant, the preferred ones first; no more is read than their heads."""
        paths = sorted((self._model_folder(model) / technique).glob("*.yaml"))
        fitting = [path for path in paths if variant is None or self._read(path).get("variant") == variant]
        return sorted(fitting, key=lambda path: not self._read(path).get("preferred", False))

    def _paths(self) -> list[Path]:
        return sorted(self._root.glob("*/*/*/*.yaml"))

    def _merged(self, path: Path) -> Mapping[str, object]:
        """The file on top of what its technique shares, in every generation and in its own."""
        technique, generation = path.parent.name, path.parents[2]
        shared = [self._root / f"{technique}.yaml", generation / f"{technique}.yaml"]
        groups = [self._root / "groups.yaml", generation / "groups.yaml"]
        try:
            return merged(
                [self._read(file) for file in shared if file.is_file()],
                self._read(path),
                groups={name: group for file in groups if file.is_file() for name, group in self._read(file).items()},
            )
        except KeyError as problem:
            raise _leads_nowhere(path, problem) from None

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

    def _images(self) -> Mapping[str, object]:
        return self._read(self._root / "images.yaml")

    def _read(self, path: Path) -> Mapping[str, object]:
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


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _leads_nowhere(path: Path, problem: KeyError | AttributeError) -> NovalineError:
    return NovalineError.of("recipe-catalogue", f"a name leads nowhere: {problem.args[0]}", file=str(path))


def _catalogue_error(path: Path, problem: ValidationError) -> NovalineError:
    first = problem.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return NovalineError.of("recipe-catalogue", f"{where}: {first['msg']}", file=str(path))
