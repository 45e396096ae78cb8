"""Recipes as JSON objects, for `novaline recipes list --json` and `show --json`."""

from __future__ import annotations

from novaline.recipes.model import Bounds, Image, KeySpec, Recipe
from novaline.recipes.rendering import default_values, resolve
from novaline.recipes.trial import Trial
from novaline.recipes.wording import SOURCES, bounds_of


def summary(recipe: Recipe) -> dict[str, object]:
    """What tells a recipe apart. `default_count` is what a stage gets that names no number of instances."""
    return {
        "id": recipe.id,
        "version": recipe.version,
        "title": recipe.title,
        "reference": recipe.reference,
        "model": recipe.model.name,
        "generation": recipe.generation,
        "technique": recipe.technique,
        "variant": recipe.variant,
        "tuning": recipe.tuning,
        "platforms": list(recipe.platforms),
        "preferred": recipe.preferred,
        "instances": recipe.instances.model_dump(mode="json"),
    }


def description(recipe: Recipe, trial: Trial) -> dict[str, object]:
    """Everything about a recipe: its summary, images by platform and region, and each key with `value` as tried."""
    defaults, values = resolve(default_values(recipe)), trial.values
    return {
        **summary(recipe),
        "model_type": recipe.model.model_type,
        "model_name_or_path": recipe.model.model_name_or_path,
        "platform": trial.platform,
        "images": {platform: _image(image) for platform, image in recipe.images.items()},
        "companions": [_image(image) for image in recipe.companions],
        "keys": [
            {"path": path, **_key(spec), "default_resolved": defaults[path], "value": values[path]}
            for path, spec in recipe.keys.items()
        ],
    }


def _image(image: Image) -> dict[str, object]:
    return {"name": image.name, "uris": {region: image.uri(region) for region in image.accounts}}


def _key(spec: KeySpec) -> dict[str, object]:
    return {
        "type": spec.type,
        "nullable": spec.nullable,
        "default": spec.default,
        "unit": spec.unit,
        "about": spec.about,
        "override": spec.override,
        "overridable_on": list(spec.overridable_on),
        "locked": dict(spec.locked),
        "bounds": {source: _bounds(found) for source in SOURCES if (found := bounds_of(spec, source)) is not None},
        "published": {platform: _bounds(found) for platform, found in spec.published.items()},
        "published_default": dict(spec.published_default),
    }


def _bounds(bounds: Bounds) -> dict[str, object]:
    return bounds.model_dump(mode="json", exclude_defaults=True)
