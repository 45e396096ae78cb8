"""The JSON Schema of customization files, for editors. `python -m novaline.customization.schema` prints it.

It describes form only. What the recipe allows, and how parts relate, `novaline check` knows.
"""

from __future__ import annotations

import json
import sys

from novaline.customization.model import Customization


def customization_schema() -> str:
    """The schema as text, exactly as `docs/customization.schema.json` holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Customization.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(customization_schema())
