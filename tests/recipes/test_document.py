"""docs/recipes.md is what the catalogue says today."""

import re
from pathlib import Path
from typing import get_args

import pytest

from novaline.customization.managed import SERVERLESS, bedrock_techniques
from novaline.recipes.catalogue import catalogue
from novaline.recipes.document import COMMAND, document
from novaline.recipes.model import Technique

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
RECIPES = catalogue().all()


@pytest.fixture(scope="module")
def text() -> str:
    return document(catalogue())


@pytest.fixture(scope="module")
def rows(text) -> list[list[str]]:
    """The cells of the table of what runs where."""
    table = text.partition("## What runs where")[2].partition("\n¹")[0]
    lines = [line for line in table.splitlines() if line.startswith("| nova-")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_published_page_is_current(text):
    assert PAGE.read_text(encoding="utf-8") == text, f"run: {COMMAND}"
    assert f"    {COMMAND}\n" in text


def test_every_recipe_is_in_one_row_with_its_machines_where_it_runs_and_nowhere_else(rows):
    for recipe in RECIPES:
        (row,) = (
            row
            for row in rows
            if (row[0], row[1]) == (recipe.model.name, recipe.technique) and recipe.variant in row[2].split(", ")
        )
        job, cluster = row[3], row[4] if row[4] != "the same" else row[3]
        assert "sagemaker" not in recipe.platforms or job != "no"
        assert "hyperpod" not in recipe.platforms or cluster != "no"
        for name in recipe.instances.types:
            family = name.removeprefix("ml.").partition(".")[0]
            assert "sagemaker" not in recipe.platforms or f"{family}." in job
            assert "hyperpod" not in recipe.platforms or f"{family}." in cluster


def test_a_cell_says_no_where_no_recipe_runs(rows):
    for model, technique, variants, job, cluster, *_ in rows:
        for platform, cell in (("sagemaker", job), ("hyperpod", cluster)):
            runs = any(
                (recipe.model.name, recipe.technique) == (model, technique)
                and recipe.variant in variants.split(", ")
                and platform in recipe.platforms
                for recipe in RECIPES
            )
            assert runs == (cell != "no"), (model, technique, variants, platform)


def test_what_aws_manages_itself_is_what_the_customization_language_allows(rows):
    for model, technique, variants, _, _, serverless, managed in rows:
        if technique != "evaluation":
            assert (serverless == "yes") == (variants in SERVERLESS.get(technique, ())), (model, technique, variants)
        own = variants in ("lora", "student") and technique in bedrock_techniques(model)
        assert (managed == "yes") == own, (model, technique, variants)
    for model in {row[0] for row in rows}:
        assert {row[1] for row in rows if row[0] == model and row[6] == "yes"} == set(bedrock_techniques(model))


def test_the_page_has_every_technique_image_and_short_name_that_is_open(text):
    assert {name for name in get_args(Technique) if f"### {name}, nova-" not in text} == set()
    for recipe in RECIPES:
        assert all(f"`{image.name}`" in text for image in [*recipe.images.values(), *recipe.companions])
        section = text.partition(f"### {recipe.technique}, {recipe.generation}\n")[2].partition("\n### ")[0]
        for path, spec in recipe.keys.items():
            is_open = any(spec.locked_on(platform) is None for platform in recipe.platforms)
            if is_open and not path.startswith("run."):
                (row,) = re.findall(rf"^\| `{re.escape(path)}` \|.*$", section, re.MULTILINE)
                assert spec.override is None or f"`{spec.override}`" in row
