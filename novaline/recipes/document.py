"""The page docs/recipes.md, made from the catalogue. `python -m novaline.recipes.document` prints it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import get_args

from novaline.customization.managed import BEDROCK_REGION, SERVERLESS, SERVERLESS_REGIONS, bedrock_techniques
from novaline.recipes.catalogue import Catalogue, catalogue
from novaline.recipes.model import Image, KeySpec, Platform, Recipe, Technique
from novaline.recipes.rendering import default_values, resolve
from novaline.recipes.wording import (
    PLATFORMS,
    SOURCES,
    bounds_of,
    bounds_text,
    default_text,
    instances_text,
    section,
)

COMMAND = "python -m novaline.recipes.document > docs/recipes.md"
"""What makes the page again."""

_NONE = "no"

_HEAD = f"""# Recipes: models, techniques, platforms

Made from the [catalogue](../recipes/README.md), whose facts are those of Amazon's recipe repository at v2.0.9, by

    {COMMAND}

`novaline recipes list`, `novaline recipes show ID` and `novaline recipes diff A B` say more about each recipe.

## What runs where

A cell names the numbers of instances that some source allows, and the types without `ml.` and `xlarge`: "2, 4, 8 of
p5.48, p4d.24" is two, four or eight of `ml.p5.48xlarge` or of `ml.p4d.24xlarge`. "+ 5" counts the instances of other
roles. "{_NONE}": there is no recipe for it.
"""

_MANAGED = f"""
¹ SageMaker training jobs without instances of one's own, in {" and ".join(SERVERLESS_REGIONS)}. No recipe says this:
the SageMaker SDK and the Nova Forge SDK send such jobs; reinforcement fine-tuning is called RLVR there. Unproven here.
Serverless evaluation exists as well, for benchmarks and for scorers of one's own.

² Jobs that Bedrock manages, in {BEDROCK_REGION}: it chooses the machines and trains an adapter. No recipe says this:
AWS's documentation and the API of CreateModelCustomizationJob do. Unproven here. Distillation is the student's there,
because such a job trains it; a training job writes the teacher's answers only, and its recipe is the teacher's.

³ Through SageMaker's CreateJob, whose document AWS does not publish: `novaline check` knows the recipe and refuses it.
"""

_IMAGES = """
## Images

`{{account}}.dkr.ecr.{{region}}.amazonaws.com/{{image}}`. An environment may pin an image by its digest. Regions and
accounts, where a row names no others: {accounts}.
"""

_KEYS = """
## Keys

The keys that an override can set, by technique and generation, with short names where Amazon publishes one. Several
defaults or bounds are those of several recipes. Outside `template`, the template of Amazon's hub, is an error; outside
`text`, the recipe's own, or `docs`, a page of AWS, a warning. The section `run` (names, folders, MLflow, replicas) is
left out: on training jobs the customization file says most of it, and `novaline recipes show` has all.
"""


def document(recipes: Catalogue) -> str:
    """The page as text, exactly as docs/recipes.md holds it."""
    techniques = list(get_args(Technique))
    every = sorted(recipes.all(), key=lambda one: (one.generation, one.model.name, techniques.index(one.technique)))
    lines = [_HEAD, *_platforms(every), _MANAGED, *_images(every), _KEYS]
    for technique in techniques:
        for generation, found in _grouped(
            (one for one in every if one.technique == technique), lambda one: one.generation
        ):
            models = ", ".join(dict.fromkeys(one.model.name for one in found))
            number = "one recipe" if len(found) == 1 else f"{len(found)} recipes"
            lines += [f"### {technique}, {generation}\n", f"{models}; {number}.\n", *_keys(found), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


# ---- what runs where ---------------------------------------------------------------------------------------------


def _platforms(recipes: Sequence[Recipe]) -> list[str]:
    """One row a model, technique and variant; variants with the same cells share a row."""
    rows = [_heading("model", "technique", "variant", "training job", "HyperPod", "serverless¹", "Bedrock²")]
    for model, of_model in _grouped(recipes, lambda one: one.model.name):
        for technique, group in _grouped(of_model, lambda one: one.technique):
            cells: dict[tuple[str, ...], list[str]] = {}
            for variant, same in _grouped(sorted(group, key=_tuning_first), lambda one: one.variant):
                cells.setdefault(_cells(same), []).append(variant)
            rows += [_row(model, technique, ", ".join(variants), *found) for found, variants in cells.items()]
        tuned = {one.technique for one in of_model if one.tuning == "lora"}
        without = [technique for technique in bedrock_techniques(model) if technique not in tuned]
        rows += [_row(model, technique, "student", *[_NONE] * 3, "yes") for technique in without]
    return rows


def _tuning_first(recipe: Recipe) -> bool:
    return recipe.tuning == "full"


def _cells(recipes: Sequence[Recipe]) -> tuple[str, ...]:
    job, cluster = (_machines(recipes, platform) for platform in ("sagemaker", "hyperpod"))
    first = recipes[0]
    serverless = first.tuning is not None and first.tuning in SERVERLESS.get(first.technique, ())
    managed = first.tuning == "lora" and first.technique in bedrock_techniques(first.model.name)
    return (
        job,
        "the same" if cluster == job != _NONE else cluster,
        "see ¹" if first.technique == "evaluation" else "yes" if serverless else _NONE,
        "yes" if managed else _NONE,
    )


def _machines(recipes: Iterable[Recipe], platform: Platform) -> str:
    found = [recipe for recipe in recipes if platform in recipe.platforms]
    if not found:
        return _NONE
    return "; ".join(_own_machines(recipe, platform) for recipe in found)


def _own_machines(recipe: Recipe, platform: Platform) -> str:
    if not recipe.instances.types:
        return "a job of its own kind³"
    return instances_text(recipe, platform)


# ---- images ------------------------------------------------------------------------------------------------------


def _images(recipes: Sequence[Recipe]) -> Iterator[str]:
    """A row an image, with the generations that use it; accounts are named where they are not the usual ones."""
    found: dict[tuple[str, str, str, str], dict[str, None]] = {}
    for recipe in recipes:
        for platform, image in recipe.images.items():
            companions = recipe.companions if platform == "hyperpod" else []
            names = ", ".join(f"`{one.name}`" for one in [image, *companions])
            place = (recipe.technique, PLATFORMS[platform], names, _accounts(image))
            found.setdefault(place, {})[recipe.generation] = None
    usual = Counter(accounts for *_, accounts in found).most_common(1)[0][0]
    yield _IMAGES.format(accounts=usual).lstrip("\n")
    yield _heading("technique", "generation", "platform", "image", "other accounts")
    for (technique, where, names, accounts), generations in sorted(found.items()):
        yield _row(technique, ", ".join(generations), where, names, "" if accounts == usual else accounts)


def _accounts(image: Image) -> str:
    return ", ".join(f"{region} {account}" for region, account in image.accounts.items())


# ---- keys --------------------------------------------------------------------------------------------------------


def _keys(recipes: Sequence[Recipe]) -> Iterator[str]:
    yield _heading("key", "short name", "default", "unit", "bounds")
    open_paths = dict.fromkeys(
        path
        for recipe in recipes
        for path, spec in recipe.keys.items()
        if section(path) != "run" and any(spec.locked_on(platform) is None for platform in recipe.platforms)
    )
    resolved = {recipe.id: resolve(default_values(recipe)) for recipe in recipes}
    for path in open_paths:
        having = [(recipe, recipe.keys[path]) for recipe in recipes if path in recipe.keys]
        spec = having[0][1]
        yield _row(
            f"`{path}`",
            f"`{spec.override}`" if spec.override else "",
            _distinct(f"`{default_text(own, resolved[recipe.id][path])}`" for recipe, own in having),
            spec.unit or "",
            _bounds([own for _, own in having]),
        )


def _bounds(specs: Sequence[KeySpec]) -> str:
    """What each source allows in some of the recipes; sources that agree share their words."""
    found: dict[str, list[str]] = {}
    for source, name in SOURCES.items():
        stated = [bounds for spec in specs if (bounds := bounds_of(spec, source)) is not None]
        words = _distinct(bounds_text(bounds) for bounds in stated)
        if words:
            found.setdefault(words, []).append(name)
    return "; ".join(f"{words} ({', '.join(names)})" for words, names in found.items())


def _distinct(texts: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(text for text in texts if text))


# ---- tables ------------------------------------------------------------------------------------------------------


def _grouped(recipes: Iterable[Recipe], key: Callable[[Recipe], str]) -> Iterator[tuple[str, list[Recipe]]]:
    """Recipes by a key, in the order in which the keys first come."""
    groups: dict[str, list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(key(recipe), []).append(recipe)
    yield from groups.items()


def _heading(*cells: str) -> str:
    return f"{_row(*cells)}\n{_row(*['---'] * len(cells))}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    sys.stdout.write(document(catalogue()))
