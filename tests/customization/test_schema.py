"""The published schema is the model's, and only form."""

from pathlib import Path

from novaline.customization.schema import customization_schema

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_published_schema_is_current():
    published = (DOCS / "customization.schema.json").read_text(encoding="utf-8")
    assert published == customization_schema(), (
        "run: python -m novaline.customization.schema > docs/customization.schema.json"
    )
